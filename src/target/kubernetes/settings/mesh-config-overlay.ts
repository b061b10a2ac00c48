/**
 * Fields of MeshConfig over those of the installation, in the ConfigMap that istiod reads. What was there before is kept in an
 * annotation as well, so that it comes back when the run that has put them there is killed.
 */
import { getObject } from '../../../kube/objects.ts';
import { type MeshConfig, meshConfigName, meshConfigOf } from '../../../policy/read-mesh-config.ts';
import type { KubeObject } from '../../target.ts';
import type { Clients } from '../client-for.ts';

const annotation = 'jwt-e2e/mesh-before';

const keyIn = (namespace: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: meshConfigName(undefined),
  namespace,
});

/** The ConfigMap to apply. @throws HarnessError E_UNPROVEN when the settings that are there cannot be read */
export async function overlaidMeshConfig(
  clients: Clients,
  namespace: string,
  config: MeshConfig,
  signal: AbortSignal,
): Promise<KubeObject> {
  const { apiVersion, kind, name } = keyIn(namespace);
  const live = await getObject(clients.data, keyIn(namespace), signal);
  const before = textOf(live);
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, annotations: { [annotation]: before } },
    // JSON is YAML, and every field of it is as it was.
    data: { mesh: JSON.stringify({ ...meshConfigOf(live), ...config }, null, 2) },
  };
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
