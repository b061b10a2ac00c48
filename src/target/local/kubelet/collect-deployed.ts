/** Deletes what istiod has deployed for a Gateway that is gone, as the garbage collector of a cluster does. */
import type { KubeClient } from '../../../kube/kube-client.ts';
import { KubeError } from '../../../kube/kube-error.ts';
import { deleteObject, keyOf, listObjects } from '../../../kube/objects.ts';
import { gatewayNameLabel } from '../../../policy/selection.ts';
import type { KubeObject } from '../../target.ts';

/** What the template of this mesh makes. */
const kinds = [
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'v1', kind: 'Service' },
] as const;

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
