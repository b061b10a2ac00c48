/** What the controllers of a cluster do for Deployments. */
import type { KubeClient } from '../../../kube/kube-client.ts';
import { KubeError } from '../../../kube/kube-error.ts';
import { deleteObject, keyOf, listObjects } from '../../../kube/objects.ts';
import { gatewayNameLabel } from '../../../policy/selection.ts';
import type { KubeObject } from '../../target.ts';

/** Writes the status of a Deployment. */
export async function reportDeployment(
  client: KubeClient,
  deployment: KubeObject,
  ready: number,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace = 'default', generation = 1 } = deployment.metadata;
  const { replicas = 1 } = deployment.spec as { replicas?: number };
  const status = {
    observedGeneration: generation,
    replicas: Math.max(ready, replicas),
    updatedReplicas: Math.max(ready, replicas),
    readyReplicas: ready,
    availableReplicas: ready,
    unavailableReplicas: Math.max(0, replicas - ready),
  };
  if (isSame(status, (deployment.status ?? {}) as Record<string, number>)) return;
  try {
    await client.request(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}/status`, {
      method: 'PATCH',
      contentType: 'application/merge-patch+json',
      body: { status },
      signal,
    });
  } catch (thrown) {
    // It was deleted meanwhile.
    if (!(thrown instanceof KubeError && thrown.status === 404)) throw thrown;
  }
}

/** Zero is left out of what the API server sends. */
function isSame(status: Record<string, number>, now: Record<string, number>): boolean {
  return Object.entries(status).every(([name, value]) => (now[name] ?? 0) === value);
}

/** What the template of this mesh makes. */
const kinds = [
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'v1', kind: 'Service' },
] as const;

/** Deletes what istiod has deployed for a Gateway that is gone, as the garbage collector of a cluster does. */
export async function collectDeployed(
  client: KubeClient,
  { metadata }: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace, uid } = metadata;
  const labelSelector = `${gatewayNameLabel}=${name}`;
  await Promise.all(
    kinds.map(async (kind) => {
      const found = await listObjects(client, { ...kind, namespace, labelSelector }, signal);
      const orphans = found.filter(({ metadata: { ownerReferences = [] } }) =>
        (ownerReferences as { uid?: string }[]).some((owner) => owner.uid === uid),
      );
      await Promise.all(orphans.map((orphan) => collect(client, orphan, signal)));
    }),
  );
}

async function collect(client: KubeClient, orphan: KubeObject, signal: AbortSignal): Promise<void> {
  const { uid, resourceVersion } = orphan.metadata;
  try {
    await deleteObject(client, keyOf(orphan), signal, { uid, resourceVersion });
  } catch (thrown) {
    // A Gateway that was created again has taken it over.
    if (!(thrown instanceof KubeError && thrown.status === 409)) throw thrown;
  }
}
