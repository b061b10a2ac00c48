/**
 * Fields of MeshConfig over those of the installation, in the ConfigMap that istiod reads. What was there before is kept in an
 * annotation as well, so that it comes back when the run that has put them there is killed.
 */
import { isMap } from '../../../base/kube-object.ts';
import { getObject } from '../../../kube/objects.ts';
import {
  lastMeshConfigOf,
  type MeshConfig,
  meshConfigName,
  meshConfigOf,
} from '../../../policy/read-mesh-config.ts';
import type { KubeObject } from '../../target.ts';
import type { Clients } from '../client-for.ts';

const annotation = 'jwt-e2e/mesh-before';

const keyIn = (namespace: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: meshConfigName(undefined),
  namespace,
});

/**
 * The ConfigMap to apply: these fields over the settings of the installation, which it says too. Without fields it has those
 * alone, as they were written.
 *
 * @throws HarnessError E_UNPROVEN when the settings that are there cannot be read
 */
export async function overlaidMeshConfig(
  clients: Clients,
  namespace: string,
  config: MeshConfig,
  signal: AbortSignal,
): Promise<KubeObject> {
  const { apiVersion, kind, name } = keyIn(namespace);
  const live = await getObject(clients.data, keyIn(namespace), signal);
  const before = live?.metadata.annotations?.[annotation] ?? textOf(live);
  const installed = meshConfigOf(live && { ...live, data: { mesh: before } });
  // JSON is YAML, and every field of it is as it was.
  const mesh =
    Object.keys(config).length === 0 ? before : JSON.stringify(overlaid(installed, config), null, 2);
  const metadata = { name, namespace, annotations: { [annotation]: before } };
  return { apiVersion, kind, metadata, data: { mesh } };
}

/** As istiod reads a file over its defaults: field by field, those of `defaultConfig` too (ApplyMeshConfig in pkg/config/mesh). */
function overlaid(installed: MeshConfig, config: MeshConfig): MeshConfig {
  const [under, over] = [installed.defaultConfig, config.defaultConfig];
  return {
    ...installed,
    ...config,
    ...(isMap(under) && isMap(over) ? { defaultConfig: { ...under, ...over } } : {}),
  };
}

/** What the ConfigMap says now; nothing when it is not there, or when istiod could not read it. */
export async function declaredMeshConfig(
  clients: Clients,
  namespace: string,
  signal: AbortSignal,
): Promise<MeshConfig> {
  return lastMeshConfigOf(await getObject(clients.data, keyIn(namespace), signal));
}

/** What a run that was killed has left over the settings of the installation; undefined when it has left nothing. */
export async function leftMeshConfig(
  clients: Clients,
  namespace: string,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const { apiVersion, kind, name } = keyIn(namespace);
  const live = await getObject(clients.data, keyIn(namespace), signal);
  const before = live?.metadata.annotations?.[annotation];
  if (before === undefined) return undefined;
  return { apiVersion, kind, metadata: { name, namespace }, data: { mesh: before } };
}

function textOf(live: KubeObject | undefined): string {
  const { mesh = '' } = (live?.data ?? {}) as { mesh?: string };
  return mesh;
}
