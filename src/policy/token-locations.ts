/** Where a rule of a RequestAuthentication looks for tokens (Envoy's jwt_authn, extractor.cc). */
import { specOf } from '../base/kube-object.ts';
import type { KubeObject } from '../target/target.ts';
import type { Header } from './input.ts';

/** security.istio.io/v1, JWTRule. */
export interface JwtRule {
  readonly issuer?: string;
  readonly audiences?: readonly string[];
  readonly jwks?: string;
  readonly jwksUri?: string;
  readonly fromHeaders?: readonly { readonly name: string; readonly prefix?: string }[];
  readonly fromParams?: readonly string[];
  readonly fromCookies?: readonly string[];
  readonly outputPayloadToHeader?: string;
  readonly outputClaimToHeaders?: readonly { readonly header: string; readonly claim: string }[];
  readonly forwardOriginalToken?: boolean;
  readonly spaceDelimitedClaims?: readonly string[];
  readonly timeout?: string;
  /** Istio 1.32 and later. */
  readonly presence?: string;
}

/** The rules of a RequestAuthentication; none for other kinds. */
export function jwtRulesOf(object: KubeObject): readonly JwtRule[] {
  if (object.kind !== 'RequestAuthentication') return [];
  return (specOf(object) as { jwtRules?: readonly JwtRule[] }).jwtRules ?? [];
}

export type Location =
  | { readonly kind: 'header'; readonly name: string; readonly prefix: string }
  | { readonly kind: 'param'; readonly name: string }
  | { readonly kind: 'cookie'; readonly name: string };

export interface FoundToken {
  readonly token: string;
  readonly location: Location;
}

/** Naming any place of its own takes a rule away from both usual ones. Sorted as Envoy sorts them. */
export function locationsOf({ fromHeaders = [], fromParams = [], fromCookies = [] }: JwtRule): Location[] {
  const isUsual = fromHeaders.length + fromParams.length + fromCookies.length === 0;
  const headers = isUsual ? [{ name: 'authorization', prefix: 'Bearer ' }] : fromHeaders;
  const locations = headers.map(({ name, prefix = '' }): Location & { kind: 'header' } => ({
    kind: 'header',
    name: name.toLowerCase(),
    prefix,
  }));
  const keyOf = (location: Location & { kind: 'header' }) => location.name + location.prefix;
  const unique = new Map(locations.map((location) => [keyOf(location), location]));
  const sorted = (names: readonly string[]) => [...new Set(names)].sort(byBytes);
  return [
    ...[...unique.values()].sort((a, b) => byBytes(keyOf(a), keyOf(b))),
    ...sorted(isUsual ? ['access_token'] : fromParams).map((name): Location => ({ kind: 'param', name })),
    ...sorted(fromCookies).map((name): Location => ({ kind: 'cookie', name })),
  ];
}

/** All tokens that are there, in Envoy's order: it looks at the last one first. */
export function findTokens(rule: JwtRule, headers: readonly Header[], path: string): FoundToken[] {
  return locationsOf(rule).flatMap((location): FoundToken[] => {
    const found = valuesAt(location, headers, path);
    return found.map((token) => ({ token, location }));
  });
}

/** As a sentence can have it: `header authorization, after "Bearer "`. */
export function placeText(location: Location): string {
  if (location.kind === 'param') return `query parameter ${location.name}`;
  if (location.kind === 'cookie') return `cookie ${location.name}`;
  return location.prefix === ''
    ? `header ${location.name}`
    : `header ${location.name}, after "${location.prefix}"`;
}

/** A request whose token was accepted goes on without it, but for cookies (removeJwt). */
export function withoutToken(
  location: Location,
  headers: readonly Header[],
  path: string,
): { headers: readonly Header[]; path: string } {
  if (location.kind === 'header')
    return { headers: headers.filter(([name]) => name.toLowerCase() !== location.name), path };
  if (location.kind === 'cookie') return { headers, path };
  const [before = '', query] = splitAt(path, '?');
  if (query === undefined) return { headers, path };
  // Envoy writes the others anew, sorted by name, and does not encode them again.
  const kept = query
    .split('&')
    .map((pair) => splitAt(pair, '=').map((part = '') => decoded(part)))
    .filter(([name]) => name !== location.name)
    .sort(([a = ''], [b = '']) => byBytes(a, b))
    .map(([name, value]) => `${name}=${value}`);
  return { headers, path: kept.length === 0 ? before : `${before}?${kept.join('&')}` };
}

function valuesAt(location: Location, headers: readonly Header[], path: string): string[] {
  if (location.kind === 'header') {
    const { name, prefix } = location;
    return headers.flatMap(([each, value]) => {
      if (each.toLowerCase() !== name) return [];
      if (prefix === '') return [value];
      // The prefix may be anywhere in the value.
      const at = value.indexOf(prefix);
      return at === -1 ? [] : [afterPrefix(value, at + prefix.length)];
    });
  }
  if (location.kind === 'param') {
    const [, query = ''] = splitAt(path, '?');
    for (const pair of query.split('&')) {
      const [name = '', value = ''] = splitAt(pair, '=');
      if (decoded(name) === location.name) return [decoded(value)];
    }
    return [];
  }
  const pairs = headers
    .filter(([name]) => name.toLowerCase() === 'cookie')
    .flatMap(([, value]) => value.split(';'))
    .map((pair) => splitAt(pair.replace(/^ +/, ''), '='));
  // One without "=" is none.
  const value = pairs.find(([name, text]) => name === location.name && text !== undefined)?.[1];
  return value === undefined ? [] : [value.replace(/^"(.*)"$/, '$1')];
}

/** From the first character that a token can have; where there is none, the whole value is taken (extractJWT). */
function afterPrefix(value: string, from: number): string {
  const start = value.slice(from).search(/[A-Za-z0-9._-]/);
  return start === -1 ? value : value.slice(from + start);
}

function splitAt(text: string, sign: string): [string, string | undefined] {
  const at = text.indexOf(sign);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** Escapes that are none stay as they are (PercentEncoding::decode). */
function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
