/** Checks tables: that every cell makes a request, with a token that exists. */

import { hintFor } from '../../base/suggest.ts';
import type { ScenarioSpec, StepSpec, Table } from '../format/schema.ts';
import { type CellRequest, casesOf, cellRequest, isPath, namesToken, noToken, rowsOf } from '../table.ts';
import { references, substitute } from '../template.ts';
import type { Path } from '../yaml/yaml-file.ts';
import { checkAnswer } from './check-answers.ts';
import type { Report } from './mistakes.ts';
import { type Unsendable, unsendable } from './sendable.ts';

export function checkTables(scenario: ScenarioSpec, report: Report): void {
  checkRequests(scenario, report);
  for (const [index, step] of scenario.steps.entries()) {
    const at = ['steps', index];
    checkAddress(step.request, [...at, 'request'], report);
    checkBefore(step.request, [...at, 'request'], scenario, report);
    if (step.expect === undefined) continue;
    checkColumns(step.expect, [...at, 'expect'], report);
    checkPathGivenOnce(step, step.expect, at, report);
    checkTokenGivenOnce(step, step.expect, at, scenario, report);
    checkCells(step, step.expect, at, scenario, report);
  }
}

/** Rows and columns name them, so that their names must not mean anything else there. */
function checkRequests(scenario: ScenarioSpec, report: Report): void {
  const { requests = {}, tokens } = scenario;
  for (const [name, request] of Object.entries(requests)) {
    const at = ['requests', name];
    const other = isPath(name)
      ? 'a path'
      : Object.hasOwn(tokens, name)
        ? 'a token'
        : name === noToken
          ? 'that no token is sent'
          : undefined;
    if (other !== undefined || name === 'columns') {
      const hint = `In a table it is ${other ?? 'the list of columns'}. Choose another name.`;
      report(at, `a request cannot be called "${name}"`, hint, 'key');
    }
    checkAddress(request, at, report);
    checkBefore(request, at, scenario, report);
  }
}

function checkAddress(request: StepSpec['request'], at: Path, report: Report): void {
  const { url, path } = request ?? {};
  if (url !== undefined && !/^(https?:\/\/[^/]|\$\{)/.test(url)) {
    const hint = 'Start it with "http://" or "https://" and a host, such as http://httpbin.foo:8000.';
    report([...at, 'url'], `"${url}" is not an address`, hint);
  } else if (url !== undefined && /[^/]\/+$/.test(url.replace(/^https?:\/\//, ''))) {
    const hint = `Write ${url.replace(/\/+$/, '')}, because paths start with "/".`;
    report([...at, 'url'], 'the address ends with "/"', hint);
  }
  if (path !== undefined && !/^(\/|https?:\/\/|\$\{)/.test(path)) {
    report([...at, 'path'], `"${path}" is not a path`, `Start it with "/": /${path}`);
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
      const request = cellRequest(step.request, row, column, scenario.requests);
      if ('message' in request) {
        // The same mistake is in every cell of the row, often of the table.
        if (!broken) report([...at, 'expect', row], request.message, request.hint, 'key');
        broken = true;
      } else {
        for (const { answer } of casesOf(cell))
          checkAnswer(answer, { cell, path, row, column, request, issuers: scenario.issuers }, report);
        checkUrl(request, step, row, at, report);
        checkPlace(request, step, scenario, [row, index], at, report);
        const mistake = unsendable(request, false);
        if (mistake !== undefined) {
          const [where, side] = placeOf(mistake, step, scenario, [row, index], at);
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

/** Where it stands that a request cannot be sent. */
function placeOf(
  { part, header, isName }: Unsendable,
  { request, expect }: StepSpec,
  { requests = {} }: ScenarioSpec,
  [row, index]: readonly [row: string, column: number],
  at: Path,
): [Path, 'key' | 'value'] {
  const column = expect?.columns[index] ?? '';
  // What is added last replaces what is there.
  const parts = [column, row]
    .filter((name) => Object.hasOwn(requests, name))
    .map((name): [StepSpec['request'], Path] => [requests[name], ['requests', name]]);
  parts.push([request, [...at, 'request']]);
  if (header !== undefined) {
    for (const [each, where] of parts) {
      const name = Object.keys(each?.headers ?? {}).find(
        (name) => substitute(name, { row, column }) === header,
      );
      if (name !== undefined) return [[...where, 'headers', name], isName ? 'key' : 'value'];
    }
  }
  const given = part === 'headers' ? undefined : parts.find(([each]) => each?.[part] !== undefined);
  if (given !== undefined) return [[...given[1], part], 'value'];
  const isColumn = (part === 'path' || part === 'url') && isPath(column);
  return isColumn ? [[...at, 'expect', 'columns', index], 'value'] : [[...at, 'expect', row], 'key'];
}

/** A path in the table that is not sent, and a place for a token without one. */
function checkPlace(
  { path, token }: CellRequest,
  step: StepSpec,
  { requests = {} }: ScenarioSpec,
  [row, index]: readonly [row: string, column: number],
  at: Path,
  report: Report,
): void {
  const column = step.expect?.columns[index] ?? '';
  const own = [row, column].findLast((name) => requests[name]?.path !== undefined);
  const other = [row, column].find(isPath);
  if (own !== undefined && other !== undefined && !path.includes(other)) {
    const hint = `Use it there, such as "path: '\${row}?a=b'", or take it out.`;
    report(['requests', own, 'path'], `the path is given here and by "${other}" in the table`, hint);
  }
  if (token === undefined && namesToken(path)) {
    const hint = 'Put this row or column into a table of its own, without ${token} in the path.';
    report([...at, 'expect', row, index], 'there is no token for ${token} in the path', hint);
  }
}

function checkUrl(
  { url, path, client }: CellRequest,
  step: StepSpec,
  row: string,
  at: Path,
  report: Report,
): void {
  if (step.from === undefined && client === undefined) return;
  if (path.includes('#')) {
    const hint = 'Write it as %23. Through a gateway a path is sent as it is, with this sign.';
    report([...at, 'expect', row], 'curl sends nothing of a path from its first "#" on', hint, 'key');
  }
  if (url !== undefined) return;
  const hint = 'Add "request: { url: http://httpbin.foo:8000 }", or start rows with "http://".';
  report([...at, 'expect', row], 'a request from a pod needs an address, not only a path', hint, 'key');
}

function missingToken({ token }: CellRequest, { tokens }: ScenarioSpec): string | undefined {
  // What is not filled in here is a mistake in the template, and reported as such.
  return token === undefined || token.includes('${') || Object.hasOwn(tokens, token) ? undefined : token;
}

/** Tokens with which a request is sent before. */
function checkBefore(request: StepSpec['request'], at: Path, scenario: ScenarioSpec, report: Report): void {
  for (const [index, token] of (request?.before ?? []).entries()) {
    if (token.includes('${') || tokenNames(scenario).includes(token)) continue;
    const hint = hintFor(token, tokenNames(scenario), 'tokens');
    report([...at, 'before', index], `there is no token "${token}"`, hint);
  }
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
