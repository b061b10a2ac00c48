/** Waits until istiod has taken mesh settings: a ConfigMap that was applied is in force only then. */
import { HarnessError } from '../../../base/errors.ts';
import { nameOfKey } from '../../../base/names.ts';
import { timeouts } from '../../../base/timeouts.ts';
import { until } from '../../../base/wait.ts';
import { KubeError } from '../../../kube/kube-error.ts';
import { getObject } from '../../../kube/objects.ts';
import { isReady, listPods, type Pod } from '../../../kube/workloads.ts';
import {
  lastMeshConfigOf,
  type MeshConfig,
  meshConfigName,
  meshConfigOf,
} from '../../../policy/read-mesh-config.ts';
import { changedForLater, mayHoldMeshConfig, notTaken } from '../../mesh-config.ts';
import type { KubeObject, ObjectKey } from '../../target.ts';
import { getAdmin, istiodAdmin } from '../admin.ts';
import type { Clients } from '../client-for.ts';

/** Returns once what has become of the settings is in force, with warnings about what is not before a restart. */
export type SettingsTaken = (signal: AbortSignal) => Promise<string[]>;

/** Called with a ConfigMap as it was before a change and as it is now. */
export type TakeMeshSettings = (
  key: ObjectKey,
  before: KubeObject | undefined,
  now: KubeObject | undefined,
  signal: AbortSignal,
) => Promise<string[]>;

/**
 * Notes the mesh settings among these objects as they are before a change.
 *
 * @param take makes them hold in the mesh; called only for those that the change has really changed
 */
export async function noteMeshSettings(
  clients: Clients,
  namespace: string,
  keys: readonly ObjectKey[],
  take: TakeMeshSettings,
  signal: AbortSignal,
): Promise<SettingsTaken> {
  const concerned = keys.filter((key) => mayHoldMeshConfig(key, namespace));
  const read = (own: AbortSignal) => Promise.all(concerned.map((key) => getObject(clients.data, key, own)));
  const before = await read(signal);
  return async (own) => {
    const now = await read(own);
    const warnings: string[] = [];
    for (const [index, key] of concerned.entries()) {
      if (JSON.stringify(before[index]?.data) === JSON.stringify(now[index]?.data)) continue;
      warnings.push(...(await take(key, before[index], now[index], own)));
    }
    return warnings;
  };
}

/**
 * Asks every istiod that reads this ConfigMap until it shows the settings.
 *
 * @throws HarnessError E_UNPROVEN when istiod cannot be asked, or does not take them
 */
export async function takenByIstiod(
  clients: Clients,
  key: ObjectKey,
  before: KubeObject | undefined,
  now: KubeObject | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  const name = nameOfKey(key);
  const [declared, earlier] = [meshConfigOf(now), lastMeshConfigOf(before)];
  await until(
    `istiod taking the mesh settings of ${name}`,
    () => missing(clients, key, declared, earlier, signal),
    {
      timeoutMs: timeouts.meshSettings,
      intervalMs: 200,
      signal,
      code: 'E_UNPROVEN',
      hint: 'istiod ignores fields that it does not know, and settings of which one is wrong: its log says which.',
    },
  );
  const later = changedForLater(declared, earlier);
  if (later.length === 0) return [];
  return [
    `${name}: these mesh settings hold only for proxies, or an istiod, that start from now on: ${later.join(', ')}`,
  ];
}

async function missing(
  clients: Clients,
  key: ObjectKey,
  declared: MeshConfig,
  before: MeshConfig,
  signal: AbortSignal,
): Promise<true | string> {
  const pods = await istiods(clients, key.namespace ?? '', signal);
  const readers = pods.filter(
    ({ metadata }) => meshConfigName(metadata.labels?.['istio.io/rev']) === key.name,
  );
  if (readers.length === 0) {
    // Of the ConfigMaps there, only one of these names is for an istiod.
    if (key.name !== meshConfigName(undefined)) return true;
    const others = [
      ...new Set(pods.map(({ metadata }) => meshConfigName(metadata.labels?.['istio.io/rev']))),
    ];
    throw new HarnessError(
      'E_UNPROVEN',
      `no istiod that can be asked reads ${nameOfKey(key)}, so it is not known whether the mesh has these settings`,
      { hint: others.length === 0 ? undefined : `Those that run here read ${others.join(', ')}.` },
    );
  }
  for (const pod of readers) {
    const shown = await meshOf(clients, pod, signal);
    const problems = typeof shown === 'string' ? [shown] : notTaken(shown, declared, before);
    if (problems.length > 0) return `${pod.metadata.name}: ${problems.join(', ')}`;
  }
  return true;
}

/** Those that run here, and that this user may see. */
async function istiods(clients: Clients, namespace: string, signal: AbortSignal): Promise<Pod[]> {
  try {
    return (await listPods(clients.data, namespace, { app: 'istiod' }, signal)).filter(isReady);
  } catch (thrown) {
    if (thrown instanceof KubeError && thrown.status === 403) return [];
    throw thrown;
  }
}

/** The settings that an istiod has now, or why it does not say them. */
async function meshOf(
  clients: Clients,
  { metadata }: Pod,
  signal: AbortSignal,
): Promise<MeshConfig | string> {
  const { name: pod, namespace = '' } = metadata;
  try {
    return JSON.parse(
      await getAdmin(clients.data, istiodAdmin(namespace, pod), '/debug/mesh', signal),
    ) as MeshConfig;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return 'it does not answer yet';
    if (!(thrown instanceof HarnessError && thrown.code === 'E_EXEC')) throw thrown;
    // With a hint, it is no matter of time.
    if (thrown.hint === undefined) return thrown.message;
    throw new HarnessError('E_UNPROVEN', `istiod cannot be asked for its mesh settings: ${thrown.message}`, {
      hint: thrown.hint,
      cause: thrown,
    });
  }
}
