/** The issuers of a scenario: those that RequestAuthentications name, with keys that the run makes. */
import { type AccessPolicy, isAccess, isRequest, type JwtRule, type Policy } from './policy.ts';
import { strangerName, type TokenTry, tokensOf } from './tokens.ts';

export interface IssuerPlan {
  /** Its name in the scenario. */
  readonly name: string;
  /** The value of `iss`. */
  readonly issuer: string;
  readonly algorithm: string;
  readonly rules: readonly JwtRule[];
  readonly tokens: readonly TokenTry[];
}

/** In the order of the policies. */
export function issuersOf(policies: readonly Policy[]): IssuerPlan[] {
  const rules = policies.filter(isRequest).flatMap(({ jwtRules }) => jwtRules);
  const access: readonly AccessPolicy[] = policies.filter(isAccess);
  const names: string[] = [];
  return [...new Set(rules.map(({ issuer }) => issuer))].map((issuer, index) => {
    const own = rules.filter((rule) => rule.issuer === issuer);
    const name = uniqueName(nameFor(issuer), names);
    const audiences = [...new Set(own.flatMap((rule) => rule.audiences ?? []))];
    const tokens = tokensOf({ name, issuer, audiences }, access, index === 0 ? '' : ` ${name}`);
    return { name, issuer, algorithm: algorithmOf(own), rules: own, tokens };
  });
}

/** The algorithm of the user's own keys, when they are in the policy; else RS256. */
function algorithmOf(rules: readonly JwtRule[]): string {
  for (const { jwks } of rules) {
    try {
      const { keys } = JSON.parse(jwks ?? '') as { keys: { kty?: string; alg?: string; crv?: string }[] };
      for (const { alg, kty, crv } of keys) {
        const found = alg ?? byCurve[crv ?? ''] ?? (kty === 'oct' ? 'HS256' : undefined);
        if (found !== undefined && algorithmPattern.test(found)) return found;
      }
    } catch {
      // No keys, or none that can be read: the mesh will say so, not we.
    }
  }
  return 'RS256';
}

const byCurve: Readonly<Record<string, string>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
};
const algorithmPattern = /^(?:(?:ES|HS|RS|PS)(?:256|384|512)|EdDSA)$/;

/** `https://login.example.com/realms/shop` → `login-example-com-realms-shop`. */
function nameFor(issuer: string): string {
  const name = issuer
    .replace(/^https?:\/\//, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return name === '' || name === strangerName ? `issuer-${name}`.replace(/-$/, '') : name;
}

/** The name, or with a number behind it when it is taken; and takes it. */
export function uniqueName(name: string, taken: string[]): string {
  let unique = name;
  for (let number = 2; taken.includes(unique); number++) unique = `${name}-${number}`;
  taken.push(unique);
  return unique;
}
