/** Which pods a policy, or another object with a selector, holds for. */
import { specOf } from '../base/kube-object.ts';
import { nameOfKey } from '../base/names.ts';
import type { KubeObject, MeshPod, ProxyRef, Survey } from '../target/target.ts';
import { managedLabel } from './injected-proxy.ts';

type Labels = Readonly<Record<string, string>>;

interface Ref {
  readonly group?: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}
interface Spec {
  readonly selector?: { readonly matchLabels?: Labels } | Labels;
  readonly workloadSelector?: { readonly matchLabels?: Labels; readonly labels?: Labels };
  readonly targetRef?: Ref;
  readonly targetRefs?: readonly Ref[];
}

/** Kinds that hold for workloads, all of their namespace when they name none. */
const forWorkloads = [
  'RequestAuthentication',
  'AuthorizationPolicy',
  'PeerAuthentication',
  'Telemetry',
  'EnvoyFilter',
  'WasmPlugin',
  'Sidecar',
  'ProxyConfig',
];

/** Those of them that can have targetRefs. */
const attached = ['RequestAuthentication', 'AuthorizationPolicy', 'Telemetry', 'EnvoyFilter', 'WasmPlugin'];

/** The two kinds that decide about requests with tokens. */
export const policyKinds: readonly string[] = ['RequestAuthentication', 'AuthorizationPolicy'];

/** Other meshes have policies of the same kinds. */
export function isPolicy({ kind, apiVersion }: KubeObject): boolean {
  return policyKinds.includes(kind) && apiVersion.startsWith('security.istio.io/');
}

/** The label that istiod puts on the pods of a Gateway of the Gateway API, and on no others. */
export const gatewayNameLabel = 'gateway.networking.k8s.io/gateway-name';

/** `Kind namespace/name`. */
export function nameOf({ kind, metadata }: KubeObject): string {
  return nameOfKey({ kind, name: metadata.name, namespace: metadata.namespace });
}

export function hasLabels(pod: { readonly labels: Labels }, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => pod.labels[name] === value);
}

/** Policies for gateways and waypoints name them, and are not found by labels. */
export function targetRefsOf(spec: unknown): readonly Ref[] {
  const { targetRef, targetRefs } = (spec ?? {}) as Spec;
  return [targetRef ?? [], targetRefs ?? []].flat();
}

/** Without a selector an object holds for its whole namespace, and in the root namespace for the whole mesh. */
export function isWide(object: KubeObject): boolean {
  const spec = specOf(object);
  const { selector } = spec as { selector?: { matchLabels?: object } };
  return targetRefsOf(spec).length === 0 && Object.keys(selector?.matchLabels ?? {}).length === 0;
}

/** Whether it is only recorded what the policy would do. Istio reads the annotation by Go's strconv.ParseBool. */
export function isDryRun({ metadata }: KubeObject): boolean {
  return ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(metadata.annotations?.['istio.io/dry-run'] ?? '');
}

/**
 * Whether an object of a kind with a selector holds for a pod: it is in the pod's namespace or in the root namespace, and the
 * pod has all labels of its selector. One with targetRefs holds for the pods of these Gateways of the Gateway API alone, and
 * others hold for no waypoint (pilot/pkg/model/policyattachment.go, ShouldAttachPolicy). Gateways of Istio's own API select pods of every namespace.
 */
export function holdsFor(object: KubeObject, pod: MeshPod | ProxyPlace, rootNamespace: string): boolean {
  const { kind, apiVersion, metadata } = object;
  const spec = specOf(object) as Spec;
  const { namespace = 'default', name } = metadata;
  if (kind === 'Gateway') {
    if (!apiVersion.startsWith('gateway.networking.k8s.io/')) return hasLabels(pod, labelsOf(spec));
    return pod.namespace === namespace && pod.labels[gatewayNameLabel] === name;
  }
  const isForWorkloads = forWorkloads.includes(kind) && apiVersion.includes('.istio.io/');
  if (!isForWorkloads && spec.workloadSelector === undefined) return false;
  if (pod.namespace !== namespace && !(isForWorkloads && namespace === rootNamespace)) return false;
  const refs = targetRefsOf(spec);
  const isWaypoint = pod.labels[managedLabel] === 'istio.io-mesh-controller';
  if (refs.length === 0) return !(isWaypoint && attached.includes(kind)) && hasLabels(pod, labelsOf(spec));
  return refs.some((ref) =>
    ref.kind === 'GatewayClass'
      ? isWaypoint && namespace === rootNamespace && ref.name === 'istio-waypoint'
      : ref.kind === 'Gateway' && namespace === pod.namespace && pod.labels[gatewayNameLabel] === ref.name,
  );
}

/** What of a pod selection is about. */
export type ProxyPlace = Pick<ProxyRef, 'namespace' | 'labels'>;

/** Labels that a policy, or another object with a selector, wants of pods. */
export function selectedLabels(spec: unknown): Labels {
  return labelsOf((spec ?? {}) as Spec);
}

function labelsOf({ selector, workloadSelector }: Spec): Labels {
  const labels = workloadSelector?.matchLabels ?? workloadSelector?.labels;
  if (labels !== undefined) return labels;
  if (selector === undefined) return {};
  return 'matchLabels' in selector && typeof selector.matchLabels === 'object'
    ? selector.matchLabels
    : 'matchExpressions' in selector
      ? {}
      : (selector as Labels);
}

/** RequestAuthentications and AuthorizationPolicies that hold for a proxy, markers left out. */
export function declaredFor(proxy: ProxyPlace, survey: Survey): KubeObject[] {
  return survey.objects.filter(
    (object) => policyKinds.includes(object.kind) && holdsFor(object, proxy, survey.rootNamespace),
  );
}

/** Why a policy holds for no proxy at all; undefined when it does for some. */
export function whyIdle(policy: KubeObject, survey: Survey): string | undefined {
  const selected = survey.pods.filter((pod) => holdsFor(policy, pod, survey.rootNamespace));
  if (selected.some(({ proxy, isReady }) => proxy !== undefined && isReady)) return undefined;
  const [first] = selected;
  if (first !== undefined) {
    if (first.proxy !== undefined)
      return `pod ${first.namespace}/${first.name}, which it selects, is not ready`;
    return first.isAmbient
      ? `pod ${first.namespace}/${first.name} is in ambient mode, in which this tool cannot look into proxies`
      : `pod ${first.namespace}/${first.name}, which it selects, has no sidecar: is injection on for namespace ${first.namespace}?`;
  }
  const refs = targetRefsOf(policy.spec);
  const { namespace = 'default' } = policy.metadata;
  if (refs.length > 0) {
    const names = refs.map(({ kind, name }) => `${kind} ${name}`).join(' and ');
    return `no gateway of ${names} runs in namespace ${namespace}; targetRefs hold for Gateways of the Gateway API and for waypoints only`;
  }
  const here = survey.pods.filter((pod) => pod.namespace === namespace);
  if (here.length === 0) return `no pod runs in namespace ${namespace}`;
  const labels = Object.entries(labelsOf(specOf(policy) as Spec)).map(([name, value]) => `${name}=${value}`);
  return `no pod of namespace ${namespace} has ${labels.join(' and ')}`;
}
