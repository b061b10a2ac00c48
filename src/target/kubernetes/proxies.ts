/** Reads the configuration of proxies from their admin interface. */
import { isReady, listPods } from '../../kube/workloads.ts';
import { readProxyPolicies } from '../proxy-policies.ts';
import type { ProxyPolicies, ProxyRef, Survey } from '../target.ts';
import { getAdmin, proxyAdmin } from './admin.ts';
import type { Clients } from './clients.ts';

/** The ready proxies of the ingress gateway. */
export async function ingressProxies(
  clients: Clients,
  { namespace, labels }: Survey['ingress'],
  signal: AbortSignal,
): Promise<ProxyRef[]> {
  const pods = await listPods(clients.data, namespace, labels, signal);
  // One that just starts cannot be asked, and answers nobody.
  return pods.filter(isReady).map(({ metadata }) => ({
    namespace,
    pod: metadata.name,
    labels: metadata.labels ?? {},
    kind: 'gateway' as const,
  }));
}

/** GET on the proxy's admin interface. @throws HarnessError E_EXEC */
export async function adminGet(
  clients: Clients,
  { namespace, pod }: ProxyRef,
  path: string,
  signal: AbortSignal,
): Promise<string> {
  return getAdmin(clients.data, proxyAdmin(namespace, pod), path, signal);
}

/** The listeners that policies are attached to, as Envoy has them. */
export function listenersPath(proxy: ProxyRef): string {
  const filter = proxy.kind === 'sidecar' ? '&name_regex=virtualInbound' : '';
  return `config_dump?resource=dynamic_listeners${filter}`;
}

export async function proxyPolicies(
  clients: Clients,
  proxy: ProxyRef,
  signal: AbortSignal,
): Promise<ProxyPolicies> {
  return readProxyPolicies(
    JSON.parse(await adminGet(clients, proxy, listenersPath(proxy), signal)),
    proxy.kind,
  );
}
