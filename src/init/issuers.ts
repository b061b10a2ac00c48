/** The issuers of a scenario: those that RequestAuthentications name, with keys that the run makes. */
import { hyphenated } from '../base/names.ts';
import type { JwtRule } from '../policy/token-locations.ts';
import { jwtRulesOf } from '../policy/token-locations.ts';
import { keysOf } from '../policy/verify.ts';
import type { KubeObject } from '../target/target.ts';
import { uniqueName } from './places.ts';

export interface IssuerPlan {
  /** Its name in the scenario. */
  readonly name: string;
  /** The value of `iss`. */
  readonly issuer: string;
  readonly algorithm: string;
  readonly audiences: readonly string[];
}

/** An issuer that no policy knows. */
export const stranger: IssuerPlan = {
  name: 'stranger',
  issuer: 'https://stranger.example.com',
  algorithm: 'RS256',
  audiences: [],
};

/** A rule without an issuer takes tokens of any, which this one stands for. */
const anyIssuer = 'https://any.example.com';

export function issuerOf({ issuer = '' }: JwtRule): string {
  return issuer === '' ? anyIssuer : issuer;
}

/** In the order of the policies. */
export function issuersOf(policies: readonly KubeObject[]): IssuerPlan[] {
  const rules = policies.flatMap(jwtRulesOf);
  const names = [`/${stranger.name}`];
  return [...new Set(rules.map(issuerOf))].map((issuer) => {
    const own = rules.filter((rule) => issuerOf(rule) === issuer);
    const audiences = [...new Set(own.flatMap((rule) => rule.audiences ?? []))];
    return { name: uniqueName(nameFor(issuer), names), issuer, algorithm: algorithmOf(own), audiences };
  });
}

/** The algorithm of the user's own keys, when they are in the policy; else RS256. */
function algorithmOf(rules: readonly JwtRule[]): string {
  for (const { jwks } of rules) {
    // Of keys that cannot be read there are none: the mesh will say so, not we.
    for (const { alg, kty, crv } of keysOf(jwks ?? '')) {
      const found = alg ?? byCurve[crv ?? ''] ?? (kty === 'oct' ? 'HS256' : undefined);
      if (found !== undefined && algorithmPattern.test(found)) return found;
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
  const name = hyphenated(issuer.replace(/^https?:\/\//, ''));
  return name === '' ? 'issuer' : name;
}
