/** What Envoy reads from a token before it looks for keys (source/common/jwt/jwt.cc), in its order and its words. */
import { isMap } from '../base/kube-object.ts';
import { rememberedByText } from '../base/remembered.ts';

export interface Jwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly alg: string;
  readonly kid: string | undefined;
  /** '' when there is none. */
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly signingInput: string;
  readonly signature: Uint8Array;
}

/** The algorithms that Envoy knows; ES256K, Ed448 and none are not among them. */
const algorithms: readonly string[] = [
  ...['ES256', 'ES384', 'ES512', 'HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512'],
  ...['PS256', 'PS384', 'PS512', 'EdDSA'],
];

/** Seconds by which clocks may differ (kClockSkewInSecond); Istio has no setting for it. */
export const clockSkew = 60;

/** @returns the token, or Envoy's words about what is wrong with its form */
export const parseJwt = rememberedByText((token): Jwt | string => {
  const parts = token.split('.').filter((part) => part !== '');
  const [header = '', payload = '', signature = ''] = parts;
  if (parts.length !== 3)
    return 'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections';
  const headerBytes = fromBase64url(header);
  if (headerBytes === undefined) return 'Jwt header is an invalid Base64url encoded';
  const head = structOf(headerBytes);
  if (head === undefined) return 'Jwt header is an invalid JSON';
  const { alg, kid } = head;
  if (typeof alg !== 'string') return 'Jwt header [alg] field is required and must be a string';
  if (!algorithms.includes(alg)) return 'Jwt header [alg] is not supported';
  if (kid !== undefined && typeof kid !== 'string') return 'Jwt header [kid] field is not a string';
  const payloadBytes = fromBase64url(payload);
  if (payloadBytes === undefined) return 'Jwt payload is an invalid Base64url encoded';
  const claims = structOf(payloadBytes);
  if (claims === undefined) return 'Jwt payload is an invalid JSON';
  const wrong = wrongClaim(claims);
  if (wrong !== undefined) return wrong;
  const bytes = fromBase64url(signature);
  if (bytes === undefined) return 'Jwt signature is an invalid Base64url encoded';
  return {
    header: head,
    claims,
    alg,
    // An empty one counts for none.
    kid: kid === '' ? undefined : kid,
    issuer: (claims.iss as string | undefined) ?? '',
    audiences: [claims.aud ?? []].flat() as string[],
    signingInput: `${header}.${payload}`,
    signature: bytes,
  };
});

/** @returns Envoy's words; `exp` is looked at only after `nbf` */
export function timeProblem({ claims }: Jwt, now: number): string | undefined {
  const { nbf, exp } = claims as { nbf?: number; exp?: number };
  if (nbf !== undefined && now + clockSkew < Math.trunc(nbf)) return 'Jwt not yet valid';
  // An exp of 0 is taken for none.
  if (exp !== undefined && Math.trunc(exp) !== 0 && now > Math.trunc(exp) + clockSkew)
    return 'Jwt is expired';
  return undefined;
}

/** Without audiences in the rule every token will do (source/common/jwt/check_audience.cc). */
export function allowsAudience(wanted: readonly string[], { audiences }: Pick<Jwt, 'audiences'>): boolean {
  if (wanted.length === 0) return true;
  const known = new Set(wanted.map(plainAudience));
  // A token without aud is compared as ''.
  return (audiences.length === 0 ? [''] : audiences).some((each) => known.has(plainAudience(each)));
}

/** Scheme and a slash at the end count for nothing. */
function plainAudience(text: string): string {
  return text.replace(/^https?:\/\//, '').replace(/\/$/, '');
}

function wrongClaim(claims: Readonly<Record<string, unknown>>): string | undefined {
  const isText = (name: string) => claims[name] === undefined || typeof claims[name] === 'string';
  for (const name of ['iss', 'sub']) if (!isText(name)) return `Jwt payload [${name}] field is not a string`;
  for (const name of ['iat', 'nbf', 'exp']) {
    const value = claims[name];
    if (value === undefined) continue;
    if (typeof value !== 'number') return `Jwt payload [${name}] field is not an integer`;
    if (!(value >= 0 && value < 2 ** 64))
      return `Jwt payload [${name}] field is not a positive 64 bit integer`;
  }
  if (!isText('jti')) return 'Jwt payload [jti] field is not a string';
  const { aud } = claims;
  const isList = Array.isArray(aud) && aud.every((each) => typeof each === 'string');
  return aud === undefined || typeof aud === 'string' || isList
    ? undefined
    : 'Jwt payload [aud] field is not a string or string list';
}

/** With or without padding; white space counts for nothing, and neither do bits that are left over (absl::WebSafeBase64Unescape). */
function fromBase64url(text: string): Uint8Array | undefined {
  const [, digits = '', padding = ''] = /^([A-Za-z0-9_-]*)(=*)$/.exec(text.replace(/\s/g, '')) ?? [
    undefined,
    '.',
  ];
  const left = digits.length % 4;
  if (digits === '.' || left === 1) return undefined;
  if (padding.length > 0 && padding.length !== (4 - left) % 4) return undefined;
  return Buffer.from(digits, 'base64url');
}

/** A JSON object in UTF-8, as google.protobuf.Struct takes it, which wants each name once; null is an empty one. */
function structOf(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text, (_, each: unknown) => {
      // Half of a pair of surrogates is no text, and what is too large no number.
      if (typeof each === 'string' ? /\p{Surrogate}/u.test(each) : Math.abs(each as number) === Infinity)
        throw new Error('no value of protobuf');
      return each;
    });
    if (value === null) return {};
    return !hasNameTwice(text) && isMap(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** @param text valid JSON */
function hasNameTwice(text: string): boolean {
  const open: Set<string>[] = [];
  for (const [token, name] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}]/gs)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (name !== undefined) {
      const names = open.at(-1);
      const key = String(JSON.parse(name));
      if (names?.has(key)) return true;
      names?.add(key);
    }
  }
  return false;
}
