/** The rules of RequestAuthentications. */
import { type JwtRule, jwtRulesOf } from '../../policy/token-locations.ts';
import type { KubeObject, ProviderRule } from '../../target/target.ts';

/** What Envoy's provider for the rule has of it. */
export function providerRule(rule: JwtRule): ProviderRule {
  return {
    audiences: rule.audiences ?? [],
    fromHeaders: (rule.fromHeaders ?? []).map(({ name, prefix = '' }) => [name.toLowerCase(), prefix]),
    fromParams: rule.fromParams ?? [],
    fromCookies: rule.fromCookies ?? [],
    forwardOriginalToken: rule.forwardOriginalToken ?? false,
    outputPayloadToHeader: (rule.outputPayloadToHeader ?? '').toLowerCase(),
    outputClaimToHeaders: (rule.outputClaimToHeaders ?? []).map(({ header, claim }) => [
      header.toLowerCase(),
      claim,
    ]),
  };
}

/** Addresses of keys in them. Of a rule with an issuer alone it is where OpenID Connect has its discovery (JwksResolver). */
export function jwksUrisOf(objects: readonly KubeObject[]): string[] {
  return objects.flatMap(jwtRulesOf).flatMap(({ jwksUri, jwks = '', issuer }) => {
    if (jwksUri !== undefined) return jwksUri;
    return jwks !== '' || issuer === undefined
      ? []
      : `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  });
}
