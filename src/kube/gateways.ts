/** Gateways of the Gateway API that istiod makes a Deployment and a Service for. */
import type { KubeObject, ObjectKey } from '../target/target.ts';
import type { KubeClient } from './kube-client.ts';
import { getObject, keyOf } from './objects.ts';

interface GatewaySpec {
  readonly gatewayClassName?: string;
  readonly addresses?: readonly { readonly type?: string }[];
  readonly listeners?: readonly { readonly name: string; readonly port: number; readonly protocol: string }[];
}

const gatewayController = 'istio.io/gateway-controller';

/** Controllers of istiod that deploy, and whether the name of the class is in the name (gatewaycommon/classinfo.go). */
const controllers: Readonly<Record<string, { readonly suffix: boolean }>> = {
  [gatewayController]: { suffix: true },
  'istio.io/mesh-controller': { suffix: false },
  'istio.io/eastwest-controller': { suffix: false },
};

export function isGateway({ apiVersion, kind }: Pick<ObjectKey, 'apiVersion' | 'kind'>): boolean {
  return apiVersion.startsWith('gateway.networking.k8s.io/') && kind === 'Gateway';
}

export function listenersOf(gateway: KubeObject) {
  return (gateway.spec as GatewaySpec | undefined)?.listeners ?? [];
}

/**
 * The name of the Deployment and of the Service, in the namespace of the Gateway, if its class is one of istiod's.
 * Addresses other than one IP are those of a Service that is there already.
 * pilot/pkg/config/kube/gatewaycommon: IsManaged, GetDefaultName
 *
 * @param controller of its class; undefined when there is no such GatewayClass
 */
function deployedName(gateway: KubeObject, controller: string | undefined): string | undefined {
  const { gatewayClassName = '', addresses = [] } = (gateway.spec ?? {}) as GatewaySpec;
  const of = controller ?? (gatewayClassName === 'istio' ? gatewayController : '');
  const rule = Object.hasOwn(controllers, of) ? controllers[of] : undefined;
  const isManaged =
    addresses.length === 0 || (addresses.length === 1 && (addresses[0]?.type ?? 'IPAddress') === 'IPAddress');
  if (rule === undefined || !isManaged) return undefined;
  const { name, annotations = {} } = gateway.metadata;
  return (
    annotations['gateway.istio.io/name-override'] ?? (rule.suffix ? `${name}-${gatewayClassName}` : name)
  );
}

/** What istiod makes of the Gateway; undefined when it makes nothing. */
export async function deploymentOf(
  client: KubeClient,
  gateway: KubeObject,
  signal: AbortSignal,
): Promise<ObjectKey | undefined> {
  const { gatewayClassName: name = '' } = (gateway.spec ?? {}) as GatewaySpec;
  const query = { apiVersion: gateway.apiVersion, kind: 'GatewayClass', name };
  const found = await getObject(client, query, signal);
  const { controllerName } = (found?.spec ?? {}) as { controllerName?: string };
  const deployed = deployedName(gateway, controllerName);
  if (deployed === undefined) return undefined;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name: deployed,
    namespace: gateway.metadata.namespace ?? 'default',
  };
}

/**
 * Whether the Deployment is that of this Gateway, and not of one of the same name that was deleted: what istiod has made of
 * that goes later.
 *
 * @returns what it still is
 */
export async function isItsOwn(
  client: KubeClient,
  gateway: KubeObject,
  { name, namespace, ...deployment }: ObjectKey,
  signal: AbortSignal,
): Promise<true | string> {
  const [now, made] = await Promise.all([
    getObject(client, keyOf(gateway), signal),
    getObject(client, { name, namespace, ...deployment }, signal),
  ]);
  const owners = (made?.metadata.ownerReferences ?? []) as { uid?: string }[];
  if (owners.length === 0 || owners.some(({ uid }) => uid === now?.metadata.uid)) return true;
  return `Deployment ${namespace}/${name} still belongs to a Gateway that was deleted`;
}

/** Whether the Service of a Gateway has a port for each of its listeners. @returns what is missing */
export async function serviceReady(
  client: KubeClient,
  gateway: KubeObject,
  { name, namespace }: ObjectKey,
  signal: AbortSignal,
): Promise<true | string> {
  const service = await getObject(client, { apiVersion: 'v1', kind: 'Service', name, namespace }, signal);
  if (service === undefined) return `Service ${namespace}/${name} does not exist`;
  const { ports = [] } = (service.spec ?? {}) as { ports?: { port: number }[] };
  const missing = listenersOf(gateway).find(({ port }) => !ports.some((each) => each.port === port));
  return missing === undefined || `Service ${namespace}/${name} has no port ${missing.port} yet`;
}
