// Hides what the reader does not look for: rows without a match, then steps and scenarios without a row.

import { linksIn, renewTabStop, visibleRows } from './grid.js';
import { detailOf } from './links.js';

/** @type {WeakMap<Element, string>} */
const texts = new WeakMap();

/**
 * Everything that is written about a check, in lower case.
 *
 * @param {HTMLAnchorElement} link
 * @param {string} about text of its scenario and its step
 */
function textOf(link, about) {
  const known = texts.get(link);
  if (known !== undefined) return known;
  const detail = detailOf(link.hash);
  const label = detail?.getAttribute('aria-label') ?? '';
  const text = [about, label, link.textContent, detail?.textContent].join('\n').toLowerCase();
  texts.set(link, text);
  return text;
}

/** @param {HTMLFormElement} form */
function readFilter(form) {
  const pressed = /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll('[aria-pressed="true"]'));
  const search = /** @type {HTMLInputElement | null} */ (form.querySelector('#search'));
  const tag = /** @type {HTMLSelectElement | null} */ (form.querySelector('#tag'));
  const changed = /** @type {HTMLInputElement | null} */ (form.querySelector('#changed'));
  const filter = {
    states: new Set([...pressed].map(({ dataset }) => dataset.filter)),
    words: (search?.value ?? '').toLowerCase().split(/\s+/).filter(Boolean),
    tag: tag?.value ?? '',
    changed: changed?.checked === true,
  };
  const isActive = filter.states.size + filter.words.length > 0 || filter.tag !== '' || filter.changed;
  return { ...filter, isActive };
}

/** @param {HTMLFormElement} form */
function applyFilter(form) {
  const { states, words, tag, changed, isActive } = readFilter(form);
  let count = 0;
  let total = 0;
  for (const scenario of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.scenario'))) {
    const hasTag = tag === '' || JSON.parse(scenario.dataset.tags ?? '[]').includes(tag);
    const title = scenario.querySelector('header')?.textContent ?? '';
    let inScenario = 0;
    for (const step of /** @type {NodeListOf<HTMLElement>} */ (scenario.querySelectorAll('.step'))) {
      const about = `${title}\n${step.querySelector('h4')?.textContent}`;
      let inStep = 0;
      for (const row of /** @type {NodeListOf<HTMLElement>} */ (step.querySelectorAll('.matrix tbody tr'))) {
        let inRow = 0;
        for (const link of linksIn(row)) {
          const { state, changed: isChanged } = link.dataset;
          const isMatch =
            hasTag &&
            (states.size === 0 || states.has(state)) &&
            (!changed || isChanged !== undefined) &&
            (words.length === 0 || words.every((word) => textOf(link, about).includes(word)));
          link.classList.toggle('dim', !isMatch);
          total += 1;
          if (isMatch) inRow += 1;
        }
        row.hidden = isActive && inRow === 0;
        inStep += inRow;
      }
      for (const table of /** @type {NodeListOf<HTMLElement>} */ (step.querySelectorAll('table.matrix'))) {
        const frame = table.parentElement;
        if (frame) frame.hidden = isActive && visibleRows(table).length === 0;
        renewTabStop(table);
      }
      step.hidden = isActive && inStep === 0;
      inScenario += inStep;
    }
    scenario.hidden = isActive && inScenario === 0;
    count += inScenario;
  }
  const output = form.querySelector('output');
  if (output) output.textContent = isActive ? `${count} of ${total} checks` : `${total} checks`;
}

/** @param {HTMLFormElement} form */
export function makeFilter(form) {
  form.hidden = false;
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('input', () => applyFilter(form));
  form.addEventListener('click', (event) => {
    const pressed = event.target instanceof Element ? event.target.closest('[data-filter]') : null;
    if (!pressed) return;
    pressed.setAttribute('aria-pressed', String(pressed.getAttribute('aria-pressed') !== 'true'));
    applyFilter(form);
  });
  form.addEventListener('reset', () => {
    for (const pressed of form.querySelectorAll('[aria-pressed]'))
      pressed.setAttribute('aria-pressed', 'false');
    // The fields have their first values when the event is over.
    setTimeout(() => applyFilter(form));
  });
  applyFilter(form);
}
