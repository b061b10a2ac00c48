/** Which proxy Istio's webhook puts into a pod. */
import type { KubeObject } from '../target/target.ts';

/** The proxy of a pod. */
export type ProxyKind = 'sidecar' | 'gateway' | 'none';

/** What of a pod the webhook goes by. */
interface InjectedPod {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export const templatesAnnotation = 'inject.istio.io/templates';

/** On the pods that istiod itself deploys for Gateways of the Gateway API: the proxy stands in them already. */
export const managedLabel = 'gateway.istio.io/managed';

/** The revision of an istiod that is told none, as that of the mesh. */
const revision = 'default';

/**
 * Whether Istio's webhook would inject a proxy. The label of the pod counts before its annotation, and the labels of
 * the Namespace decide whether the pod is asked at all.
 * https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#controlling-the-injection-policy
 */
function isInjected(namespace: KubeObject | undefined, pod: InjectedPod): boolean {
  const { 'istio-injection': injection, 'istio.io/rev': ofNamespace } = namespace?.metadata.labels ?? {};
  const { 'sidecar.istio.io/inject': label, 'istio.io/rev': ofPod } = pod.labels;
  if ((label ?? pod.annotations['sidecar.istio.io/inject']) === 'false') return false;
  if (injection !== undefined) return injection === 'enabled';
  if (ofNamespace !== undefined) return ofNamespace === revision;
  return ofPod === undefined ? label === 'true' : ofPod === revision;
}

/** https://istio.io/latest/docs/setup/additional-setup/gateway/#deploying-a-gateway */
export function proxyOf(namespace: KubeObject | undefined, pod: InjectedPod): ProxyKind {
  if (pod.labels[managedLabel] !== undefined) return 'gateway';
  if (!isInjected(namespace, pod)) return 'none';
  return templatesOf(pod).includes('gateway') ? 'gateway' : 'sidecar';
}

export function templatesOf({ annotations }: InjectedPod): string[] {
  return (annotations[templatesAnnotation] ?? 'sidecar').split(',').map((name) => name.trim());
}
