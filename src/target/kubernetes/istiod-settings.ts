/** The settings of istiod that scenarios depend on: who fetches keys, and which CA it trusts for that. */
import * as z from 'zod';
import { HarnessError } from '../../base/errors.ts';
import type { FetchMode } from '../../base/events.ts';
import { timeouts } from '../../base/timeouts.ts';
import { understood } from '../../base/understood.ts';
import { until } from '../../base/wait.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { applyObject, getObject, listObjects, patchObject } from '../../kube/objects.ts';
import { isReady, listPods, type Pod, waitUntilReady } from '../../kube/workloads.ts';
import type { KubeObject } from '../target.ts';
import { getAdmin, istiodAdmin } from './admin.ts';
import type { Clients } from './client-for.ts';
import { hasProxy } from './survey-mesh.ts';

const variable = 'PILOT_JWT_ENABLE_REMOTE_JWKS';
const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'istiod' };

/** Istio's names for the modes (pkg/jwt/jwt.go): true is hybrid, and whatever is not known means istiod. */
function readFetchMode(value: string | undefined): FetchMode {
  if (value === 'envoy') return 'envoy';
  return value === 'hybrid' || value === 'true' ? 'hybrid' : 'istiod';
}

interface Container {
  name: string;
  image: string;
  env?: { name: string; value?: string }[];
}

/**
 * istiod's image and fetch mode; undefined when there is none to be seen, or when this user may not look, as with a
 * managed control plane. Of several revisions it is the one named istiod, which serves `istio-injection: enabled`.
 */
export async function inspectIstiod(
  clients: Clients,
  namespace: string,
  signal: AbortSignal,
): Promise<{ image: string; fetch: FetchMode } | undefined> {
  let found: KubeObject[];
  try {
    const { apiVersion, kind } = deployment;
    found = await listObjects(
      clients.data,
      { apiVersion, kind, namespace, labelSelector: 'app=istiod' },
      signal,
    );
  } catch (thrown) {
    if (thrown instanceof KubeError && thrown.status === 403) return undefined;
    throw thrown;
  }
  const live = found.find((each) => each.metadata.name === deployment.name) ?? found[0];
  const spec = live?.spec as { template?: { spec?: { containers?: Container[] } } } | undefined;
  const containers = spec?.template?.spec?.containers;
  const discovery = containers?.find((each) => each.name === 'discovery');
  if (discovery === undefined) return undefined;
  const value = discovery.env?.find((each) => each.name === variable)?.value;
  return { image: discovery.image, fetch: readFetchMode(value) };
}

/** Where Istio's chart puts what `pilot.jwksResolverExtraRootCA` is set to. */
const extraCaName = 'pilot-jwks-extra-cacerts';
const extraCaFile = 'extra.pem';

/** Replaces the CA certificates that istiod trusts for jwksUri; istiod reads them when it starts. */
export async function setExtraRootCa(
  clients: Clients,
  namespace: string,
  pem: string,
  signal: AbortSignal,
): Promise<void> {
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: extraCaName, namespace },
    data: { [extraCaFile]: pem },
  };
  await applyObject(clients.data, object, { signal });
}

/** The root CA that istiod has been given besides its own, as PEM; undefined when there is none. */
export async function extraRootCa(
  clients: Clients,
  namespace: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const key = { apiVersion: 'v1', kind: 'ConfigMap', name: extraCaName, namespace };
  const { data } = Object(await getObject(clients.data, key, signal)) as { data?: Record<string, string> };
  return data?.[extraCaFile]?.trim();
}

/** Restarts istiod in this fetch mode, and does not wait for it. */
export async function beginRestart(
  clients: Clients,
  namespace: string,
  mode: FetchMode,
  signal: AbortSignal,
): Promise<void> {
  const value = mode === 'istiod' ? 'false' : mode;
  await patchObject(
    clients.data,
    { ...deployment, namespace },
    {
      spec: {
        template: {
          metadata: { annotations: { 'jwt-e2e/restarted-at': new Date().toISOString() } },
          spec: { containers: [{ name: 'discovery', env: [{ name: variable, value }] }] },
        },
      },
    },
    signal,
    'application/strategic-merge-patch+json',
  );
}

/**
 * Waits until istiod's rollout is done and every proxy has its configuration from the new one: after a rollout is
 * reported as done, proxies are still connected to the old istiod for a while, and what it sent holds.
 */
export async function settleIstiod(clients: Clients, namespace: string, signal: AbortSignal): Promise<void> {
  const { name, apiVersion, kind } = deployment;
  await waitUntilReady(clients.data, [{ apiVersion, kind, metadata: { name, namespace } }], signal);
  await until('every proxy reconnecting to istiod', () => allConnected(clients, namespace, signal), {
    timeoutMs: timeouts.istiodRestart,
    intervalMs: 200,
    signal,
    code: 'E_NOT_READY',
  });
}

/** Restarts istiod in this fetch mode and waits until it serves every proxy. */
export async function restartIstiod(
  clients: Clients,
  namespace: string,
  mode: FetchMode,
  signal: AbortSignal,
): Promise<void> {
  await beginRestart(clients, namespace, mode, signal);
  await settleIstiod(clients, namespace, signal);
}

async function allConnected(
  clients: Clients,
  namespace: string,
  signal: AbortSignal,
): Promise<true | string> {
  const [istiods, pods] = await Promise.all([
    listPods(clients.data, namespace, { app: 'istiod' }, signal),
    listObjects(clients.data, { apiVersion: 'v1', kind: 'Pod' }, signal),
  ]);
  const wanted = (pods as Pod[])
    .filter((pod) => pod.metadata.deletionTimestamp === undefined && hasProxy(pod) && isReady(pod))
    .map((pod) => `${pod.metadata.name}.${pod.metadata.namespace}`);
  const connected = new Set<string>();
  for (const istiod of istiods) {
    for (const proxy of await synced(clients, istiod, signal)) connected.add(proxy);
  }
  const missing = wanted.filter((name) => !connected.has(name));
  return missing.length === 0 ? true : `not connected: ${missing.join(', ')}`;
}

const syncz = z
  .array(
    z.looseObject({
      proxy: z.string(),
      listener_sent: z.string().optional(),
      listener_acked: z.string().optional(),
    }),
  )
  .nullable();

/** The proxies in what istiod answers for /debug/syncz that have acknowledged their listeners. */
export function syncedIn(answer: string): string[] {
  const all: unknown = JSON.parse(answer);
  return (understood('istiod', () => syncz.parse(all)) ?? [])
    .filter((each) => each.listener_sent !== undefined && each.listener_sent === each.listener_acked)
    .map((each) => each.proxy);
}

/** Proxies whose listeners this istiod has sent and got acknowledged. */
async function synced(clients: Clients, istiod: Pod, signal: AbortSignal): Promise<string[]> {
  const { namespace = '', name } = istiod.metadata;
  try {
    const answer = await getAdmin(clients.data, istiodAdmin(namespace, name), '/debug/syncz', signal);
    return syncedIn(answer);
  } catch (thrown) {
    // It starts or ends just now, and is asked again.
    if (thrown instanceof SyntaxError || (thrown instanceof HarnessError && thrown.code === 'E_EXEC'))
      return [];
    throw thrown;
  }
}
