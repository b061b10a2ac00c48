/** The namespaces that are this tool's own: finding them, and deleting them with all that is in them. */

import { timeouts } from '../../base/timeouts.ts';
import { until } from '../../base/wait.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { deleteObject, getObject, listObjects } from '../../kube/objects.ts';
import type { KubeObject } from '../target.ts';
import { owned } from './ownership.ts';

const kind = { apiVersion: 'v1', kind: 'Namespace' };

/** All namespaces with this tool's label, those that are being deleted too. */
export async function ownNamespaces(client: KubeClient, signal: AbortSignal): Promise<KubeObject[]> {
  return listObjects(client, { ...kind, labelSelector: `${owned.label}=${owned.value}` }, signal);
}

/**
 * Deletes namespaces and waits until they are gone. Exactly these: one that has the same name and was created since is
 * not touched.
 *
 * @throws HarnessError E_TIMEOUT that says what Kubernetes waits for
 */
export async function deleteNamespaces(
  client: KubeClient,
  namespaces: readonly KubeObject[],
  signal: AbortSignal,
): Promise<void> {
  for (const { metadata } of namespaces) {
    await deleteObject(client, { ...kind, name: metadata.name }, signal, { uid: metadata.uid }).catch(
      (thrown) => {
        if (!(thrown instanceof KubeError && thrown.status === 409)) throw thrown;
      },
    );
  }
  await Promise.all(namespaces.map((namespace) => untilGone(client, namespace, signal)));
}

/** Waits until a namespace that is being deleted is gone. */
async function untilGone(client: KubeClient, namespace: KubeObject, signal: AbortSignal): Promise<void> {
  const { name, uid } = namespace.metadata;
  await until(
    `Namespace ${name} being gone`,
    async () => {
      const current = await getObject(client, { ...kind, name }, signal);
      return current === undefined || current.metadata.uid !== uid ? true : whatRemains(current);
    },
    {
      timeoutMs: timeouts.deleteNamespaces,
      intervalMs: 250,
      signal,
      hint: `Look at it with: kubectl get namespace ${name} -o yaml`,
    },
  );
}

/** Why a namespace is not gone yet, from the conditions that Kubernetes keeps about its deletion. */
function whatRemains(namespace: KubeObject): string {
  const { conditions = [] } = (namespace.status ?? {}) as {
    conditions?: { status: string; message?: string }[];
  };
  const messages = conditions.filter(({ status }) => status === 'True').map(({ message = '' }) => message);
  return messages.filter(Boolean).join('; ') || 'it is still being deleted';
}
