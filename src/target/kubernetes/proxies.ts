/** Finds the proxies that decide about a request, and reads their configuration through pilot-agent. */
import { HarnessError } from '../../errors.ts';
import { KubeError } from '../../kube/client.ts';
import { exec } from '../../kube/exec.ts';
import { getObject, listObjects } from '../../kube/objects.ts';
import { isReady, listPods, type Pod } from '../../kube/workloads.ts';
import { readProxyPolicies } from '../proxy-policies.ts';
import type { KubeObject, Origin, ProxyPolicies, ProxyRef } from '../target.ts';
import type { Clients } from './clients.ts';

export const proxyContainer = 'istio-proxy';

/** Whether Istio injected a sidecar; native sidecars are init containers. */
export function hasProxy(pod: Pod): boolean {
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some(
    (each) => each.name === proxyContainer,
  );
}

/** The sidecars of the pods behind the Service that the URL names, or the ingress gateway's proxies. */
export async function findProxies(
  clients: Clients,
  gateway: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> },
  origin: Origin,
  url: string,
  signal: AbortSignal,
): Promise<ProxyRef[]> {
  if (origin.kind === 'ingress') {
    const pods = await listPods(clients.data, gateway.namespace, gateway.labels, signal);
    // One that just starts cannot be asked, and answers nobody.
    return pods.filter(isReady).map((pod) => refOf(pod, 'gateway'));
  }
  const [name, namespace = origin.namespace] = new URL(url).hostname.split('.');
  const service = await getObject(
    clients.data,
    { apiVersion: 'v1', kind: 'Service', name: name ?? '', namespace },
    signal,
  );
  const selector = (service?.spec as { selector?: Record<string, string> } | undefined)?.selector;
  if (selector === undefined) return [];
  const pods = await listPods(clients.data, namespace, selector, signal);
  return pods.filter((pod) => hasProxy(pod) && isReady(pod)).map((pod) => refOf(pod, 'sidecar'));
}

function refOf(pod: Pod, kind: ProxyRef['kind']): ProxyRef {
  return {
    namespace: pod.metadata.namespace ?? 'default',
    pod: pod.metadata.name,
    labels: pod.metadata.labels ?? {},
    kind,
  };
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
  hosts: readonly string[],
  signal: AbortSignal,
): Promise<ProxyPolicies> {
  const [listeners, clusters] = await Promise.all([
    adminGet(clients, proxy, listenersPath(proxy), signal),
    hosts.length === 0
      ? undefined
      : adminGet(clients, proxy, 'config_dump?resource=dynamic_active_clusters', signal),
  ]);
  return readProxyPolicies(
    JSON.parse(listeners),
    clusters === undefined ? undefined : JSON.parse(clusters),
    hosts,
  );
}

/**
 * The apiVersion of the policies: v1 since Istio 1.22, v1beta1 before.
 *
 * @throws HarnessError E_KUBE when the API server has no such policies at all
 */
async function securityVersion(clients: Clients, signal: AbortSignal): Promise<string> {
  try {
    await clients.mesh.resource('security.istio.io/v1', 'RequestAuthentication', signal);
    return 'security.istio.io/v1';
  } catch (thrown) {
    if (thrown instanceof KubeError || signal.aborted) throw thrown;
    await clients.mesh.resource('security.istio.io/v1beta1', 'RequestAuthentication', signal);
    return 'security.istio.io/v1beta1';
  }
}

/**
 * RequestAuthentications and AuthorizationPolicies that select the proxy: those of its namespace and of the root
 * namespace, with a selector that matches its labels or none at all (Istio's WorkloadSelector).
 */
export async function declaredPolicies(
  clients: Clients,
  rootNamespace: string,
  proxy: ProxyRef,
  signal: AbortSignal,
): Promise<KubeObject[]> {
  const namespaces = [...new Set([rootNamespace, proxy.namespace])];
  const apiVersion = await securityVersion(clients, signal);
  const kinds = ['RequestAuthentication', 'AuthorizationPolicy'];
  const lists = await Promise.all(
    kinds.flatMap((kind) =>
      namespaces.map((namespace) => listObjects(clients.mesh, { apiVersion, kind, namespace }, signal)),
    ),
  );
  return lists.flat().filter((policy) => {
    const spec = (policy.spec ?? {}) as {
      selector?: { matchLabels?: Record<string, string> };
      targetRef?: unknown;
      targetRefs?: unknown[];
    };
    if (spec.targetRef !== undefined || (spec.targetRefs?.length ?? 0) > 0) return false;
    return Object.entries(spec.selector?.matchLabels ?? {}).every(
      ([name, value]) => proxy.labels[name] === value,
    );
  });
}
