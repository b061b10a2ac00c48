/** Checks that objects of Istio and of the Gateway API say in which namespace they are. */
import type { Report } from './mistakes.ts';
import type { ScenarioSpec } from './schema.ts';

/** Groups whose kinds all have a namespace, but for {@link ofTheCluster}. */
const groups = [
  'security.istio.io',
  'networking.istio.io',
  'telemetry.istio.io',
  'extensions.istio.io',
  'gateway.networking.k8s.io',
  'gateway.networking.x-k8s.io',
];
/** @see https://gateway-api.sigs.k8s.io/concepts/api-overview/ */
const ofTheCluster = ['GatewayClass', 'XMesh'];

/** What the API server has for objects without one, where a policy selects nothing that the scenario is about. */
const taken = 'default';

export function checkNamespaces({ steps }: ScenarioSpec, report: Report): void {
  for (const [index, step] of steps.entries()) {
    for (const [i, { apiVersion, kind, metadata }] of (step.apply ?? []).entries()) {
      if (metadata.namespace !== undefined || !hasNamespace(apiVersion, kind)) continue;
      report(
        ['steps', index, 'apply', i, 'metadata'],
        `${kind} ${metadata.name} has no namespace, and would be applied in "${taken}"`,
        `Write "namespace: foo" below metadata, or "namespace: ${taken}" if that is meant.`,
        'key',
      );
    }
    for (const [i, { apiVersion, kind, name, namespace }] of (step.delete ?? []).entries()) {
      if (namespace !== undefined || !hasNamespace(apiVersion, kind)) continue;
      report(
        ['steps', index, 'delete', i],
        `${kind} ${name} has no namespace, and would be deleted from "${taken}"`,
        `Write "namespace: foo" beside its name, or "namespace: ${taken}" if that is meant.`,
      );
    }
  }
}

function hasNamespace(apiVersion: string, kind: string): boolean {
  return groups.includes(apiVersion.split('/')[0]!) && !ofTheCluster.includes(kind);
}
