/** Reads the configuration of proxies through pilot-agent. */
import { HarnessError } from '../../errors.ts';
import { exec } from '../../kube/exec.ts';
import { isReady, listPods } from '../../kube/workloads.ts';
import { readProxyPolicies } from '../proxy-policies.ts';
import type { ProxyPolicies, ProxyRef, Survey } from '../target.ts';
import type { Clients } from './clients.ts';
import { proxyContainer } from './survey.ts';

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
  proxy: ProxyRef,
  path: string,
  signal: AbortSignal,
): Promise<string> {
  const result = await exec(
    clients.data,
    { namespace: proxy.namespace, pod: proxy.pod, container: proxyContainer },
    ['pilot-agent', 'request', 'GET', path],
    { signal },
  );
  if (result.exitCode !== 0) {
    throw new HarnessError('E_EXEC', `the proxy of ${proxy.namespace}/${proxy.pod} does not answer ${path}`, {
      details: result.stderr,
    });
  }
  return result.stdout.toString('utf8');
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
