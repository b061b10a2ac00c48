/** The tables of the scenario: what is sent, and what is expected by the simple rules. */
import { claimOf } from '../policy/claims.ts';
import type { IssuerPlan } from './issuers.ts';
import { judge, type Request } from './judge.ts';
import { isAccess, type JwtRule, type Policy } from './policy.ts';
import { hostFor, methodsFor, pathsFor } from './requests.ts';
import { addressOf } from './stand-in.ts';
import { inline } from './text.ts';
import { strangerIssuer, type TokenTry } from './tokens.ts';
import type { Tried } from './untested.ts';

/** A step without what it applies. */
export interface Exchange {
  readonly name: string;
  /** `from`, `request` and `expect`, as lines of a step. */
  readonly lines: readonly string[];
  readonly checks: number;
  /** Those that it sends. */
  readonly tokens: readonly TokenTry[];
  /** Its requests, with the policies that they meet. */
  readonly tried: readonly Tried[];
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
    policies: [],
  });
}

/** One table for each method. */
export function after(arrival: Arrival, issuers: readonly IssuerPlan[]): Exchange[] {
  const methods = methodsFor(arrival.policies);
  const usual = issuers.filter(({ rules }) => placeOf(rules) === undefined);
  // One token of an issuer that nobody knows is enough, whose valid token it otherwise is.
  const strange = usual.flatMap(({ tokens }) => tokens).find(isStrange);
  const columns = [
    undefined,
    ...usual
      .flatMap(({ tokens }) => tokens)
      .filter((token) => matters(token, arrival) && (!isStrange(token) || token === strange)),
  ];
  return methods.map((method) => {
    const suffix = methods.length > 1 ? `, ${method}` : '';
    return exchange(arrival, `${arrival.name} with the policies${suffix}`, {
      columns,
      paths: pathsFor(arrival.policies),
      method,
      policies: arrival.policies,
    });
  });
}

/**
 * For issuers whose tokens are looked for elsewhere: one table for each of the tokens that matter most, which is sent
 * there. Only with the valid one are all methods tried.
 */
export function elsewhere(arrival: Arrival, issuers: readonly IssuerPlan[]): Exchange[] {
  return issuers.flatMap(({ rules, tokens }) => {
    const place = placeOf(rules);
    if (place === undefined) return [];
    const own = tokens.filter(({ about }) => about === undefined || about === 'aud');
    const methods = methodsFor(arrival.policies);
    return own.flatMap((token, index) => {
      const reference = /^[\w-]+$/.test(token.name)
        ? `\${tokens.${token.name}}`
        : `\${tokens["${token.name}"]}`;
      const tried = index === 0 ? methods : ['GET'];
      return tried.map((method) => {
        const suffix = tried.length > 1 ? `, ${method}` : '';
        return exchange(arrival, `${arrival.name}, ${token.name} in ${place.words}${suffix}`, {
          columns: [token],
          paths: pathsFor(arrival.policies),
          method,
          extra: { token: noToken, ...place.request(reference) },
          policies: arrival.policies,
        });
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

function isStrange({ issuer }: TokenTry): boolean {
  return issuer === strangerIssuer;
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
): Request {
  return { path, method, token, port, host: isGateway ? hostFor(policies) : undefined };
}

interface Table {
  readonly columns: readonly (TokenTry | undefined)[];
  readonly paths: readonly string[];
  readonly method: string;
  readonly extra?: Readonly<Record<string, unknown>>;
  /** Those that are applied by then; before that everything passes. */
  readonly policies: readonly Policy[];
}

function exchange(
  arrival: Arrival,
  name: string,
  { columns, paths, method, extra, policies }: Table,
): Exchange {
  const request = {
    ...(arrival.isGateway ? { host: hostFor(arrival.policies) } : { url: addressOf(arrival) }),
    ...(method === 'GET' ? {} : { method }),
    ...extra,
  };
  const rows = paths.map((path) => {
    const cells = columns.map((token) => judge(requestOf(arrival, path, method, token), policies));
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
    tried: paths.flatMap((path) =>
      columns.map((token) => ({ request: requestOf(arrival, path, method, token), policies })),
    ),
  };
}
