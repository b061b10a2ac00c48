/** A policy that denies everything at httpbin, and what a proxy has of it. */
import type { KubeObject, ProxyPolicies } from '../../../src/target/target.ts';

export const nothing: ProxyPolicies = { providers: [], rbac: [], markers: [], rejected: [] };
export const deny: KubeObject = {
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'deny', namespace: 'foo' },
  spec: { selector: { matchLabels: { app: 'httpbin' } }, action: 'DENY', rules: [{}] },
};
export const denied = { name: 'ns[foo]-policy[deny]-rule[0]', action: 'DENY', rules: '{}' };
