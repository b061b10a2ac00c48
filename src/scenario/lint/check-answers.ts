/** Checks what a cell expects: that it can be compared, and that what it names exists. */
import type { Answer, Cell, ScenarioSpec } from '../format/schema.ts';
import { type CellRequest, namesToken } from '../table.ts';
import { keyTwice, substitute } from '../template.ts';
import type { Path } from '../yaml/yaml-file.ts';
import { mustExist, type Report } from './mistakes.ts';
import { isHeaderName } from './sendable.ts';

/** A cell, and where it stands. */
interface AnswerCell {
  readonly cell: Cell;
  readonly path: Path;
  readonly row: string;
  readonly column: string;
  readonly request: CellRequest;
  readonly issuers: ScenarioSpec['issuers'];
}

/** @param answer one of the cases of the cell */
export function checkAnswer(answer: Answer, of: AnswerCell, report: Report): void {
  const { path, request } = of;
  const { body, headers, received } = answer;
  checkHeaders(headers, of, report);
  checkHeaders(received?.headers, of, report);
  if (received !== undefined && Object.values(received).every((part) => part === undefined)) {
    report(path, '"received" expects nothing', 'Name a header, a method or a path, or remove "received".');
  }
  if (received !== undefined && request.method === 'HEAD') {
    const hint = 'Send GET, or remove "received".';
    report(path, 'an answer to HEAD has no body, so nothing says what was received', hint);
  }
  if (request.upgrade !== undefined && (body ?? received) !== undefined) {
    const hint = 'Expect a status code and headers.';
    report(path, 'of the answer to an upgrade only the head is read', hint);
  }
  if (request.token === undefined && namesToken([body, headers, received])) {
    const hint = 'Without a token nothing can be compared with it: expect something else here.';
    report(path, 'there is no token for ${token} in what is expected', hint);
  }
  if (typeof body === 'object' && 'jwks' in body)
    mustExist(body.jwks, of.issuers, 'issuer', bodyPath(of, body.jwks), report);
}

function checkHeaders(
  headers: Answer['headers'] | NonNullable<Answer['received']>['headers'],
  { path, row, column }: AnswerCell,
  report: Report,
): void {
  if (headers === undefined) return;
  const names = Object.keys(headers).map((name) => substitute(name, { row, column }).toLowerCase());
  const twice = keyTwice(names.map((name) => [name, undefined]));
  if (twice !== undefined)
    report(path, `the header "${twice}" is there twice once it is filled in`, 'Let the names differ.');
  const impossible = names.find((name) => !name.includes('${') && !isHeaderName(name));
  if (impossible !== undefined) {
    const hint = "It would always be absent. Use letters, digits, hyphens and the signs !#$%&'*+.^_`|~.";
    report(path, `"${impossible}" cannot be the name of a header`, hint);
  }
  if (names.length === 0)
    report(path, '"headers" without a header expects nothing', 'Name a header, or remove "headers".');
}

/** Where the issuer of a body stands, which depends on how the cell is written. */
function bodyPath({ cell, path }: AnswerCell, issuer: string): Path {
  if (!Array.isArray(cell)) return [...path, 'body', 'jwks'];
  const index = cell.findIndex(
    (entry) =>
      typeof entry === 'object' &&
      typeof entry.body === 'object' &&
      'jwks' in entry.body &&
      entry.body.jwks === issuer,
  );
  return [...path, index, 'body', 'jwks'];
}
