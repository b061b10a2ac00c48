/** Where the ingress gateway can be reached from here. */
import { connect } from 'node:net';
import { timeouts } from '../../base/timeouts.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { getObject, listObjects } from '../../kube/objects.ts';
import type { Clients } from '../kubernetes/client-for.ts';
import type { KubeObject } from '../target.ts';
import type { ClusterSettings } from './cluster-settings.ts';

interface Port {
  readonly name?: string;
  readonly port: number;
  readonly nodePort?: number;
}

const service = { apiVersion: 'v1', kind: 'Service' };
const advice = 'set --ingress URL';

/** `http://HOST:PORT` of the gateway, or the reason why there is none. */
export type Ingress = { readonly url: string; readonly from: string } | { readonly missing: string };

/**
 * The labels of the pods of the gateway, by the selector of its Service; undefined when this user may not read it, or when
 * there is none.
 */
export async function gatewayLabels(
  clients: Clients,
  gateway: ClusterSettings['gateway'],
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>> | undefined> {
  const found = await readable(() => getObject(clients.data, { ...service, ...gateway }, signal));
  if (found === undefined || found === 'forbidden') return undefined;
  const { selector } = (found.spec ?? {}) as { selector?: Record<string, string> };
  return selector !== undefined && Object.keys(selector).length > 0 ? selector : undefined;
}

/**
 * Finds the address of the gateway's Service: its load balancer's, else a node's with the node port. An address
 * counts only when a connection can be opened to it from here.
 */
export async function findIngress(
  clients: Clients,
  gateway: ClusterSettings['gateway'],
  signal: AbortSignal,
  reaches: (host: string, port: number) => Promise<boolean> = canReach,
): Promise<Ingress> {
  const name = `Service ${gateway.namespace}/${gateway.name}`;
  const found = await readable(() => getObject(clients.data, { ...service, ...gateway }, signal));
  if (found === 'forbidden') return { missing: `${name} may not be read by this user: ${advice}` };
  if (found === undefined) return { missing: `there is no ${name}: ${advice}` };
  const port = httpPort(found);
  if (port === undefined) return { missing: `${name} has no port for HTTP: ${advice}` };
  const tried: string[] = [];
  for (const host of loadBalancers(found)) {
    if (await reaches(host, port.port)) return { url: addressOf(host, port.port), from: 'load balancer' };
    tried.push(`${host}:${port.port}`);
  }
  if (port.nodePort !== undefined) {
    const nodes = await readable(() => listObjects(clients.data, { apiVersion: 'v1', kind: 'Node' }, signal));
    if (nodes === 'forbidden')
      tried.push(`node port ${port.nodePort} (nodes may not be listed by this user)`);
    // A few will do: a node port is open on all of them.
    for (const host of nodes === 'forbidden' ? [] : nodes.flatMap(internalAddresses).slice(0, 3)) {
      if (await reaches(host, port.nodePort))
        return { url: addressOf(host, port.nodePort), from: 'node port' };
      tried.push(`${host}:${port.nodePort}`);
    }
  }
  if (tried.length === 0) return { missing: `${name} has no address yet: ${advice}` };
  return { missing: `${name} cannot be reached from here, tried ${tried.join(', ')}: ${advice}` };
}

async function readable<T>(read: () => Promise<T>): Promise<T | 'forbidden'> {
  try {
    return await read();
  } catch (thrown) {
    if (thrown instanceof KubeError && thrown.status === 403) return 'forbidden';
    throw thrown;
  }
}

function httpPort(object: KubeObject): Port | undefined {
  const { ports = [] } = object.spec as { ports?: Port[] };
  return ports.find(({ port }) => port === 80) ?? ports.find(({ name }) => /^http2?(-|$)/.test(name ?? ''));
}

function loadBalancers(object: KubeObject): string[] {
  const status = object.status as
    | { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } }
    | undefined;
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? []);
}

function internalAddresses(node: KubeObject): string[] {
  const { addresses = [] } = (node.status ?? {}) as { addresses?: { type: string; address: string }[] };
  return addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address);
}

function addressOf(host: string, port: number): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === 80 ? `http://${name}` : `http://${name}:${port}`;
}

/**
 * Whether packets get there and back. A refused connection counts: the gateway listens only once there is a Gateway
 * resource for the port, which a scenario may be about to create.
 */
export async function canReach(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeouts.reach });
    const end = (reached: boolean) => {
      socket.destroy();
      resolve(reached);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'));
  });
}
