/** Sends requests as an application in a pod would: through its sidecar, each on a connection of its own. */
import { buildConnector } from 'undici';
import { HarnessError } from '../../../base/errors.ts';
import { throwIfAborted } from '../../../base/wait.ts';
import { inRounds } from '../../rounds.ts';
import { type Client, clientWith, sendOne } from '../../send-through-ingress.ts';
import type { HttpRequest, HttpResponse, SendLimit } from '../../target.ts';
import type { Workload } from '../kubelet/workload.ts';
import type { EntryHost } from './entry-hosts.ts';
import type { Resolver } from './resolver.ts';

/** Where a request goes: a Unix socket, or an address. */
export type Route =
  | { readonly socketPath: string }
  | { readonly host: string; readonly port: number }
  /** No such name in the mesh: this machine's own DNS decides. */
  | { readonly anywhere: true };

/** A URL in its parts, the path as it was written, without the fragment, which is not sent. @throws HarnessError E_SEND */
export function splitUrl(url: string): { origin: string; hostname: string; port: number; path: string } {
  const [, origin = '', path = ''] = url.match(/^(https?:\/\/[^/?#]+)([^#]*)(#.*)?$/i) ?? [];
  if (!URL.canParse(origin)) throw new HarnessError('E_SEND', `${url} is no absolute http or https URL`);
  const { hostname, port, protocol } = new URL(origin);
  const standard = protocol === 'https:' ? 443 : 80;
  return { origin, hostname, port: Number(port || standard), path: path.startsWith('/') ? path : `/${path}` };
}

/**
 * The way of a request out of a pod. With a sidecar, what the mesh knows goes through it; what it does not know passes
 * by, as with outboundTrafficPolicy ALLOW_ANY.
 *
 * @param entry what the sidecars of a namespace make of a name: hosts of ServiceEntries
 * @throws HarnessError E_SEND for a port on which this user cannot listen, and for TLS to a host of a ServiceEntry
 */
export function routeOf(
  mesh: { readonly resolver: Pick<Resolver, 'resolve' | 'serviceFor'> },
  workload: Pick<Workload, 'identity' | 'outbound' | 'clientPorts'>,
  url: string,
  entry: (host: string, namespace: string) => EntryHost,
): Route {
  const { hostname, port } = splitUrl(url);
  const { namespace, proxy } = workload.identity;
  const injected = proxy === 'sidecar';
  const service = mesh.resolver.serviceFor(hostname, namespace);
  const found = mesh.resolver.resolve(hostname, port, namespace);
  const ofEntry = injected && service === undefined ? entry(hostname, namespace) : 'unknown';
  const byEntry = ofEntry === 'resolved' || (ofEntry === 'routed' && found.kind !== 'unknown');
  const isHttp = /^http:/i.test(url);
  if (!isHttp && byEntry && found.kind === 'unknown') {
    throw new HarnessError(
      'E_SEND',
      `TLS from a pod to ${hostname}, a host of a ServiceEntry, is not to be had on the target local`,
      {
        hint: 'Only HTTP goes through the sidecar of the client there. Use --target kind.',
      },
    );
  }
  if (injected && isHttp && (service !== undefined || byEntry)) {
    if (port === 80) return { socketPath: workload.outbound.socket };
    if (workload.clientPorts.includes(port)) return { host: workload.outbound.address, port };
    throw new HarnessError(
      'E_SEND',
      `the sidecar of ${workload.identity.name} has no listener for port ${port}`,
      {
        hint:
          port < 1024
            ? 'On the target local, ports below 1024 other than 80 need a user who may listen on them; use another port, or --target kind.'
            : 'Name the port of the Service http, or http-…, so that Istio takes it for HTTP. On the target local, a port of a ServiceEntry must be one of a Service too.',
      },
    );
  }
  if (found.kind === 'address') return { host: found.host, port: found.port };
  // Port 1 of the mesh's own address: nobody listens there.
  return found.kind === 'refused' ? { host: workload.outbound.address, port: 1 } : { anywhere: true };
}

/** Sends all requests `rounds` times over, one after the other; result[round][request]. */
export async function sendFromPod(
  requests: readonly HttpRequest[],
  routes: readonly Route[],
  rounds: number,
  signal: AbortSignal,
  { requestMs, allMs }: SendLimit,
): Promise<HttpResponse[][]> {
  const clients = routes.map((route) => clientFor(route, requestMs));
  const started = performance.now();
  const answers: HttpResponse[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [index, request] of requests.entries()) {
        throwIfAborted(signal);
        if (performance.now() - started >= allMs) return inRounds(answers, requests.length);
        const client = clients[index];
        if (client === undefined) throw new HarnessError('E_INTERNAL', 'a request has no route');
        const { origin, path } = splitUrl(request.url);
        answers.push(await sendOne(client, origin, withPath(request, path), signal, requestMs));
      }
    }
    return inRounds(answers, requests.length);
  } finally {
    await Promise.all(clients.map(({ agent }) => agent.destroy()));
  }
}

/** With the path alone where the address is known, but for the one that a request line in absolute form has. */
function withPath(request: HttpRequest, path: string): HttpRequest {
  const url = request.absoluteForm ? request.url : path;
  const { before } = request;
  return { ...request, url, ...(before && { before: before.map((each) => withPath(each, path)) }) };
}

function clientFor(route: Route, timeout: number): Client {
  return clientWith((allowH2) => {
    // As curl does without a private CA: certificates are checked against the usual ones.
    const common = { timeout, allowH2 };
    if ('anywhere' in route) return buildConnector(common);
    if ('socketPath' in route) return buildConnector({ ...common, socketPath: route.socketPath });
    const connect = buildConnector(common);
    // Host and server name stay those of the URL.
    return (options, done) => connect({ ...options, hostname: route.host, port: String(route.port) }, done);
  });
}
