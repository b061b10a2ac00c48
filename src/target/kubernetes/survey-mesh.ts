/** What there is in a mesh that decides about requests, read from the API servers. */
import { KubeError } from '../../kube/kube-error.ts';
import { getObject } from '../../kube/objects.ts';
import type { Pod } from '../../kube/workloads.ts';
import { isReady } from '../../kube/workloads.ts';
import { meshConfigName } from '../../policy/read-mesh-config.ts';
import { gatewayApiVersion } from '../gateways/gateway-api.ts';
import { markerName } from '../marker.ts';
import type { KubeObject, MeshPod, ObjectKey, Survey } from '../target.ts';
import { type Clients, clientFor } from './client-for.ts';
import { isPodOf } from './endpoints.ts';
import { listVisible } from './undo/sweep.ts';

export const proxyContainer = 'istio-proxy';

/** What is looked at, besides pods, in versions that all supported releases of Istio serve. */
const kinds: readonly (readonly [apiVersion: string, kind: string])[] = [
  ['v1', 'Service'],
  ['security.istio.io/v1beta1', 'RequestAuthentication'],
  ['security.istio.io/v1beta1', 'AuthorizationPolicy'],
  ['networking.istio.io/v1beta1', 'VirtualService'],
  ['networking.istio.io/v1beta1', 'Gateway'],
  ['networking.istio.io/v1beta1', 'ServiceEntry'],
  ['networking.istio.io/v1alpha3', 'EnvoyFilter'],
  ['extensions.istio.io/v1alpha1', 'WasmPlugin'],
  [gatewayApiVersion, 'Gateway'],
  [gatewayApiVersion, 'HTTPRoute'],
];

/** Whether Istio injected a sidecar or a gateway; native sidecars are init containers. */
export function hasProxy(pod: Pod): boolean {
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  return [...containers, ...initContainers].some((each) => each.name === proxyContainer);
}

/**
 * The part that a pod's Envoy plays: a gateway's serves no application beside it.
 *
 * @returns undefined when the pod has none
 */
function proxyKind(pod: Pod): MeshPod['proxy'] {
  if (!hasProxy(pod)) return undefined;
  const { containers = [] } = pod.spec;
  return containers.length === 1 && containers[0]?.name === proxyContainer ? 'gateway' : 'sidecar';
}

/**
 * Reads the whole mesh.
 *
 * @param apps the Deployments of kind/apps
 * @param absent kinds that the API server was seen not to have, which are not asked for again; added to
 */
export async function surveyMesh(
  clients: Clients,
  mesh: Pick<Survey, 'rootNamespace' | 'ingress'>,
  apps: readonly ObjectKey[],
  absent: Set<string>,
  signal: AbortSignal,
): Promise<Survey> {
  const hidden: string[] = [];
  const list = async ([apiVersion, kind]: readonly [string, string]): Promise<KubeObject[]> => {
    const id = `${apiVersion} ${kind}`;
    if (absent.has(id)) return [];
    const on = { hidden: () => hidden.push(kind), absent: () => absent.add(id) };
    return listVisible(clientFor(clients, apiVersion), { apiVersion, kind }, signal, on);
  };
  const { rootNamespace: namespace } = mesh;
  const settings = { apiVersion: 'v1', kind: 'ConfigMap', name: meshConfigName(undefined), namespace };
  const [pods, config, ...lists] = await Promise.all([
    list(['v1', 'Pod']),
    objectIfVisible(clients, settings, signal),
    ...kinds.map(list),
  ]);
  return {
    ...mesh,
    pods: (pods as Pod[])
      .filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && !hasEnded(status?.phase))
      .map((pod) => meshPod(pod, apps)),
    objects: [
      ...(config === undefined ? [] : [{ ...withoutNoise(config), data: config.data }]),
      ...lists
        .flat()
        .filter(({ metadata }) => metadata.name !== markerName)
        .map(withoutNoise),
    ],
    hidden,
  };
}

function hasEnded(phase: string | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

function meshPod(pod: Pod, apps: readonly ObjectKey[]): MeshPod {
  const { name, namespace = 'default', labels = {}, annotations = {} } = pod.metadata;
  return {
    namespace,
    name,
    labels,
    ip: pod.status?.podIP,
    isReady: isReady(pod),
    proxy: proxyKind(pod),
    ...(pod.spec?.serviceAccountName === undefined ? {} : { serviceAccount: pod.spec.serviceAccountName }),
    isAmbient: annotations['ambient.istio.io/redirection'] === 'enabled',
    isApp: apps.some((app) => app.namespace === namespace && isPodOf(name, app.name)),
  };
}

/** The mesh settings explain answers and decide nothing, so whoever may not see them does without. */
async function objectIfVisible(
  clients: Clients,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    return await getObject(clients.data, key, signal);
  } catch (thrown) {
    if (thrown instanceof KubeError && thrown.status === 403) return undefined;
    throw thrown;
  }
}

/** Without what only the API server itself is interested in. */
function withoutNoise({ apiVersion, kind, metadata, spec }: KubeObject): KubeObject {
  const { name, namespace, labels, annotations } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec,
  };
}
