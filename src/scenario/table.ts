/** What a table asks for: which request belongs to a cell, and what is expected of it. */
import type { Answer, Cell, Condition, RequestSpec, StepSpec, Table } from './format/schema.ts';
import { references, substitute } from './template.ts';

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
  readonly body?: string | undefined;
  readonly headers: readonly (readonly [string, string])[];
  readonly http?: RequestSpec['http'];
  readonly absoluteForm?: boolean | undefined;
  readonly upgrade?: RequestSpec['upgrade'];
  /** Tokens with which it is sent before on the same connection; undefined for none. */
  readonly before?: readonly (string | undefined)[] | undefined;
  /** Where it starts, in place of where those of the step do. */
  readonly client?: { readonly kind: 'pod'; readonly app: string; readonly namespace: string } | undefined;
}

/** Why a row and a column do not make a request, or where its token comes from. */
export interface CellProblem {
  readonly message: string;
  readonly hint: string;
}

/** Requests by the names that rows and columns use. */
export type NamedRequests = Readonly<Record<string, RequestSpec>>;

/**
 * The request of a cell. What a row or a column that names a request says is added to `request`. The path comes from
 * there, else from the row or column that is a path. The token comes from there, else from the row or column that is
 * neither; there is none when there is no such one.
 */
export function cellRequest(
  request: RequestSpec | undefined,
  row: string,
  column: string,
  requests: NamedRequests = {},
): CellRequest | CellProblem {
  const named = [row, column];
  const added = named.filter((name) => Object.hasOwn(requests, name));
  const whole = added.reduce((all, name) => withMore(all, requests[name] ?? {}), request ?? {});
  const fill = (text: string) => substitute(text, { row, column });
  const rest = named.filter((name) => !added.includes(name));
  const paths = rest.filter(isPath);
  const others = rest.filter((name) => !isPath(name));

  if (whole.path === undefined && paths.length === 0) {
    return {
      message: `neither the row "${row}" nor the column "${column}" is a path`,
      hint: 'Say the path with request.path, or start the names of rows or columns with "/".',
    };
  }
  if (whole.path === undefined && paths.length === 2) {
    return {
      message: `both the row "${row}" and the column "${column}" are a path`,
      hint: 'Let the columns be names of tokens or "no token".',
    };
  }
  if (whole.token === undefined && others.length === 2) {
    return {
      message: `the row "${row}" and the column "${column}" are both no path; which is the token?`,
      hint: "Say the token with request.token, such as '${column}' or '${column} ${row}'.",
    };
  }
  const target = fill(whole.path ?? paths[0]!);
  const nameOf = (given: string) => (given === noToken ? undefined : given);
  const token = nameOf(whole.token === undefined ? (others[0] ?? noToken) : fill(whole.token));
  const absolute = /^(https?:\/\/[^/]+|\$\{\s*keyServers\b[^}]*\})(\/.*)?$/.exec(target);
  return {
    method: whole.method ?? 'GET',
    url: absolute?.[1] ?? (whole.url === undefined ? undefined : fill(whole.url)),
    path: absolute === null ? target : (absolute[2] ?? '/'),
    token,
    host: whole.host === undefined ? undefined : fill(whole.host),
    ...(whole.body === undefined ? {} : { body: fill(whole.body) }),
    ...(whole.http === undefined ? {} : { http: whole.http }),
    ...(whole.absoluteForm === true ? { absoluteForm: true } : {}),
    ...(whole.upgrade === undefined ? {} : { upgrade: whole.upgrade }),
    ...(whole.before === undefined ? {} : { before: whole.before.map((name) => nameOf(fill(name))) }),
    ...(whole.from === undefined ? {} : { client: podOf(whole.from) }),
    headers: headerPairs(whole)
      // Without a token, a header that has it in it is not sent.
      .filter(([, value]) => token !== undefined || !namesToken(value))
      .map(([name, value]) => [fill(name), fill(value)]),
  };
}

/** An application as it is written: `sleep.foo`. */
export function podOf(from: string): NonNullable<CellRequest['client']> {
  const [app = '', namespace = ''] = from.split('.');
  return { kind: 'pod', app, namespace };
}

/** Headers of both are sent; everything else replaces. */
function withMore(request: RequestSpec, more: RequestSpec): RequestSpec {
  return { ...request, ...more, headers: { ...request.headers, ...more.headers } };
}

/** Each header line of a request. */
function headerPairs({ headers = {} }: RequestSpec): [name: string, value: string][] {
  return Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  );
}

/** Whether the token of a cell is in a text: `${token}`, or a part of it. */
export function namesToken(value: unknown): boolean {
  return references(value).some(
    ({ expression }) => expression?.kind === 'name' && expression.names[0] === 'token',
  );
}

/** A check of a step by its names, and the path in the scenario of what it expects. */
export interface CheckName {
  readonly kind: 'request' | 'apply' | 'rejected' | 'fetched';
  readonly row: string;
  readonly column: string;
  readonly path: readonly (string | number)[];
}

/** All checks of a step: whether its manifests are refused or rejected, its cells row by row, who fetched. */
export function checkNames(step: StepSpec, path: readonly (string | number)[]): CheckName[] {
  const names: CheckName[] = [];
  if (step.refused !== undefined) {
    names.push({ kind: 'apply', row: appliedBy(step), column: 'apply', path: [...path, 'refused'] });
  }
  if (step.rejected !== undefined)
    names.push({ kind: 'rejected', row: appliedBy(step), column: 'rejected', path: [...path, 'rejected'] });
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

function appliedBy({ apply = [] }: StepSpec): string {
  return apply.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ');
}

/** The id of a check, the same in every run: `scenario/step/row/column`. */
export function checkId(scenario: string, step: string, check: Pick<CheckName, 'row' | 'column'>): string {
  return `${scenario}/${step}/${check.row}/${check.column}`;
}
