/** The matrix of a step: one cell for each check, and for each mesh side by side. */
import { plural } from '../text.ts';
import { glyph, glyphOf, wordOf } from './glyphs.ts';
import { type Html, html } from './markup.ts';
import type { Cell, Matrix, Shown } from './matrix-view.ts';
import type { MeshColumn } from './summary/meshes.ts';

/**
 * @param corner what stands in the first column
 * @param caption what the table shows
 */
export function matrixTable(
  matrix: Matrix,
  meshes: readonly MeshColumn[],
  corner: string,
  caption: string,
): Html {
  const several = meshes.length > 1;
  const heads = matrix.columns.map((column) =>
    several
      ? html`<th scope="colgroup" colspan="${meshes.length}">${column}</th>`
      : html`<th scope="col">${column}</th>`,
  );
  return html`
<div class="scroll"><table class="matrix">
  <caption class="vh">${caption}</caption>
  <thead>
    <tr><th scope="col"${several && html` rowspan="2"`} class="corner">${corner}</th>${heads}</tr>
    ${
      several &&
      html`<tr>${matrix.columns.map(() =>
        meshes.map(
          ({ name }, index) => html`<th scope="col" class="mesh${index === 0 && ' first'}">${name}</th>`,
        ),
      )}</tr>`
    }
  </thead>
  <tbody>${matrix.rows.map(
    ({ name, cells }) => html`
    <tr><th scope="row">${name}</th>${cells.map((group) => group.map((cell, index) => dataCell(cell, several && index === 0)))}</tr>`,
  )}
  </tbody>
</table></div>`;
}

function dataCell({ shown, missing }: Cell, first: boolean): Html {
  if (shown.length === 0) {
    if (missing === 'not planned')
      return html`<td class="none${first && ' first'}"><span class="muted">·<span class="vh">no check</span></span></td>`;
    return html`<td class="none${first && ' first'}"><span class="hollow s-notrun">${glyph('notrun')} ${missing}</span></td>`;
  }
  return html`<td${first && html` class="first"`}>${shown.map(checkLink)}</td>`;
}

/** What came back large, what should have come back below it. */
function checkLink({ check, anchor, changed }: Shown): Html {
  const { state, finding } = check;
  const [code, rest] = answer(check);
  const expected = withoutHead(check, check.expected);
  const isVerdict = state === 'passed' || state === 'failed' || state === 'known';
  return html`<a class="check s-${state}" href="#${anchor}" data-state="${state}"${changed && html` data-changed`}>
      <span class="line">${glyph(state)} ${isVerdict && html`<b class="code">${code}</b> `}<span class="word">${wordOf(state)}</span>${
        changed &&
        html`<span class="changedmark" title="another answer than on another mesh">≠<span class="vh"> differs between meshes</span></span>`
      }${finding !== undefined && html`<span class="findingmark" title="a finding">※<span class="vh"> finding</span></span>`}</span>
      <span class="want">${isVerdict ? html`expected ${expected}` : (check.message ?? `expected ${expected}`)}</span>${
        state !== 'passed' && rest !== '' && html`<span class="rest">got ${rest}</span>`
      }</a>`;
}

/** A status code and what comes after it; all of it where the answer is no response. */
function answer(check: Shown['check']): [string, string] {
  const { actual = 'no answer', kind } = check;
  const text = withoutHead(check, actual);
  const status = /^(\d{3})\b\s*(.*)$/s.exec(text);
  if (status !== null) return [status[1] ?? '', status[2] ?? ''];
  const colon = kind === 'apply' ? text.indexOf(':') : -1;
  return colon > 0 ? [text.slice(0, colon), text.slice(colon + 1).trim()] : [text, ''];
}

/** The head of the column says already what is checked. */
function withoutHead({ kind, column }: Shown['check'], text: string): string {
  const start = `keys ${column} `;
  return kind === 'fetched' && text.startsWith(start) ? text.slice(start.length) : text;
}

/** Cells for checks of which only the number is known. */
export function notRunCells(count: number): Html | undefined {
  if (count === 0) return undefined;
  return html`<p class="lost s-notrun"><span aria-hidden="true">${`${glyphOf('notrun')} `.repeat(Math.min(count, 40))}</span>${plural(count, 'check')} did not run</p>`;
}
