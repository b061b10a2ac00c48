/**
 * RequestAuthentications: which tokens are looked at, and what is answered. Istio makes one provider of each rule, sorted by
 * issuer, and lets a request pass when any of them is satisfied, or when each finds a good token or none
 * (pilot/pkg/security/authn/policy_applier.go, convertToEnvoyJwtConfig; Envoy's jwt_authn, verifier.cc, authenticator.cc).
 */
import type { KubeObject } from '../target/target.ts';
import type { Header, Request, TokenTrace, Verification } from './input.ts';
import { allowsAudience, type Jwt, parseJwt, timeProblem } from './jwt.ts';
import {
  findTokens,
  type JwtRule,
  jwtRulesOf,
  locationsOf,
  placeText,
  withoutToken,
} from './token-locations.ts';
import { outputs, withoutOutputs } from './token-outputs.ts';
import { keysOf } from './verify.ts';

/** Whether the keys of a rule verify a token. */
export type Verify = (token: Jwt, rule: JwtRule) => Verification;

export interface Authenticated {
  /** Envoy's words; 'Ok', also when there is no token; 'unknown' when that depends on keys that are not known. */
  readonly status: string;
  /** Of the token that was accepted, as AuthorizationPolicies see it. */
  readonly claims: Readonly<Record<string, unknown>> | undefined;
  /** Of the request, as it goes on. */
  readonly headers: readonly Header[];
  readonly path: string;
  readonly traces: readonly TokenTrace[];
}

interface Provider {
  readonly policy: KubeObject;
  readonly rule: JwtRule;
}

const missing = 'Jwt is missing';
const unknownIssuer = 'Jwt issuer is not configured';

/**
 * Istio makes of several rules: any of them, or all of them, of which each may find no token (RequiresAny of every rule and of
 * a RequiresAll; pilot/pkg/security/authn/policy_applier.go). Of one rule it makes: it, or no token.
 *
 * @param policies RequestAuthentications that hold for the workload, in the order of their creation
 */
export function authenticate(
  request: Request,
  policies: readonly KubeObject[],
  verify: Verify,
): Authenticated {
  const providers = providersOf(policies);
  const untouched = { claims: undefined, headers: request.headers, path: request.path };
  if (providers.length === 0 || isPreflight(request)) return { status: 'Ok', ...untouched, traces: [] };
  // Those of all rules, also of the ones that are not asked because another has accepted a token.
  const headers = providers.reduce((left, { rule }) => withoutOutputs(rule, left), request.headers);
  const any = askEach({ ...request, headers }, providers, verify, (status) => status === 'Ok');
  const found = statusesOf(any);
  if (found.includes('Ok')) return { ...any, status: 'Ok' };
  if (found.includes('unknown')) return { ...any, claims: undefined, status: 'unknown' };
  if (providers.length === 1) return { ...any, claims: undefined, status: okIfMissing(found[0]) };
  // What one has accepted before it came to a bad token is gone when they are asked together.
  const rest = { ...request, headers: any.headers, path: any.path };
  const all = askEach(rest, providers, verify, (status) => okIfMissing(status) !== 'Ok');
  const together = okIfMissing(statusesOf(all).at(-1));
  if (together === 'Ok') return { ...all, status: 'Ok' };
  const status = together === 'unknown' ? together : finalOf([...found, together]);
  const { traces } = found.includes(status) ? any : all;
  return { ...all, claims: undefined, status, traces };
}

type Asked = Omit<Authenticated, 'status'>;

/** Asks one rule after the other, each about what those before it have left of the request. */
function askEach(
  request: Request,
  providers: readonly Provider[],
  verify: Verify,
  isLast: (status: string) => boolean,
): Asked {
  let { headers, path } = request;
  let claims: Authenticated['claims'];
  const traces: TokenTrace[] = [];
  for (const { policy, rule } of providers) {
    // Also what a rule before it has written, whose token was good and another one bad.
    headers = withoutOutputs(rule, headers);
    const result = check({ ...request, headers, path }, rule, verify);
    traces.push({
      policy: { namespace: policy.metadata.namespace ?? 'default', name: policy.metadata.name },
      issuer: rule.issuer ?? '',
      places: locationsOf(rule).map(placeText),
      place: result.place,
      status: result.status,
      note: result.note,
    });
    ({ headers, path } = result);
    claims = result.claims ?? claims;
    if (isLast(result.status)) break;
  }
  return { claims, headers, path, traces };
}

