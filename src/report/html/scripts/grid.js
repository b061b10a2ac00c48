// Arrow keys in a matrix, as in the grid pattern of the ARIA Authoring Practices: one stop of the Tab key for each table.

/** @param {Element} table */
export function visibleRows(table) {
  const rows = /** @type {HTMLTableRowElement[]} */ ([...table.querySelectorAll('tbody tr')]);
  return rows.filter((row) => !row.hidden).map((row) => [...row.cells].map((cell) => linksIn(cell)));
}

/**
 * @param {Element} element
 * @returns {HTMLAnchorElement[]}
 */
export function linksIn(element) {
  return [...element.querySelectorAll('a')].filter((link) => link.classList.contains('check'));
}

/** @param {Element} table */
export function makeGrid(table) {
  table.setAttribute('role', 'grid');
  for (const link of linksIn(table)) link.setAttribute('aria-haspopup', 'dialog');
  renewTabStop(table);
}

/**
 * The Tab key leads to one cell of each table: to the given one, or the one it led to, or the first that can be seen.
 *
 * @param {Element} table
 * @param {HTMLAnchorElement} [wanted]
 */
export function renewTabStop(table, wanted) {
  const visible = visibleRows(table).flat(2);
  const stop =
    wanted ?? visible.find((link) => link.tabIndex === 0 && link.hasAttribute('tabindex')) ?? visible[0];
  for (const link of linksIn(table)) link.tabIndex = link === stop ? 0 : -1;
}

/** @param {KeyboardEvent} event */
export function onGridKey(event) {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  const table = link?.closest('table.matrix');
  if (!link || !table || event.altKey || event.metaKey || event.shiftKey) return;
  if (event.key === ' ') {
    event.preventDefault();
    link.click();
    return;
  }
  const next = neighbour(visibleRows(table), link, event.key, event.ctrlKey);
  if (next === undefined) return;
  event.preventDefault();
  renewTabStop(table, next);
  next.focus();
  next.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

/**
 * @param {HTMLAnchorElement[][][]} rows links of each cell of each row
 * @param {HTMLAnchorElement} link where the focus is
 * @param {string} key
 * @param {boolean} toEnd with the Ctrl key
 * @returns {HTMLAnchorElement | undefined} nothing for another key, and at the edge of the table
 */
function neighbour(rows, link, key, toEnd) {
  const y = rows.findIndex((row) => row.some((cell) => cell.includes(link)));
  const row = rows[y] ?? [];
  const x = row.findIndex((cell) => cell.includes(link));
  const inRow = row.flat();
  const at = inRow.indexOf(link);
  /** @param {HTMLAnchorElement[][][]} others */
  const sameColumn = (others) => others.map((other) => other[x]?.[0]).find((other) => other !== undefined);
  switch (key) {
    case 'ArrowRight':
      return inRow[at + 1];
    case 'ArrowLeft':
      return inRow[at - 1];
    case 'ArrowDown':
      return sameColumn(rows.slice(y + 1));
    case 'ArrowUp':
      return sameColumn(rows.slice(0, y).reverse());
    case 'Home':
      return toEnd ? rows.flat(2)[0] : inRow[0];
    case 'End':
      return toEnd ? rows.flat(2).at(-1) : inRow.at(-1);
    default:
      return undefined;
  }
}
