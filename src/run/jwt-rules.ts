/** The rules of RequestAuthentications. */
import type { KubeObject } from '../target/target.ts';

export interface JwtRule {
  readonly issuer?: string;
  readonly jwks?: string;
  readonly jwksUri?: string;
}

/** Of all RequestAuthentications among these objects, in their order. */
export function jwtRulesOf(objects: readonly KubeObject[]): JwtRule[] {
  return objects
    .filter(({ kind }) => kind === 'RequestAuthentication')
    .flatMap(({ spec }) => (spec as { jwtRules?: JwtRule[] } | undefined)?.jwtRules ?? []);
}

/** Addresses of keys in them. */
export function jwksUrisOf(objects: readonly KubeObject[]): string[] {
  return jwtRulesOf(objects).flatMap(({ jwksUri }) => jwksUri ?? []);
}
