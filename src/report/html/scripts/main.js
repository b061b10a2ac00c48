// Puts the parts together. Without this script the page can be read all the same: cells are links to details.

import { makeFilter } from './filter.js';
import { makeGrid, onGridKey, renewTabStop } from './grid.js';
import { makeJumpList } from './jump.js';
import { cellLink, detailOf } from './links.js';
import { button, closePanel, isOpen, isSmall, makePanel, openDetail, panel } from './panel.js';
import { copy, makeStatus } from './say.js';

document.documentElement.classList.add('js');

/** @param {MouseEvent} event */
function onClick(event) {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey)
    return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!link?.getAttribute('href')?.startsWith('#')) return;
  const detail = detailOf(link.hash);
  if (detail !== undefined) {
    event.preventDefault();
    const table = link.closest('table.matrix');
    if (table) renewTabStop(table, link);
    if (panel.contains(link)) openDetail(detail, true);
    // A mouse leaves the focus in the matrix, so that arrow keys go on from there.
    else openDetail(detail, event.detail === 0 || table === null);
    return;
  }
  const target = document.getElementById(link.hash.slice(1));
  if (target?.closest('[hidden]')) {
    /** @type {HTMLFormElement | null} */ (document.querySelector('#filters'))?.reset();
    setTimeout(() => target.scrollIntoView());
  }
  if (target?.closest('details.applied') && panel.contains(link)) closePanel(false);
}

/** On paper the policies of scenarios with a failure are open too. */
function onBeforePrint() {
  closePanel(false);
  for (const scenario of document.querySelectorAll('.scenario')) {
    if (scenario.querySelector('a.check.s-failed, a.check.s-error') === null) continue;
    for (const applied of scenario.querySelectorAll('details.applied')) applied.setAttribute('open', '');
  }
}

function start() {
  makePanel();
  makeStatus();
  for (const table of document.querySelectorAll('table.matrix')) makeGrid(table);
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.copyable'))) {
    const text = place.querySelector('pre');
    if (text)
      place.append(button('Copy', place.dataset.copy ?? '', () => copy(text.textContent ?? '', text)));
  }
  const form = /** @type {HTMLFormElement | null} */ (document.querySelector('#filters'));
  if (form) makeFilter(form);
  makeJumpList();
  document.addEventListener('click', onClick);
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && isOpen()) closePanel();
    else onGridKey(event);
  });
  document.addEventListener('focusin', ({ target }) => {
    // With the panel beside it, the matrix is read with arrow keys alone.
    if (!isOpen() || isSmall.matches || !(target instanceof HTMLAnchorElement)) return;
    const detail = target.matches('a.check') ? detailOf(target.hash) : undefined;
    if (detail !== undefined) openDetail(detail, false);
  });
  const follow = () => {
    const detail = detailOf(location.hash);
    if (detail === undefined) return;
    cellLink(detail.id)?.scrollIntoView({ block: 'center' });
    openDetail(detail, true);
  };
  addEventListener('hashchange', follow);
  addEventListener('beforeprint', onBeforePrint);
  follow();
}

document.addEventListener('DOMContentLoaded', start);
