/**
 * RequestAuthentications: which tokens are looked at, and what is answered. Istio makes one provider of each rule, sorted by
 * issuer, and lets a request pass when any of them is satisfied, or when each finds a good token or none
 * (pilot/pkg/security/authn/policy_applier.go, convertToEnvoyJwtConfig; Envoy's jwt_authn, verifier.cc, authenticator.cc).
 */
import type { KubeObject } from '../target/target.ts';
import type { Header, Request, TokenTrace, Verification } from './input.ts';
import { allowsAudience, type Jwt, parseJwt, timeProblem } from './jwt.ts';
import { valueAt } from './match/claims.ts';
import {
  findTokens,
  type JwtRule,
  jwtRulesOf,
  locationsOf,
  placeText,
  withoutToken,
} from './token-locations.ts';

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

/** @param policies RequestAuthentications that hold for the workload, in the order of their creation */
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
  const any = askAll({ ...request, headers }, providers, verify, true);
  if (any.claims !== undefined || (any.headers === headers && any.path === request.path)) return any;
  // None is satisfied by itself; what one has accepted before it came to a bad token is gone when they are asked together.
  return askAll({ ...request, headers: any.headers, path: any.path }, providers, verify, false);
}

/** @param isOneEnough return at the first that is satisfied */
function askAll(
  request: Request,
  providers: readonly Provider[],
  verify: Verify,
  isOneEnough: boolean,
): Authenticated {
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
    if (isOneEnough && result.status === 'Ok') return { status: 'Ok', claims, headers, path, traces };
  }
  const status = worst(traces.map((trace) => trace.status));
  return { status, claims: status === 'Ok' ? claims : undefined, headers, path, traces };
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

/**
 * Without any token all is well. Otherwise the first rule that found a bad one decides; when that is of an issuer that
 * the rule does not know, the last rule that knows more about it (AnyVerifierImpl and AllVerifierImpl, over the requirements
 * of each rule and then all of them together).
 */
function worst(statuses: readonly string[]): string {
  const first = statuses.find((status) => status !== missing && status !== 'Ok');
  if (first === undefined) return 'Ok';
  if (first !== unknownIssuer) return first;
  return statuses.findLast((status) => ![missing, 'Ok', unknownIssuer].includes(status)) ?? first;
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
      const note = typeof jwt === 'string' ? undefined : whyRefused(status, jwt, rule, request.at);
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
  return `the header ${without.name} has no "${without.prefix}", so for Envoy there is no token in it`;
}

function whyRefused(status: string, jwt: Jwt, rule: JwtRule, now: number): string | undefined {
  const { exp, nbf } = jwt.claims as { exp?: number; nbf?: number };
  const of = (time = 0) => new Date(Math.trunc(time) * 1000).toISOString().replace('.000', '');
  const at = new Date(now * 1000).toISOString().replace(/\.\d+/, '');
  switch (status) {
    case unknownIssuer:
      return `iss of the token is ${jwt.issuer === '' ? 'missing' : jwt.issuer}`;
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
    default:
      return undefined;
  }
}

function keysText(jwks: string | undefined): string {
  try {
    const { keys } = JSON.parse(jwks ?? '') as { keys: { kid?: string; alg?: string }[] };
    const shown = keys.map(
      ({ kid = '(none)', alg }) => `kid ${kid}${alg === undefined ? '' : ` and alg ${alg}`}`,
    );
    return `, and the keys have ${shown.join(', ')}`;
  } catch {
    return '';
  }
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

function outputNames({ outputPayloadToHeader, outputClaimToHeaders = [] }: JwtRule): string[] {
  return [outputPayloadToHeader ?? [], outputClaimToHeaders.map(({ header }) => header)]
    .flat()
    .map((name) => name.toLowerCase());
}

/** Nobody else can send what the proxy adds. */
function withoutOutputs(rule: JwtRule, headers: readonly Header[]): readonly Header[] {
  const names = outputNames(rule);
  if (names.length === 0) return headers;
  return headers.filter(([name]) => !names.includes(name.toLowerCase()));
}

function outputs(jwt: Jwt, { outputPayloadToHeader, outputClaimToHeaders = [] }: JwtRule): Header[] {
  const [, payload = ''] = jwt.signingInput.split('.');
  return [
    ...(outputPayloadToHeader === undefined ? [] : [[outputPayloadToHeader.toLowerCase(), payload] as const]),
    // `a.b` is b in a; a claim whose name has a dot cannot be named (source/common/jwt/struct_utils.cc).
    ...outputClaimToHeaders.flatMap(({ header, claim }): Header[] => {
      const text = claimText(valueAt(jwt.claims, claim.split('.')));
      return text === '' ? [] : [[header.toLowerCase(), text]];
    }),
  ];
}

function claimText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number')
    return Number.isInteger(value) && value >= 0 && value < 2 ** 64
      ? String(BigInt(value))
      : value.toFixed(6);
  // Lists and maps as JSON, in base64.
  return value === undefined || value === null ? '' : Buffer.from(JSON.stringify(value)).toString('base64');
}
