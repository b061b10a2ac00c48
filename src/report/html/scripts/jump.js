// The list of scenarios: open beside the page, and behind its heading where there is no room beside it.

export function makeJumpList() {
  const list = /** @type {HTMLDetailsElement | null} */ (document.querySelector('#jump'));
  if (!list) return;
  const isBeside = matchMedia('(min-width: 72rem)');
  const settle = () => {
    list.open = isBeside.matches;
  };
  isBeside.addEventListener('change', settle);
  settle();
  list.addEventListener('click', ({ target }) => {
    if (!isBeside.matches && target instanceof Element && target.closest('a')) list.open = false;
  });
  list.addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape' || isBeside.matches) return;
    list.open = false;
    list.querySelector('summary')?.focus();
  });
  markCurrent(list);
}

/**
 * Marks the scenario that the reader looks at.
 *
 * @param {HTMLElement} list
 */
function markCurrent(list) {
  const links = new Map([...list.querySelectorAll('a')].map((link) => [link.hash.slice(1), link]));
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const link = links.get(target.id);
        if (isIntersecting) link?.setAttribute('aria-current', 'true');
        else link?.removeAttribute('aria-current');
      }
    },
    // A line below the bar of filters.
    { rootMargin: '-25% 0px -74% 0px' },
  );
  for (const scenario of document.querySelectorAll('.scenario')) observer.observe(scenario);
}
