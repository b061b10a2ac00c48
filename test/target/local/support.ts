/** Objects for tests of the target local, with what a test does not care about filled in. */
import type { PodSpec } from '../../../src/target/local/kubelet/pod-spec.ts';
import type { WorkloadIdentity } from '../../../src/target/local/kubelet/workload-objects.ts';
import type { KubeObject } from '../../../src/target/target.ts';

export function podSpec(more: Partial<PodSpec> = {}): PodSpec {
  return {
    labels: { app: 'httpbin' },
    annotations: {},
    serviceAccount: 'default',
    containers: [{ name: 'httpbin', image: 'httpbin', ports: [], mounts: [] }],
    proxyMounts: [],
    hash: 'abc',
    ...more,
  };
}

/** The pod of a gateway by injection. */
export function gatewaySpec(more: Partial<PodSpec> = {}): PodSpec {
  return podSpec({
    labels: { istio: 'my-gateway', 'sidecar.istio.io/inject': 'true' },
    annotations: { 'inject.istio.io/templates': 'gateway' },
    containers: [{ name: 'istio-proxy', image: 'auto', ports: [], mounts: [] }],
    ...more,
  });
}

export function identity(more: Partial<WorkloadIdentity> = {}): WorkloadIdentity {
  const base = { namespace: 'foo', name: 'httpbin-1', address: '127.99.0.20' };
  return { ...base, spec: podSpec(), proxy: 'sidecar', ...more };
}

export function service(
  name: string,
  ports: readonly object[] = [{ name: 'http', port: 8000, targetPort: 8080 }],
  more: Record<string, unknown> = {},
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'foo' },
    spec: { selector: { app: name }, ports, ...more },
  };
}

/** @param template with what it says besides name, image and the label `app` */
export function deployment(
  name: string,
  template: { metadata?: Record<string, unknown>; spec?: Record<string, unknown> } = {},
  spec: Record<string, unknown> = {},
): KubeObject {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'foo', generation: 1 },
    spec: {
      ...spec,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, ...template.metadata },
        spec: { containers: [{ name, image: 'docker.io/mccutchen/go-httpbin:v2.15.0' }], ...template.spec },
      },
    },
  };
}
