// The panel beside the matrix, and over it on a small screen, that shows one check. The details are moved in and back.

import { cellLink, detailOf, showInAddress } from './links.js';
import { copy } from './say.js';

export const panel = document.createElement('dialog');
const panelTitle = document.createElement('h2');
const panelBody = document.createElement('div');
export const isSmall = matchMedia('(max-width: 64rem)');

/** @type {{ detail: HTMLElement, home: Element, opener: Element | null } | undefined} */
let shown;

/**
 * @param {string} text
 * @param {string} label
 * @param {() => void} act
 */
export function button(text, label, act) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = text;
  if (label !== '') made.setAttribute('aria-label', label);
  made.addEventListener('click', act);
  return made;
}

export function makePanel() {
  const bar = document.createElement('div');
  bar.className = 'panelbar';
  bar.append(
    button('←', 'Previous check', () => step(-1)),
    button('→', 'Next check', () => step(1)),
    button('Copy link', '', () => {
      if (shown !== undefined) copy(location.href, shown.detail);
    }),
    button('Close', '', () => closePanel()),
  );
  panel.id = 'panel';
  panelTitle.id = 'panel-title';
  panelTitle.tabIndex = -1;
  panelBody.className = 'panelbody';
  panel.setAttribute('aria-labelledby', 'panel-title');
  panel.append(bar, panelTitle, panelBody);
  panel.addEventListener('cancel', (event) => {
    event.preventDefault();
    closePanel();
  });
  document.body.append(panel);
}

/** @returns {boolean} whether the panel is open */
export function isOpen() {
  return shown !== undefined;
}

/** Puts the details back where they were. */
function putBack() {
  if (shown === undefined) return;
  const { detail, home } = shown;
  home.append(detail);
  cellLink(detail.id)?.removeAttribute('aria-current');
}

/**
 * @param {HTMLElement} detail
 * @param {boolean} takeFocus
 */
export function openDetail(detail, takeFocus) {
  if (shown?.detail === detail) {
    if (takeFocus) panelTitle.focus();
    return;
  }
  const opener = shown?.opener ?? document.activeElement;
  putBack();
  const home = /** @type {Element} */ (detail.parentElement);
  shown = { detail, home, opener };
  const summary = home.querySelector('summary');
  panelTitle.replaceChildren(...[...(summary?.childNodes ?? [])].map((node) => node.cloneNode(true)));
  showPolicies(detail);
  setLevels(detail);
  panelBody.replaceChildren(detail);
  panelBody.scrollTop = 0;
  cellLink(detail.id)?.setAttribute('aria-current', 'true');
  if (!panel.open) {
    const had = /** @type {HTMLElement | null} */ (document.activeElement);
    if (isSmall.matches) panel.showModal();
    else panel.show();
    document.documentElement.classList.add('with-panel');
    if (!takeFocus && !isSmall.matches) had?.focus();
  }
  if (takeFocus || isSmall.matches) panelTitle.focus();
  showInAddress(detail.id);
}

/** @param {boolean} [giveFocusBack] */
export function closePanel(giveFocusBack = true) {
  if (shown === undefined) return;
  const link = cellLink(shown.detail.id);
  const { opener } = shown;
  putBack();
  shown = undefined;
  panel.close();
  document.documentElement.classList.remove('with-panel');
  showInAddress('');
  if (!giveFocusBack) return;
  // Back to the cell that was last shown, or else to where the reader came from.
  const came = opener instanceof HTMLElement && opener !== document.body ? opener : undefined;
  const target = came?.matches('a.check') || came === undefined ? link : came;
  target?.focus();
}

/**
 * To the next check on the page that no filter hides.
 *
 * @param {1 | -1} by
 */
function step(by) {
  if (shown === undefined) return;
  const links = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll('a.check')]);
  const visible = links.filter((link) => link.offsetParent !== null && !link.classList.contains('dim'));
  const index = visible.findIndex((link) => link.hash === `#${shown?.detail.id}`);
  const next = visible[(index + by + visible.length) % visible.length];
  const detail = next === undefined ? undefined : detailOf(next.hash);
  if (detail !== undefined) openDetail(detail, false);
}

/**
 * The title of the panel is a heading of level 2; in the page the details stand below a step, of level 4.
 *
 * @param {HTMLElement} detail
 */
function setLevels(detail) {
  for (const heading of detail.querySelectorAll('h5')) heading.ariaLevel = '3';
  for (const heading of detail.querySelectorAll('h6')) heading.ariaLevel = '4';
}

/**
 * Manifests stand at the step that applied them; here they are copied to the check.
 *
 * @param {HTMLElement} detail
 */
function showPolicies(detail) {
  for (const item of /** @type {NodeListOf<HTMLElement>} */ (detail.querySelectorAll('[data-policy]'))) {
    const text = document
      .getElementById(item.dataset.policy ?? '')
      ?.closest('.policy')
      ?.querySelector('pre');
    if (!text) continue;
    const policy = document.createElement('details');
    const summary = document.createElement('summary');
    policy.className = 'file';
    policy.open = true;
    summary.textContent = item.textContent;
    policy.append(summary, text.cloneNode(true));
    item.removeAttribute('data-policy');
    item.replaceChildren(policy);
  }
}
