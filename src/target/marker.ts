/**
 * The marker: an AuthorizationPolicy that is a dry run and has a value of its own. Envoy shows it among the shadow rules of
 * its RBAC filters, and decides nothing by it (Istio, "Dry Run"; Envoy, RBAC filter, shadow_rules).
 */
import type { KubeObject } from './target.ts';

export const markerName = 'jwt-e2e-marker';

/** @param value lower case letters, digits and hyphens */
export function markerPolicy(namespace: string, value: string): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1beta1',
    kind: 'AuthorizationPolicy',
    metadata: { name: markerName, namespace, annotations: { 'istio.io/dry-run': 'true' } },
    spec: { action: 'DENY', rules: [{ from: [{ source: { namespaces: [value] } }] }] },
  };
}

/** The value in a part of Envoy's configuration. Istio makes `.*\/ns/VALUE/.*` of the namespace. */
export function markerIn(configuration: unknown): string | undefined {
  const text = JSON.stringify(configuration) ?? '';
  const at = text.indexOf(`-policy[${markerName}]-`);
  return at === -1 ? undefined : /\/ns\/([a-z0-9-]+)\//.exec(text.slice(at))?.[1];
}
