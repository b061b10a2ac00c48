/** A mesh as it would be with these objects: pods of workloads, with sidecars where Istio would inject them. */
import { managedLabel, proxyOf } from '../policy/injected-proxy.ts';
import { gatewayNameLabel } from '../policy/selection.ts';
import type { KubeObject, MeshPod, Survey } from '../target/target.ts';
import { podsOf } from './find-workload.ts';

export const rootNamespace = 'istio-system';
/** Of Istio's own ingress gateway. */
export const gatewayLabels: Readonly<Record<string, string>> = {
  app: 'istio-ingressgateway',
  istio: 'ingressgateway',
};

/** Istio's own ingress gateway, which every mesh of this tool has. */
const ingress: MeshPod = {
  namespace: rootNamespace,
  name: 'istio-ingressgateway',
  labels: gatewayLabels,
  isReady: true,
  proxy: 'gateway',
  serviceAccount: 'istio-ingressgateway',
};

/** @param objects all that is applied, applications too */
export function worldOf(objects: readonly KubeObject[]): Survey {
  return {
    rootNamespace,
    ingress: { namespace: rootNamespace, labels: gatewayLabels },
    pods: [
      ingress,
      ...objects.flatMap((object) => podsOf(object).map((pod) => meshPod(pod, objects))),
      ...objects.flatMap(deployed),
    ],
    objects: [...objects, ...objects.flatMap(frontOf)],
    hidden: [],
  };
}

function meshPod(pod: ReturnType<typeof podsOf>[number], objects: readonly KubeObject[]): MeshPod {
  const { namespace, name, labels, serviceAccount } = pod;
  const home = objects.find(({ kind, metadata }) => kind === 'Namespace' && metadata.name === namespace);
  const proxy = proxyOf(home, pod);
  return {
    namespace,
    name,
    labels,
    isReady: true,
    proxy: proxy === 'none' ? undefined : proxy,
    serviceAccount,
  };
}

interface GatewaySpec {
  readonly gatewayClassName?: string;
  readonly infrastructure?: { readonly labels?: Record<string, string> };
}

/** A Gateway of the Gateway API, and not of Istio's own. */
export function isOfGatewayApi({ kind, apiVersion }: KubeObject): boolean {
  return kind === 'Gateway' && apiVersion.startsWith('gateway.networking.k8s.io/');
}

/** Whether a Gateway of the Gateway API is a waypoint: it is no way into the mesh, and decides for the Services behind it. */
export function isWaypoint(object: KubeObject): boolean {
  return isOfGatewayApi(object) && ((object.spec ?? {}) as GatewaySpec).gatewayClassName === 'istio-waypoint';
}

/** What istiod calls all that it makes of a Gateway (pilot/pkg/config/kube/gatewaycommon, GetDefaultName). */
function nameOfDeployed(object: KubeObject): string {
  const { metadata, spec } = object;
  const { gatewayClassName = 'istio' } = (spec ?? {}) as GatewaySpec;
  const name = isWaypoint(object) ? metadata.name : `${metadata.name}-${gatewayClassName}`;
  return metadata.annotations?.['gateway.istio.io/name-override'] ?? name;
}

/** The Service that istiod makes for a Gateway of the Gateway API. */
function frontOf(object: KubeObject): KubeObject[] {
  if (!isOfGatewayApi(object)) return [];
  const { namespace = 'default', name } = object.metadata;
  const metadata = { name: nameOfDeployed(object), namespace };
  return [{ apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { [gatewayNameLabel]: name } } }];
}

/** istiod makes a pod for a Gateway of the Gateway API, with these labels (kube-gateway.yaml of its charts). */
function deployed(object: KubeObject): MeshPod[] {
  if (!isOfGatewayApi(object)) return [];
  const { name: gateway, namespace = 'default', labels: own } = object.metadata;
  const { gatewayClassName = 'istio', infrastructure } = (object.spec ?? {}) as GatewaySpec;
  const name = nameOfDeployed(object);
  const labels = {
    'service.istio.io/canonical-name': name,
    ...(infrastructure?.labels ?? own),
    [managedLabel]: isWaypoint(object) ? 'istio.io-mesh-controller' : 'istio.io-gateway-controller',
    [gatewayNameLabel]: gateway,
    'gateway.networking.k8s.io/gateway-class-name': gatewayClassName,
  };
  return [{ ...ingress, namespace, name, serviceAccount: name, labels }];
}
