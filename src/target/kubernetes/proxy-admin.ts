/** Reads the configuration of proxies from their admin interface. */
import * as z from 'zod';
import { understood } from '../../base/errors.ts';
import { isReady, listPods } from '../../kube/workloads.ts';
import { readProxyPolicies } from '../proxy-policies.ts';
import type { ProxyPolicies, ProxyRef, Survey } from '../target.ts';
import { getAdmin, proxyAdmin } from './admin.ts';
import type { Clients } from './client-for.ts';

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

const serverInfo = z.looseObject({
  version: z.string().optional(),
  node: z
    .looseObject({ metadata: z.looseObject({ ISTIO_VERSION: z.string().optional() }).optional() })
    .optional(),
});

/** The versions in what a proxy answers for server_info. @throws HarnessError E_KUBE when it is something else */
export function versionsIn(answer: string, { namespace, pod }: ProxyRef): { istio?: string; envoy?: string } {
  const info = understood(`the proxy of ${namespace}/${pod}`, () => serverInfo.parse(JSON.parse(answer)));
  // `<commit>/1.40.0/Clean/RELEASE/BoringSSL`
  const envoy = info.version?.split('/')[1];
  const istio = info.node?.metadata?.ISTIO_VERSION;
  return { ...(istio === undefined ? {} : { istio }), ...(envoy === undefined ? {} : { envoy }) };
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
  const answer = await adminGet(clients, proxy, listenersPath(proxy), signal);
  return policiesIn(answer, proxy);
}

/** What is in the answer of a proxy. @throws HarnessError E_KUBE when that is no dump of listeners */
export function policiesIn(answer: string, { namespace, pod, kind }: ProxyRef): ProxyPolicies {
  return understood(`the proxy of ${namespace}/${pod}`, () => readProxyPolicies(JSON.parse(answer), kind));
}
