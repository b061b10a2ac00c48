/** The tables of the scenario: what is sent, and what is expected by the simple rules. */
import { claimOf } from './claims.ts';
import type { IssuerPlan } from './issuers.ts';
import { type Judgement, judge } from './judge.ts';
import { isAccess, type JwtRule, type Policy } from './policy.ts';
import { hostFor, methodsFor, pathsFor } from './requests.ts';
import { addressOf } from './stand-in.ts';
import { inline } from './text.ts';
import type { TokenTry } from './tokens.ts';

/** A step without what it applies. */
export interface Exchange {
  readonly name: string;
  /** `from`, `request` and `expect`, as lines of a step. */
  readonly lines: readonly string[];
  readonly checks: number;
  /** Those that it sends. */
  readonly tokens: readonly TokenTry[];
}

/** Where requests of a table arrive. */
export interface Arrival {
  /** For the names of steps. */
  readonly name: string;
  readonly policies: readonly Policy[];
  /** Of the stand-in; undefined through the gateway. */
  readonly port: number | undefined;
  readonly isGateway: boolean;
}

const noToken = 'no token';

/** Before any policy everything passes, whatever the token is. */
export function before(arrival: Arrival, issuers: readonly IssuerPlan[]): Exchange {
  const some = (issuers[0]?.tokens ?? []).filter(
    ({ name, isInvalid }, index) => index === 0 || (isInvalid && name.startsWith('tampered')),
  );
  return exchange(arrival, `${arrival.name} before any policy`, {
    columns: [undefined, ...some],
    paths: pathsFor(arrival.policies).slice(-1),
    method: 'GET',
    judges: () => ({ code: 200, doubts: [] }),
  });
}

/** One table for each method. */
export function after(arrival: Arrival, issuers: readonly IssuerPlan[]): Exchange[] {
  const methods = methodsFor(arrival.policies);
  const usual = issuers.filter(({ rules }) => placeOf(rules) === undefined);
  const columns = [
    undefined,
    ...usual.flatMap(({ tokens }) => tokens).filter((token) => matters(token, arrival)),
  ];
  return methods.map((method) => {
    const suffix = methods.length > 1 ? `, ${method}` : '';
    return exchange(arrival, `${arrival.name} with the policies${suffix}`, {
      columns,
      paths: pathsFor(arrival.policies),
      method,
      judges: (path, token) => judge(requestOf(arrival, path, method, token), arrival.policies),
    });
  });
}

/** For issuers whose tokens are looked for elsewhere: one table for each of a few tokens, which is sent there. */
export function elsewhere(arrival: Arrival, issuers: readonly IssuerPlan[]): Exchange[] {
  return issuers.flatMap(({ rules, tokens }) => {
    const place = placeOf(rules);
    if (place === undefined) return [];
    const own = tokens.filter(({ name }) => /^(valid|tampered)\b/.test(name));
    return own.map((token) => {
      const reference = /^[\w-]+$/.test(token.name)
        ? `\${tokens.${token.name}}`
        : `\${tokens["${token.name}"]}`;
      return exchange(arrival, `${arrival.name}, ${token.name} in ${place.words}`, {
        columns: [token],
        paths: pathsFor(arrival.policies),
        method: 'GET',
        extra: { token: noToken, ...place.request(reference) },
        judges: (path) => judge(requestOf(arrival, path, 'GET', token), arrival.policies),
      });
    });
  });
}

/** A rule with places of its own looks nowhere else: https://istio.io/latest/docs/reference/config/security/request_authentication/#JWTRule */
function placeOf(rules: readonly JwtRule[]) {
  const hasPlace = ({ fromHeaders, fromParams, fromCookies }: JwtRule) =>
    [fromHeaders, fromParams, fromCookies].some((each) => (each?.length ?? 0) > 0);
  if (!rules.every(hasPlace)) return undefined;
  const header = rules.flatMap(({ fromHeaders = [] }) => fromHeaders)[0];
  if (header !== undefined) {
    const { name, prefix = '' } = header;
    return {
      words: `header ${name}`,
      request: (token: string) => ({ headers: { [name]: `${prefix}${token}` } }),
    };
  }
  const param = rules.flatMap(({ fromParams = [] }) => fromParams)[0];
  if (param !== undefined) {
    return {
      words: `parameter ${param}`,
      request: (token: string) => ({ path: `\${row}?${param}=${token}` }),
    };
  }
  const cookie = rules.flatMap(({ fromCookies = [] }) => fromCookies)[0] ?? '';
  return {
    words: `cookie ${cookie}`,
    request: (token: string) => ({ headers: { cookie: `${cookie}=${token}` } }),
  };
}

/** A token that differs in a claim is of use only where a policy looks at that. */
function matters({ about }: TokenTry, { policies }: Arrival): boolean {
  if (about === undefined || about === 'aud') return true;
  const rules = policies.filter(isAccess).flatMap((policy) => policy.rules);
  return rules.some(({ when = [] }) => when.some(({ key }) => claimOf(key)?.[0] === about));
}

function requestOf(
  { policies, port, isGateway }: Arrival,
  path: string,
  method: string,
  token: TokenTry | undefined,
) {
  return { path, method, token, port, host: isGateway ? hostFor(policies) : undefined };
}

interface Table {
  readonly columns: readonly (TokenTry | undefined)[];
  readonly paths: readonly string[];
  readonly method: string;
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly judges: (path: string, token: TokenTry | undefined) => Judgement;
}

function exchange(
  arrival: Arrival,
  name: string,
  { columns, paths, method, extra, judges }: Table,
): Exchange {
  const request = {
    ...(arrival.isGateway ? { host: hostFor(arrival.policies) } : { url: addressOf(arrival) }),
    ...(method === 'GET' ? {} : { method }),
    ...extra,
  };
  const rows = paths.map((path) => {
    const cells = columns.map((token) => judges(path, token));
    const doubts = [...new Set(cells.flatMap((cell) => cell.doubts))].sort();
    const comment = doubts.length === 0 ? '' : ` # check this: ${doubts.join('; ')}`;
    return `  ${inline(path)}: [${cells.map(({ code }) => code).join(', ')}]${comment}`;
  });
  return {
    name,
    lines: [
      arrival.isGateway ? 'through: ingress' : 'from: sleep.foo',
      `request: ${inline(request)}`,
      'expect:',
      `  columns: ${inline(columns.map((token) => token?.name ?? noToken))}`,
      ...rows,
    ],
    checks: rows.length * columns.length,
    tokens: columns.flatMap((token) => token ?? []),
  };
}
