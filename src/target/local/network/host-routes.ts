/** The way out of a pod for a request that has a Host of its own: sidecars route by it, not by the name in the URL. */

import { HarnessError } from '../../../base/errors.ts';
import { nameOfKey } from '../../../base/names.ts';
import { keyOf } from '../../../kube/objects.ts';
import { isHttp } from '../../../policy/service-port.ts';
import type { HttpRequest, KubeObject } from '../../target.ts';
import { protocolAt } from '../kubelet/service-ports.ts';
import type { Workload } from '../kubelet/workload.ts';
import type { Resolver } from './resolver.ts';
import { type Route, splitUrl } from './sender.ts';

type Client = Pick<Workload, 'identity' | 'outbound' | 'clientPorts'>;

/**
 * @param routed whether the sidecars have routes for a host, other than those for Services
 * @param route the way to a URL from a pod
 * @throws HarnessError E_SEND for what Istio does not take for HTTP
 */
export function routeByHost(
  resolver: Pick<Resolver, 'serviceFor'>,
  client: Client,
  { url, headers, absoluteForm }: Pick<HttpRequest, 'url' | 'headers' | 'absoluteForm'>,
  routed: (host: string) => boolean,
  route: (url: string, client: Client) => Route,
): Route {
  const { namespace, proxy } = client.identity;
  const { hostname, port } = splitUrl(url);
  if (proxy !== 'sidecar' || !/^http:/i.test(url)) return route(url, client);
  const service = resolver.serviceFor(hostname, namespace);
  if (service !== undefined) refuseOthers(service, port);
  // Beside a whole address in the request line, a Host says nothing (RFC 9112, section 3.2.2).
  const header = absoluteForm ? undefined : headers.find(([name]) => name.toLowerCase() === 'host')?.[1];
  const host = header?.replace(/:\d+$/, '').toLowerCase();
  if (host === undefined || host === hostname) return route(url, client);
  const named = resolver.serviceFor(host, namespace);
  if (named === undefined ? routed(host) : isHttp(protocolAt(named, port) ?? '')) {
    return route(service === undefined ? `http://${host}:${port}/` : url, client);
  }
  // As by PassthroughCluster: to the address that the URL leads to, without TLS of Istio.
  return route(url, { ...client, identity: { ...client.identity, proxy: 'none' } });
}

function refuseOthers(service: KubeObject, port: number): void {
  const protocol = protocolAt(service, port);
  if (protocol === undefined || isHttp(protocol)) return;
  throw new HarnessError(
    'E_SEND',
    `port ${port} of ${nameOfKey(keyOf(service))} is ${protocol} for Istio, and only HTTP goes through the sidecar of a client on the target local`,
    { hint: 'Name the port http, or http-…, if that is meant; use --target kind for other protocols.' },
  );
}

/** Hosts of VirtualServices that are for sidecars, as patterns of names. */
export function meshRoutes(virtualServices: readonly KubeObject[]): string[] {
  return virtualServices.flatMap(({ spec }) => {
    const { hosts = [], gateways = ['mesh'] } = (spec ?? {}) as { hosts?: string[]; gateways?: string[] };
    return gateways.length === 0 || gateways.includes('mesh') ? hosts : [];
  });
}

/** Whether a name is that of a pattern, such as `*.example.com`. */
export function isHostOf(pattern: string, host: string): boolean {
  return pattern.startsWith('*')
    ? host.endsWith(pattern.slice(1).toLowerCase())
    : host === pattern.toLowerCase();
}
