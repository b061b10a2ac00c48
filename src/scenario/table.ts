/** What a table asks for: which request belongs to a cell, and what is expected of it. */
import type { Answer, Cell, Condition, RequestSpec, StepSpec, Table } from './format/schema.ts';
import { substitute } from './template.ts';

/** The name for sending no token at all. */
export const noToken = 'no token';

/** The rows of a table in their order. */
export function rowsOf(table: Table): [string, Cell[]][] {
  return Object.entries(table).filter(([key]) => key !== 'columns') as unknown as [string, Cell[]][];
}

/** Whether a row or column is a path or an address; otherwise it names a token, or is a mere label. */
export function isPath(name: string): boolean {
  return /^(\/|https?:\/\/|\$\{\s*keyServers\b)/.test(name);
}

/** The cases of a cell, in the order in which they are tried. */
export function casesOf(cell: Cell): { readonly answer: Answer; readonly when: Condition | undefined }[] {
  const cases = Array.isArray(cell) ? cell : [cell];
  return cases.map((entry) => {
    if (typeof entry === 'number') return { answer: { code: entry }, when: undefined };
    const { when, ...answer } = entry as Answer & { when?: Condition | undefined };
    return { answer, when };
  });
}

/** Whether a status is the one that is expected, or one of its class. */
export function isExpected(code: Answer['code'], status: number): boolean {
  return typeof code === 'number' ? code === status : code[0] === String(status)[0];
}

/** A request with `${row}` and `${column}` filled in. */
export interface CellRequest {
  readonly method: string;
  /** The part of the address in front of the path; undefined for the ingress gateway. */
  readonly url: string | undefined;
  readonly path: string;
  /** Name of a token; undefined for none. */
  readonly token: string | undefined;
  readonly host: string | undefined;
  readonly headers: readonly (readonly [string, string])[];
}

/** Why a row and a column do not make a request, or where its token comes from. */
export interface CellProblem {
  readonly message: string;
  readonly hint: string;
}

/**
 * The request of a cell. The path comes from `request.path`, else from the row or column that is a path. The token
 * comes from `request.token`, else from the row or column that is no path; there is none when both are paths or labels.
 */
export function cellRequest(
  request: RequestSpec | undefined,
  row: string,
  column: string,
): CellRequest | CellProblem {
  const fill = (text: string) => substitute(text, { row, column });
  const named = [row, column];
  const paths = named.filter(isPath);
  const others = named.filter((name) => !isPath(name));

  if (request?.path === undefined && paths.length === 0) {
    return {
      message: `neither the row "${row}" nor the column "${column}" is a path`,
      hint: 'Say the path with request.path, or start the names of rows or columns with "/".',
    };
  }
  if (request?.path === undefined && paths.length === 2) {
    return {
      message: `both the row "${row}" and the column "${column}" are a path`,
      hint: 'Let the columns be names of tokens or "no token".',
    };
  }
  if (request?.token === undefined && others.length === 2) {
    return {
      message: `the row "${row}" and the column "${column}" are both no path; which is the token?`,
      hint: "Say the token with request.token, such as '${column}' or '${column} ${row}'.",
    };
  }
  const target = fill(request?.path ?? paths[0]!);
  const token = request?.token === undefined ? (others[0] ?? noToken) : fill(request.token);
  const absolute = /^(https?:\/\/[^/]+|\$\{\s*keyServers\b[^}]*\})(\/.*)?$/.exec(target);
  return {
    method: request?.method ?? 'GET',
    url: absolute?.[1] ?? (request?.url === undefined ? undefined : fill(request.url)),
    path: absolute === null ? target : (absolute[2] ?? '/'),
    token: token === noToken ? undefined : token,
    host: request?.host === undefined ? undefined : fill(request.host),
    headers: Object.entries(request?.headers ?? {}).map(([name, value]) => [fill(name), fill(value)]),
  };
}

/** A check of a step by its names, and the path in the scenario of what it expects. */
export interface CheckName {
  readonly kind: 'request' | 'apply' | 'fetched';
  readonly row: string;
  readonly column: string;
  readonly path: readonly (string | number)[];
}

/** All checks of a step: whether its manifests are refused, its cells row by row, who fetched. */
export function checkNames(step: StepSpec, path: readonly (string | number)[]): CheckName[] {
  const names: CheckName[] = [];
  if (step.refused !== undefined) {
    const row = (step.apply ?? []).map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ');
    names.push({ kind: 'apply', row, column: 'apply', path: [...path, 'refused'] });
  }
  const columns = step.expect?.columns ?? [];
  for (const [row, cells] of step.expect === undefined ? [] : rowsOf(step.expect)) {
    for (const index of cells.keys()) {
      const column = columns[index] ?? '';
      names.push({ kind: 'request', row, column, path: [...path, 'expect', row, index] });
    }
  }
  if (step.fetched !== undefined) {
    const row = `keys of ${step.fetched.from}`;
    names.push({ kind: 'fetched', row, column: 'fetched by', path: [...path, 'fetched'] });
  }
  return names;
}

/** The id of a check, the same in every run: `scenario/step/row/column`. */
export function checkId(scenario: string, step: string, check: Pick<CheckName, 'row' | 'column'>): string {
  return `${scenario}/${step}/${check.row}/${check.column}`;
}
