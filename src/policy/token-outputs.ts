/** Headers that a proxy makes of accepted tokens (jwt_authn, authenticator.cc), and how it writes claims in them. */
import { isMap } from '../base/kube-object.ts';
import type { Header } from './input.ts';
import type { Jwt } from './jwt.ts';
import { valueAt } from './match/claims.ts';
import type { JwtRule } from './token-locations.ts';

/** Headers that the proxy makes of a token, as the rule spells them. */
export function outputsOf({ outputPayloadToHeader, outputClaimToHeaders = [] }: JwtRule): string[] {
  const claims = outputClaimToHeaders.map(({ header }) => header);
  return outputPayloadToHeader ? [outputPayloadToHeader, ...claims] : claims;
}

/** Nobody else can send what the proxy adds. */
export function withoutOutputs(rule: JwtRule, headers: readonly Header[]): readonly Header[] {
  const names = outputsOf(rule).map((name) => name.toLowerCase());
  if (names.length === 0) return headers;
  return headers.filter(([name]) => !names.includes(name.toLowerCase()));
}

/** Headers of an accepted token. */
export function outputs(jwt: Jwt, { outputPayloadToHeader, outputClaimToHeaders = [] }: JwtRule): Header[] {
  const [, payload = ''] = jwt.signingInput.split('.');
  return [
    ...(outputPayloadToHeader ? [[outputPayloadToHeader.toLowerCase(), payload] as const] : []),
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
  if (typeof value === 'number') return numberText(value);
  // Lists and maps as JSON, in base64.
  return value === undefined || value === null ? '' : Buffer.from(jsonText(value)).toString('base64');
}

/** By `%f`, unless it is a whole number that fits in 64 bits (convertClaimDoubleToString). */
function numberText(value: number): string {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 64) return String(BigInt(value));
  return Number.isInteger(value) ? `${BigInt(value)}.000000` : value.toFixed(6);
}

/**
 * As protobuf writes JSON (google/protobuf/json/internal/writer.cc). The order of names in maps is not known: it is that of a
 * hash map, and another one each time.
 */
function jsonText(value: unknown): string {
  if (typeof value === 'number') return shortest(value);
  if (typeof value === 'string') return JSON.stringify(value).replace(escapedToo, asEscapes);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  if (!isMap(value)) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, inner]) => `${jsonText(name)}:${jsonText(inner)}`)
    .join(',')}}`;
}

/** Beside those of JSON itself (MustEscape). */
const escapedToo =
  /[<>\u007f-\u009f\u00ad\u0600-\u0603\u06dd\u070f\u17b4\u17b5\u200b-\u200f\u2028-\u202e\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/gu;

function asEscapes(sign: string): string {
  return sign
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

/** `%.15g`, or `%.17g` where that would be another number (SimpleDtoa). */
function shortest(value: number): string {
  const digits = Number(value.toPrecision(15)) === value ? 15 : 17;
  const [mantissa = '', power = ''] = value.toExponential(digits - 1).split('e');
  const exponent = Number(power);
  const bare = (text: string) => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);
  if (exponent >= -4 && exponent < digits) return bare(value.toFixed(digits - 1 - exponent));
  const sign = exponent < 0 ? '-' : '+';
  return `${bare(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}
