/**
 * Values in rules of a RequestAuthentication that are refused, though their form is right: by Istio's definition
 * (crd-all.gen.yaml), and by istiod's webhook (pkg/config/validation/validation.go, validateJwtRule).
 */
import type { JwtRule } from '../token-locations.ts';

/** Milliseconds. */
const units: Readonly<Record<string, number>> = {
  ...{ ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1 },
  ...{ s: 1000, m: 60_000, h: 3_600_000 },
};

/** @param at where the rule stands, such as `spec.jwtRules[0]` */
export function refusedJwtRule(rule: JwtRule, at: string): string[] {
  const { issuer, jwksUri, jwks, fromHeaders = [], outputClaimToHeaders = [], timeout } = rule;
  const { audiences = [], fromParams = [], fromCookies = [], spaceDelimitedClaims = [] } = rule;
  const lists = { audiences, fromParams, fromCookies, spaceDelimitedClaims };
  return [
    ...(issuer === undefined && jwksUri === undefined
      ? [`${at} has neither issuer nor jwksUri: write the issuer`]
      : []),
    ...(issuer === '' ? [`${at}.issuer is empty: write the claim iss of the tokens`] : []),
    ...(jwksUri !== undefined && jwks !== undefined ? [`${at} has jwks and jwksUri: write one of them`] : []),
    ...(jwksUri === undefined || /^https?:\/\//i.test(jwksUri)
      ? []
      : [`${at}.jwksUri is "${jwksUri}", and must begin with http:// or https://`]),
    ...(jwks === undefined || isKeySet(jwks)
      ? []
      : [
          `${at}.jwks is ${/^https?:/i.test(jwks) ? 'an address, which belongs into jwksUri' : 'not a JSON Web Key Set'}`,
        ]),
    ...Object.entries(lists).flatMap(([name, values]) =>
      values.includes('') ? `${at}.${name} has an empty text` : [],
    ),
    ...fromHeaders.flatMap(({ name }, index) =>
      name === '' ? `${at}.fromHeaders[${index}].name is empty` : [],
    ),
    ...outputClaimToHeaders.flatMap(({ header, claim }, index) =>
      claim !== '' && /^[-_A-Za-z0-9]+$/.test(header)
        ? []
        : `${at}.outputClaimToHeaders[${index}] has ${claim === '' ? 'an empty claim' : `"${header}", which is no name of a header`}`,
    ),
    ...(timeout === undefined || isTimeout(timeout)
      ? []
      : [`${at}.timeout is "${timeout}", and must be whole milliseconds, such as 5s or 500ms`]),
  ];
}

/** JSON that may be one; what is wrong with a key in it is another matter. */
function isKeySet(text: string): boolean {
  // An empty text is none at all.
  if (text === '') return true;
  try {
    const set: unknown = JSON.parse(text);
    return typeof set === 'object' && set !== null && !Array.isArray(set);
  } catch {
    return false;
  }
}

/** A duration of Go (time.ParseDuration) of one millisecond or more, and no fraction of one. */
function isTimeout(text: string): boolean {
  if (!/^\+?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return false;
  const parts = [...text.matchAll(/([\d.]+)([a-zµ]+)/g)];
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0);
  return ms >= 1 && Math.abs(ms - Math.round(ms)) < 1e-9;
}
