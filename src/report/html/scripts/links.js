// What a fragment of the address stands for.
// The page has all modules of this folder as one script: assets.ts takes `import` and `export` away.

/**
 * The details of a check, by the id of the element or by the id of the check as reports and the console show it.
 *
 * @param {string} hash with or without `#`, encoded or not
 * @returns {HTMLElement | undefined}
 */
export function detailOf(hash) {
  const encoded = hash.replace(/^#/, '');
  if (encoded === '') return undefined;
  let name = encoded;
  try {
    name = decodeURIComponent(encoded);
  } catch {
    // Not encoded: a check may have a % in its name.
  }
  const element = document.getElementById(name);
  if (element !== null) return element.classList.contains('detail') ? element : undefined;
  return /** @type {HTMLElement[]} */ ([...document.querySelectorAll('.detail')]).find(
    ({ dataset }) => dataset.check === name || dataset.check === encoded,
  );
}

/**
 * The cell of a check.
 *
 * @param {string} id of the details
 */
export function cellLink(id) {
  const links = /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll('a.check'));
  return [...links].find((link) => link.hash === `#${id}`);
}

/**
 * Puts the fragment into the address without a step in the history.
 *
 * @param {string} id empty for none
 */
export function showInAddress(id) {
  history.replaceState(null, '', id === '' ? location.pathname + location.search : `#${id}`);
}