function statusesOf({ traces }: Asked): string[] {
  return traces.map(({ status }) => status);
}

function okIfMissing(status = missing): string {
  return status === missing ? 'Ok' : status;
}

/** The last that says more than that there is no token of this rule; else that its issuer is another one (AnyVerifierImpl). */
function finalOf(statuses: readonly string[]): string {
  return statuses.findLast((status) => status !== missing && status !== unknownIssuer) ?? unknownIssuer;
}

/** The rules of all policies, by issuer; those of one issuer stay in their order. */
function providersOf(policies: readonly KubeObject[]): Provider[] {
  return policies
    .flatMap((policy) => jwtRulesOf(policy).map((rule) => ({ policy, rule })))
    .sort((a, b) => Buffer.compare(Buffer.from(a.rule.issuer ?? ''), Buffer.from(b.rule.issuer ?? '')));
}

/** A request before one of another origin has no token, and needs none here. */
function isPreflight({ method, headers }: Request): boolean {
  const has = (name: string) => headers.some(([each, value]) => each.toLowerCase() === name && value !== '');
  return method === 'OPTIONS' && has('origin') && has('access-control-request-method');
}

interface Checked {
  readonly status: string;
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  readonly place: string | undefined;
  readonly note?: string | undefined;
  readonly headers: readonly Header[];
  readonly path: string;
}

/** All tokens that are in the places of a rule must be good. */
function check(request: Request, rule: JwtRule, verify: Verify): Checked {
  let { headers, path } = request;
  let claims: Readonly<Record<string, unknown>> | undefined;
  let place: string | undefined;
  const found = findTokens(rule, headers, path);
  if (found.length === 0) return { status: missing, place, note: whyMissing(rule, headers), headers, path };
  for (const { token, location } of found.toReversed()) {
    place = placeText(location);
    const jwt = parseJwt(token);
    const status = typeof jwt === 'string' ? jwt : statusOf(jwt, rule, request.at, verify);
    if (status !== 'Ok' || typeof jwt === 'string') {
      const note = typeof jwt === 'string' ? whyMalformed(token) : whyRefused(status, jwt, rule, request.at);
      return { status, place, note, headers, path };
    }
    claims = normalized(jwt.claims, rule);
    headers = [...headers, ...outputs(jwt, rule)];
    if (rule.forwardOriginalToken !== true) ({ headers, path } = withoutToken(location, headers, path));
  }
  return { status: 'Ok', claims, place, headers, path };
}

/** The header is there, and does not have what comes before a token. */
function whyMissing(rule: JwtRule, headers: readonly Header[]): string | undefined {
  const without = locationsOf(rule).find(
    (location) =>
      location.kind === 'header' &&
      location.prefix !== '' &&
      headers.some(([name]) => name.toLowerCase() === location.name),
  );
  if (without?.kind !== 'header') return undefined;
  const isEmpty = headers.some(
    ([name, value]) => name.toLowerCase() === without.name && value === without.prefix.trimEnd(),
  );
  if (isEmpty) return `the header ${without.name} has nothing behind "${without.prefix}"`;
  const isOther = headers.some(
    ([name, value]) =>
      name.toLowerCase() === without.name && value.toLowerCase().includes(without.prefix.toLowerCase()),
  );
  if (isOther)
    return `the header ${without.name} has "${without.prefix}" in other capitals, so for Envoy there is no token in it`;
  return `the header ${without.name} has no "${without.prefix}", so for Envoy there is no token in it`;
}

