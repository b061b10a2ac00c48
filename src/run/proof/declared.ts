/**
 * Whether a proxy has what is declared for it, policy by policy and rule by rule, and nothing else. The marker says that
 * everything has come; this looks whether it is there.
 */
import { isDeepStrictEqual } from 'node:util';
import type { FetchMode } from '../../base/events.ts';
import { actionOf, rulesOf } from '../../policy/rules.ts';
import { isDryRun } from '../../policy/selection.ts';
import { type JwtRule, jwtRulesOf } from '../../policy/token-locations.ts';
import type { KubeObject, ProxyPolicies, ProxyRef } from '../../target/target.ts';
import { providerRule } from '../explain/jwt-rules.ts';
import type { Role } from './concerned.ts';

/** What is known of one proxy: what the API server declares for it and what it has. */
export interface ProxyState {
  readonly proxy: ProxyRef;
  readonly role: Role;
  readonly declared: readonly KubeObject[];
  readonly policies: ProxyPolicies;
}

/** What the proxy does not have of what is declared, or has besides; empty when it has all of it and nothing else. */
export function lacks(state: ProxyState, fetch: FetchMode): string[] {
  return [...lacksProviders(state, fetch), ...lacksRbac(state)];
}

function lacksProviders({ declared, policies: { providers } }: ProxyState, fetch: FetchMode): string[] {
  const rules = declared.flatMap(jwtRulesOf);
  const isOf = (provider: ProxyPolicies['providers'][number], rule: JwtRule) =>
    provider.issuer === (rule.issuer ?? '') && matches(provider, rule, fetch);
  const missing = rules.filter((rule) => !providers.some((provider) => isOf(provider, rule)));
  const known = new Set(rules.map((rule) => rule.issuer ?? ''));
  // What is there instead of a missing rule need not be said.
  const awaited = new Set(missing.map((rule) => rule.issuer ?? ''));
  // Istio makes a provider of each rule (pilot/pkg/security/authn/policy_applier.go), also of several with one issuer.
  const superfluous = providers.filter(
    (provider) => !awaited.has(provider.issuer) && !rules.some((rule) => isOf(provider, rule)),
  );
  return [
    ...missing.map(
      (rule) => `it has no provider for issuer ${rule.issuer ?? '(any)'} with the declared keys and fields`,
    ),
    ...superfluous.map(
      ({ issuer }) =>
        `it still has a provider for issuer ${issuer}${known.has(issuer) ? ' with other keys or fields' : ''}`,
    ),
  ];
}

/** Whether a provider can be the one of the rule: its fields, and the same inline keys, or keys from where the fetch mode has them. */
function matches(provider: ProxyPolicies['providers'][number], rule: JwtRule, fetch: FetchMode): boolean {
  if (provider.rule !== undefined && !isDeepStrictEqual(provider.rule, providerRule(rule))) return false;
  if (rule.jwks !== undefined && rule.jwks !== '') return isDeepStrictEqual(provider.keys, keysOf(rule.jwks));
  if (fetch === 'istiod') return provider.keys !== undefined;
  if (fetch === 'hybrid' && provider.keys !== undefined) return true;
  return provider.uri !== undefined && (rule.jwksUri === undefined || provider.uri === rule.jwksUri);
}

function keysOf(jwks: string): unknown {
  try {
    return (JSON.parse(jwks) as { keys?: unknown }).keys;
  } catch {
    return undefined;
  }
}

/** Istio names the RBAC policies `ns[NAMESPACE]-policy[NAME]-rule[N]` (pilot/pkg/security/authz/builder). */
function lacksRbac({ declared, policies }: ProxyState): string[] {
  const names = policies.rbac.map((each) => each.name);
  const wanted = declared
    .filter(({ kind }) => kind === 'AuthorizationPolicy')
    // CUSTOM is enforced by ext_authz, and a dry run is not enforced at all.
    .filter((policy) => actionOf(policy) !== 'CUSTOM' && !isDryRun(policy))
    .map((policy) => ({
      prefix: `ns[${policy.metadata.namespace}]-policy[${policy.metadata.name}]-`,
      rules: rulesOf(policy).length,
    }));
  return [
    ...wanted
      .flatMap(({ prefix, rules }) => {
        // Without a rule Istio makes one that nothing matches.
        if (rules === 0) return names.some((name) => name.startsWith(prefix)) ? [] : [`${prefix}…`];
        const each = Array.from({ length: rules }, (_, index) => `${prefix}rule[${index}]`);
        return each.filter((name) => !names.includes(name));
      })
      .map((name) => `it has no RBAC policy ${name}`),
    ...names
      .filter((name) => name.startsWith('ns['))
      .filter((name) => {
        const own = wanted.find(({ prefix }) => name.startsWith(prefix));
        const index = Number(/-rule\[(\d+)\]$/.exec(name)?.[1] ?? 0);
        return own === undefined || index >= Math.max(1, own.rules);
      })
      .map((name) => `it still has the RBAC policy ${name}`),
  ];
}
