/** The pod and the port by which requests from outside enter the mesh through a Gateway. */
import { HarnessError } from '../../base/errors.ts';
import { isGateway, listenersOf } from '../../kube/gateways.ts';
import { getObject } from '../../kube/objects.ts';
import { isReady, listPods, type Pod } from '../../kube/workloads.ts';
import { gatewayNameLabel, holdsFor } from '../../policy/selection.ts';
import { type ServiceSpec, selecting, targetPortOf } from '../../policy/service-port.ts';
import { type Clients, clientFor } from '../kubernetes/client-for.ts';
import { istioVersion, listVisible } from '../kubernetes/undo/sweep.ts';
import type { GatewayEntry, KubeObject } from '../target.ts';
import { gatewayApiVersion, hasGatewayApi } from './gateway-api.ts';

/** A port of a pod, on which the proxy of a gateway listens. */
export interface Entrance {
  readonly namespace: string;
  readonly pod: string;
  /** Where it listens, as the pod has it. */
  readonly port: number;
}

interface Listener {
  readonly port: number;
  readonly protocol: string;
}

/**
 * Finds it anew each time: the pod of a moment ago may be gone.
 *
 * @throws HarnessError E_SEND that says which part of it is missing
 */
export async function findEntrance(
  clients: Clients,
  entry: GatewayEntry,
  signal: AbortSignal,
): Promise<Entrance> {
  const gateway = await findGateway(clients, entry, signal);
  const { port } = listenerOf(gateway, entry);
  const pod = await podOf(clients, gateway, signal);
  const { name, namespace = 'default', labels = {} } = pod.metadata;
  const all = await listVisible(clients.data, { apiVersion: 'v1', kind: 'Service', namespace }, signal);
  const containers = pod.spec.containers as { ports?: { name?: string; containerPort: number }[] }[];
  const named = containers.flatMap(({ ports = [] }) => ports);
  // A port of a Gateway is one of the Service in front of its pods, or else that of the pods (pilot/pkg/model/gateway.go).
  const [declared] = selecting(all, namespace, labels).flatMap(({ spec }) =>
    ((spec as ServiceSpec).ports ?? []).filter((each) => each.port === port),
  );
  return {
    namespace,
    pod: name,
    port: declared === undefined ? port : (targetPortOf(declared, named) ?? port),
  };
}

async function findGateway(
  clients: Clients,
  { namespace, name }: GatewayEntry,
  signal: AbortSignal,
): Promise<KubeObject> {
  const istio = await istioVersion(clients.mesh, 'networking.istio.io', 'Gateway', signal);
  const found = await Promise.all(
    [istio, ...((await hasGatewayApi(clients, signal)) ? [gatewayApiVersion] : [])].map((apiVersion) =>
      getObject(clientFor(clients, apiVersion), { apiVersion, kind: 'Gateway', namespace, name }, signal),
    ),
  );
  const [gateway, another] = found.filter((each) => each !== undefined);
  if (gateway === undefined) {
    throw new HarnessError('E_SEND', `there is no Gateway ${namespace}/${name}`, {
      hint: 'Apply it in this step or in one before.',
    });
  }
  if (another === undefined) return gateway;
  throw new HarnessError(
    'E_SEND',
    `Gateway ${namespace}/${name} is there twice: one of Istio and one of the Gateway API`,
    { hint: 'Give one of them another name, so that it is clear which one requests go through.' },
  );
}

function listenerOf(gateway: KubeObject, { namespace, name, port, tls }: GatewayEntry): Listener {
  const listeners = allListeners(gateway);
  const protocols = tls === undefined ? /^(HTTP|HTTP2|GRPC)$/i : /^HTTPS$/i;
  const isWanted = (listener: Listener) =>
    port === undefined ? protocols.test(listener.protocol) : listener.port === port;
  const found = listeners.find(isWanted);
  if (found !== undefined) return found;
  const has = listeners.map((each) => `${each.port} (${each.protocol})`).join(', ') || 'none at all';
  throw new HarnessError(
    'E_SEND',
    `Gateway ${namespace}/${name} has no listener ${port === undefined ? `for ${tls === undefined ? 'HTTP' : 'HTTPS'}` : `on port ${port}`}`,
    { hint: `Its listeners: ${has}.` },
  );
}

function allListeners(gateway: KubeObject): readonly Listener[] {
  if (isGateway(gateway)) return listenersOf(gateway);
  const { servers = [] } = (gateway.spec ?? {}) as {
    servers?: { port?: { number?: number; protocol?: string } }[];
  };
  return servers.map(({ port }) => ({ port: port?.number ?? 0, protocol: port?.protocol ?? '' }));
}

async function podOf({ data }: Clients, gateway: KubeObject, signal: AbortSignal): Promise<Pod> {
  const { name, namespace = 'default' } = gateway.metadata;
  const isOfGatewayApi = isGateway(gateway);
  const { selector = {} } = (gateway.spec ?? {}) as { selector?: Record<string, string> };
  const pods = isOfGatewayApi
    ? await listPods(data, namespace, { [gatewayNameLabel]: name }, signal)
    : await listPods(data, undefined, selector, signal);
  const ready = pods.filter(isReady).find(({ metadata }) => {
    const { namespace: of = 'default', labels = {} } = metadata;
    return holdsFor(gateway, { namespace: of, labels }, '');
  });
  if (ready !== undefined) return ready;
  throw new HarnessError('E_SEND', `no pod of Gateway ${namespace}/${name} is ready`, {
    hint: isOfGatewayApi
      ? 'Is its class one of Istio, so that istiod makes a Deployment of it?'
      : 'Is there a gateway workload with the labels of its selector?',
  });
}
