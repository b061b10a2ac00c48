/** The tokens that are worth trying on policies. */
import { claimOf } from '../policy/claims.ts';
import { textFor } from './match.ts';
import type { AccessPolicy } from './policy.ts';

/** A token of the scenario, as it is written there and as the judge sees it. */
export interface TokenTry {
  readonly name: string;
  /** `iss`. */
  readonly issuer: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** It is refused whatever its claims are. */
  readonly isInvalid: boolean;
  /** The claim in which it differs from the valid one. */
  readonly about?: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Claims that are what they are: the issuer, and times, which are numbers, so that no condition matches them. */
const fixed: readonly string[] = ['iss', 'exp', 'nbf', 'iat'];

/** Until 2118: the same as in Istio's own samples. */
const farAway = 4_685_989_700;

/**
 * The valid token first, then what must be refused, then what differs in one claim.
 *
 * @param issuer its name in the scenario, the value of `iss`, and the audiences that its rules allow
 * @param suffix of the names of the tokens; only of the first issuer there is none
 */
export function tokensOf(
  issuer: { readonly name: string; readonly issuer: string; readonly audiences: readonly string[] },
  access: readonly AccessPolicy[],
  suffix: string,
): TokenTry[] {
  const claims = wantedClaims(issuer, access);
  const valid = `valid${suffix}`;
  const derive = (name: string, spec: object, more: Partial<TokenTry>): TokenTry => {
    const base = { name: `${name}${suffix}`, issuer: issuer.issuer, claims, isInvalid: false };
    return { ...base, ...more, spec: { extends: valid, ...spec } };
  };
  const changed = (name: string, about: string, value: unknown) => {
    const rest = Object.entries({ ...claims, [about]: value }).filter((entry) => entry[1] !== null);
    return derive(name, { claims: { [about]: value } }, { claims: Object.fromEntries(rest), about });
  };
  const stranger = { isInvalid: true, issuer: strangerIssuer };
  return [
    {
      name: valid,
      issuer: issuer.issuer,
      claims,
      isInvalid: false,
      spec: { issuer: issuer.name, claims: { ...claims, exp: farAway } },
    },
    derive('expired', { claims: { exp: '${now-3600}' } }, { isInvalid: true }),
    derive('tampered', { tamper: 'payload' }, { isInvalid: true }),
    derive('wrong issuer', { issuer: strangerName }, stranger),
    ...(issuer.audiences.length === 0
      ? []
      : [changed('wrong audience', 'aud', ['somebody-else.example.com'])]),
    ...claimNames(access, 'ALLOW').map((name) => changed(`without ${name}`, name, null)),
    ...deniedClaims(access).map(([name, value]) => changed(`with ${name} ${value}`, name, value)),
  ];
}

/** An issuer that no policy knows. */
export const strangerName = 'stranger';
export const strangerIssuer = 'https://stranger.example.com';

/** What a token needs so that rules of ALLOW let it pass. */
function wantedClaims(
  issuer: { readonly issuer: string; readonly audiences: readonly string[] },
  access: readonly AccessPolicy[],
): Record<string, unknown> {
  const claims: Record<string, unknown> = { sub: subjectFor(issuer.issuer, access) };
  if (issuer.audiences[0] !== undefined) claims.aud = [issuer.audiences[0]];
  for (const { key, values = [] } of conditionsOf(access, 'ALLOW')) {
    const path = key === 'request.auth.audiences' ? ['aud'] : claimOf(key);
    const value = values[0];
    if (path === undefined || value === undefined || fixed.includes(path[0] ?? '')) continue;
    add(claims, path, textFor(value));
  }
  return claims;
}

/** Adds a value; where there is another one already, both stand in a list, which every JWT library and Istio take. */
function add(claims: Record<string, unknown>, path: readonly string[], value: string): void {
  const [name = '', ...rest] = path;
  const before = claims[name];
  if (rest.length > 0) {
    const inner = typeof before === 'object' && before !== null && !Array.isArray(before) ? before : {};
    claims[name] = inner;
    add(inner as Record<string, unknown>, rest, value);
    return;
  }
  const isDefault = before === undefined || (name === 'sub' && before === somebody);
  claims[name] = isDefault ? value : [...new Set([before, value].flat())];
  if (name === 'sub' && Array.isArray(claims[name])) claims[name] = before;
}

const somebody = 'somebody';

/** A subject that requestPrincipals name for this issuer, as `issuer/subject`. */
function subjectFor(issuer: string, access: readonly AccessPolicy[]): string {
  const named = access.flatMap(({ action, rules }) =>
    action === 'ALLOW'
      ? rules.flatMap(({ from = [], when = [] }) => [
          ...from.flatMap(({ source }) => source.requestPrincipals ?? []),
          ...when.flatMap(({ key, values = [] }) => (key === 'request.auth.principal' ? values : [])),
        ])
      : [],
  );
  const own = named.find((each) => each.startsWith(`${issuer}/`))?.slice(issuer.length + 1);
  return own === undefined || own === '*' ? somebody : textFor(own);
}

function conditionsOf(access: readonly AccessPolicy[], action: AccessPolicy['action']) {
  return access.flatMap((policy) =>
    policy.action === action ? policy.rules.flatMap(({ when = [] }) => when) : [],
  );
}

/** The outermost claims that conditions ask for; `sub` and `iss` are in every token. */
function claimNames(access: readonly AccessPolicy[], action: AccessPolicy['action']): string[] {
  const names = conditionsOf(access, action).flatMap(({ key }) => claimOf(key)?.[0] ?? []);
  return [...new Set(names)].filter((name) => !['sub', 'aud', ...fixed].includes(name));
}

/** Claims that DENY looks for, with a value that it looks for. */
function deniedClaims(access: readonly AccessPolicy[]): [string, string][] {
  return conditionsOf(access, 'DENY').flatMap(({ key, values = [] }): [string, string][] => {
    const path = claimOf(key);
    const [value] = values;
    const [name, ...inner] = path ?? [];
    return name === undefined || inner.length > 0 || value === undefined || fixed.includes(name)
      ? []
      : [[name, textFor(value)]];
  });
}
