/** Checks tables: that every cell makes a request, with a token that exists. */

import { hintFor } from '../../base/suggest.ts';
import type { ScenarioSpec, StepSpec, Table } from '../format/schema.ts';
import { type CellRequest, casesOf, cellRequest, isPath, noToken, rowsOf } from '../table.ts';
import { keyTwice, references, substitute } from '../template.ts';
import type { Path } from '../yaml/yaml-file.ts';
import { mustExist, type Report } from './mistakes.ts';
import { type Unsendable, unsendable } from './sendable.ts';

export function checkTables(scenario: ScenarioSpec, report: Report): void {
  for (const [index, step] of scenario.steps.entries()) {
    const at = ['steps', index];
    checkAddress(step, at, report);
    if (step.expect === undefined) continue;
    checkColumns(step.expect, [...at, 'expect'], report);
    checkPathGivenOnce(step, step.expect, at, report);
    checkTokenGivenOnce(step, step.expect, at, scenario, report);
    checkCells(step, step.expect, at, scenario, report);
  }
}

function checkAddress({ request }: StepSpec, at: Path, report: Report): void {
  const { url, path } = request ?? {};
  if (url !== undefined && !/^(https?:\/\/|\$\{)/.test(url)) {
    report([...at, 'request', 'url'], `"${url}" is not an address`, 'Start it with "http://" or "https://".');
  } else if (url?.endsWith('/')) {
    const hint = `Write ${url.replace(/\/+$/, '')}, because paths start with "/".`;
    report([...at, 'request', 'url'], 'the address ends with "/"', hint);
  }
  if (path !== undefined && !/^(\/|https?:\/\/|\$\{)/.test(path)) {
    report([...at, 'request', 'path'], `"${path}" is not a path`, `Start it with "/": /${path}`);
  }
}

function checkColumns({ columns }: Table, at: Path, report: Report): void {
  for (const [index, column] of columns.entries()) {
    if (columns.indexOf(column) < index) {
      report([...at, 'columns', index], `there already is a column "${column}"`, 'Remove one of them.');
    }
  }
}

function checkPathGivenOnce({ request }: StepSpec, table: Table, at: Path, report: Report): void {
  if (request?.path === undefined) return;
  const names = [...rowsOf(table).map(([row]) => row), ...table.columns];
  const path = names.find(isPath);
  const used = references(request.path).some(({ source }) => /\b(row|column)\b/.test(source));
  if (path === undefined || used) return;
  const hint = "Remove request.path, or use the row or column in it, such as '/status${row}'.";
  report([...at, 'request', 'path'], `the path is given here and by "${path}" in the table`, hint);
}

function checkTokenGivenOnce(
  { request }: StepSpec,
  table: Table,
  at: Path,
  scenario: ScenarioSpec,
  report: Report,
): void {
  if (request?.token === undefined) return;
  const names = [...rowsOf(table).map(([row]) => row), ...table.columns];
  const token = names.find((name) => tokenNames(scenario).includes(name));
  // Where the token is sent in another place, rows and columns are only named after it.
  const isUsed = references(request).some(({ source }) => /\b(row|column|tokens)\b/.test(source));
  if (token === undefined || isUsed) return;
  const hint = "Remove request.token, or use the row or column in it, such as '${column}'.";
  report([...at, 'request', 'token'], `the token is given here and by "${token}" in the table`, hint);
}

function checkCells(step: StepSpec, table: Table, at: Path, scenario: ScenarioSpec, report: Report): void {
  const rows = rowsOf(table);
  if (rows.length === 0) {
    const hint = 'Add a row such as "/headers: [200]", with one cell for each column.';
    report([...at, 'expect'], 'the table has no rows', hint, 'key');
  }
  let broken = false;
  let tokenTold = false;
  // The same text is often in every cell.
  const unsendableTold = new Set<string>();
  for (const [row, cells] of rows) {
    for (const [index, cell] of cells.entries()) {
      const path = [...at, 'expect', row, index];
      const column = table.columns[index] ?? '';
      for (const { answer } of casesOf(cell)) {
        const names = Object.keys(answer.headers ?? {}).map((name) => substitute(name, { row, column }));
        const twice = keyTwice(names.map((name) => [name, undefined]));
        if (twice !== undefined)
          report(path, `the header "${twice}" is there twice once it is filled in`, 'Let the names differ.');
        if (answer.headers !== undefined && Object.keys(answer.headers).length === 0) {
          report(path, '"headers" without a header expects nothing', 'Name a header, or remove "headers".');
        }
        if (typeof answer.body !== 'object' || !('jwks' in answer.body)) continue;
        mustExist(
          answer.body.jwks,
          scenario.issuers,
          'issuer',
          bodyPath(cell, path, answer.body.jwks),
          report,
        );
      }
      const request = cellRequest(step.request, row, column);
      if ('message' in request) {
        // The same mistake is in every cell of the row, often of the table.
        if (!broken) report([...at, 'expect', row], request.message, request.hint, 'key');
        broken = true;
      } else {
        checkUrl(request, step, row, at, report);
        const mistake = unsendable(request, false);
        if (mistake !== undefined) {
          const [where, side] = placeOf(mistake, step, [row, index], at);
          const told = JSON.stringify([where, side]);
          if (!unsendableTold.has(told)) report(where, mistake.message, mistake.hint, side);
          unsendableTold.add(told);
        }
        const missing = missingToken(request, scenario);
        if (missing !== undefined && step.request?.token === undefined) {
          reportToken(missing, [row, index], at, scenario, report);
        } else if (missing !== undefined && !tokenTold) {
          const message = `there is no token "${missing}", for row "${row}" and column "${column}"`;
          report([...at, 'request', 'token'], message, hintFor(missing, tokenNames(scenario), 'tokens'));
          tokenTold = true;
        }
      }
    }
  }
}

/** Where in the step it stands that a request cannot be sent. */
function placeOf(
  { part, header, isName }: Unsendable,
  { request, expect }: StepSpec,
  [row, index]: readonly [row: string, column: number],
  at: Path,
): [Path, 'key' | 'value'] {
  if (header !== undefined) {
    const name = Object.keys(request?.headers ?? {})[header] ?? '';
    return [[...at, 'request', 'headers', name], isName ? 'key' : 'value'];
  }
  if (part !== 'headers' && request?.[part] !== undefined) return [[...at, 'request', part], 'value'];
  const isColumn = part === 'path' && isPath(expect?.columns[index] ?? '');
  return isColumn ? [[...at, 'expect', 'columns', index], 'value'] : [[...at, 'expect', row], 'key'];
}

/** Where the issuer of a body stands, which depends on how the cell is written. */
function bodyPath(cell: unknown, path: Path, issuer: string): Path {
  if (!Array.isArray(cell)) return [...path, 'body', 'jwks'];
  const index = cell.findIndex((entry) => entry?.body?.jwks === issuer);
  return [...path, index, 'body', 'jwks'];
}

function checkUrl({ url }: CellRequest, step: StepSpec, row: string, at: Path, report: Report): void {
  if (step.from === undefined || url !== undefined) return;
  const hint = 'Add "request: { url: http://httpbin.foo:8000 }", or start rows with "http://".';
  report([...at, 'expect', row], 'a request from a pod needs an address, not only a path', hint, 'key');
}

function missingToken({ token }: CellRequest, { tokens }: ScenarioSpec): string | undefined {
  // What is not filled in here is a mistake in the template, and reported as such.
  return token === undefined || token.includes('${') || Object.hasOwn(tokens, token) ? undefined : token;
}

const tokenNames = ({ tokens }: ScenarioSpec) => [noToken, ...Object.keys(tokens)];

function reportToken(
  token: string,
  [row, index]: readonly [row: string, column: number],
  at: Path,
  scenario: ScenarioSpec,
  report: Report,
): void {
  const what = token === row ? 'row' : 'column';
  const path = token === row ? [...at, 'expect', row] : [...at, 'expect', 'columns', index];
  const hint = `${hintFor(token, tokenNames(scenario), 'tokens')} A ${what} that does not start with "/" names a token.`;
  report(path, `there is no token "${token}"`, hint, what === 'row' ? 'key' : 'value');
}