/** Nothing of the text itself, which may be a secret. */
function whyMalformed(token: string): string | undefined {
  const { length } = token.split('.').filter((part) => part !== '');
  if (length === 1) return 'it is one text without dots, such as an opaque access token';
  if (length === 5) return 'it has five sections, as an encrypted token (JWE) has';
  if (length !== 3) return `it has ${length} sections`;
  const [sign] = /[^\w.=-]/.exec(token) ?? [];
  return sign === undefined ? undefined : `${JSON.stringify(sign)} is in it, which no token has`;
}

function whyRefused(status: string, jwt: Jwt, rule: JwtRule, now: number): string | undefined {
  const { exp, nbf } = jwt.claims as { exp?: number; nbf?: number };
  const of = (time = 0) => {
    const date = new Date(Math.trunc(time) * 1000);
    const shown = Number.isNaN(date.getTime()) ? String(time) : date.toISOString().replace('.000', '');
    return time > 1e11 ? `${shown} (times in tokens are in seconds)` : shown;
  };
  const at = new Date(now * 1000).toISOString().replace(/\.\d+/, '');
  switch (status) {
    case unknownIssuer:
      return `iss of the token is ${jwt.issuer === '' ? 'missing' : jwt.issuer}${isNearIssuer(jwt, rule) ? ', and only a slash or capitals are different' : ''}`;
    case 'Jwt is expired':
      return `exp of the token is ${of(exp)}, and it is ${at}`;
    case 'Jwt not yet valid':
      return `nbf of the token is ${of(nbf)}, and it is ${at}`;
    case 'Audiences in Jwt are not allowed':
      return `aud of the token is ${jwt.audiences.join(', ') || 'missing'}, and the rule allows ${(rule.audiences ?? []).join(', ')}`;
    case "Jwks doesn't have key to match kid or alg from Jwt":
      return `the token has kid ${jwt.kid ?? '(none)'} and alg ${jwt.alg}${keysText(rule.jwks)}`;
    case 'Jwt verification fails':
      return 'none of the keys of the rule has signed it as it is';
    case 'unknown':
      return whyUnusable(rule);
    default:
      return undefined;
  }
}

function isNearIssuer({ issuer }: Jwt, rule: JwtRule): boolean {
  const plain = (text = '') => text.toLowerCase().replace(/\/$/, '');
  return issuer !== '' && plain(issuer) === plain(rule.issuer);
}

function keysText(jwks = ''): string {
  const shown = keysOf(jwks).map(
    ({ kid = '(none)', alg }) => `kid ${kid}${alg === undefined ? '' : ` and alg ${alg}`}`,
  );
  return shown.length === 0 ? '' : `, and the keys have ${shown.join(', ')}`;
}

/** Undefined where the keys are not among the objects. */
function whyUnusable({ jwks }: JwtRule): string | undefined {
  return jwks === undefined
    ? undefined
    : 'Envoy takes none of the keys in jwks of the rule, and then nothing of the configuration';
}

function statusOf(jwt: Jwt, rule: JwtRule, now: number, verify: Verify): string {
  // A rule without an issuer takes tokens of any.
  if ((rule.issuer ?? '') !== '' && jwt.issuer !== rule.issuer) return unknownIssuer;
  const problem = timeProblem(jwt, now);
  if (problem !== undefined) return problem;
  if (!allowsAudience(rule.audiences ?? [], jwt)) return 'Audiences in Jwt are not allowed';
  return verify(jwt, rule);
}

/** The claims that are lists of words, `scope` and `permission` always: policies see their words one by one. */
function normalized(
  claims: Readonly<Record<string, unknown>>,
  { spaceDelimitedClaims = [] }: JwtRule,
): Readonly<Record<string, unknown>> {
  const listed = new Set(['permission', 'scope', ...spaceDelimitedClaims]);
  return Object.fromEntries(
    Object.entries(claims).map(([name, value]) => [
      name,
      typeof value === 'string' && listed.has(name) ? value.split(' ').filter((word) => word !== '') : value,
    ]),
  );
}
