/** The settings of istiod that scenarios depend on: who fetches keys, and which CA it trusts for that. */
import * as z from 'zod';
import { HarnessError, understood } from '../../../base/errors.ts';
import type { FetchMode } from '../../../base/events.ts';
import { fetchVariable } from '../../../base/istiod-input.ts';
import { timeouts } from '../../../base/timeouts.ts';
import { until } from '../../../base/wait.ts';
import { KubeError } from '../../../kube/kube-error.ts';
import { applyObject, getObject, listObjects, patchObject } from '../../../kube/objects.ts';
import { isReady, listPods, type Pod, waitUntilReady } from '../../../kube/workloads.ts';
import type { IstiodStart, KubeObject } from '../../target.ts';
import { getAdmin, istiodAdmin } from '../admin.ts';
import type { Clients } from '../client-for.ts';
import { hasProxy } from '../survey-mesh.ts';

/** On the Deployment: variables that scenarios have set, with the values from before, as JSON; null: it had none. */
const setByScenarios = 'jwt-e2e/istiod-variables';
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
 * istiod's image, fetch mode, and the variables that scenarios have set; undefined when there is none to be seen, or when this user may not look, as with a
 * managed control plane. Of several revisions it is the one named istiod, which serves `istio-injection: enabled`.
 */
export async function inspectIstiod(
  clients: Clients,
  namespace: string,
  signal: AbortSignal,
): Promise<({ image: string } & IstiodStart) | undefined> {
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
  const discovery = discoveryOf(live);
  if (discovery === undefined) return undefined;
  const given = (variable: string) => discovery.env?.find((each) => each.name === variable)?.value;
  const variables = Object.fromEntries(Object.keys(setBefore(live)).map((name) => [name, given(name) ?? '']));
  return { image: discovery.image, fetch: readFetchMode(given(fetchVariable)), variables };
}

function discoveryOf(istiod: KubeObject | undefined): Container | undefined {
  const spec = istiod?.spec as { template?: { spec?: { containers?: Container[] } } } | undefined;
  return spec?.template?.spec?.containers?.find((each) => each.name === 'discovery');
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

/** What the variables that scenarios have set were before; null for those that were not there. */
function setBefore(istiod: KubeObject | undefined): Record<string, string | null> {
  const text = istiod?.metadata.annotations?.[setByScenarios];
  return text === undefined ? {} : (JSON.parse(text) as Record<string, string | null>);
}

/** Restarts istiod with this, and does not wait for it. Variables that earlier calls have set are as they were before. */
export async function beginRestart(
  clients: Clients,
  namespace: string,
  { fetch, variables }: IstiodStart,
  signal: AbortSignal,
): Promise<void> {
  const live = await getObject(clients.data, { ...deployment, namespace }, signal);
  const before = setBefore(live);
  const env = discoveryOf(live)?.env ?? [];
  const kept = Object.keys(variables).map((name) => [
    name,
    name in before ? before[name] : (env.find((each) => each.name === name)?.value ?? null),
  ]);
  const restored = Object.entries(before)
    .filter(([name]) => !Object.hasOwn(variables, name))
    .map(([name, value]) => (value === null ? { $patch: 'delete', name } : { name, value }));
  const value = fetch === 'istiod' ? 'false' : fetch;
  await patchObject(
    clients.data,
    { ...deployment, namespace },
    {
      metadata: {
        annotations: {
          [setByScenarios]: kept.length === 0 ? null : JSON.stringify(Object.fromEntries(kept)),
        },
      },
      spec: {
        template: {
          metadata: { annotations: { 'jwt-e2e/restarted-at': new Date().toISOString() } },
          spec: {
            containers: [
              {
                name: 'discovery',
                env: [
                  { name: fetchVariable, value },
                  ...restored,
                  ...Object.entries(variables).map(([name, value]) => ({ name, value })),
                ],
              },
            ],
          },
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
    intervalMs: 100,
    signal,
    code: 'E_NOT_READY',
  });
}

/** Restarts istiod with this and waits until it serves every proxy. */
export async function restartIstiod(
  clients: Clients,
  namespace: string,
  start: IstiodStart,
  signal: AbortSignal,
): Promise<void> {
  await beginRestart(clients, namespace, start, signal);
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
