/** Writes what a kubelet writes about a pod, and deletes it. */
import type { KubeClient } from '../../../kube/kube-client.ts';
import { KubeError } from '../../../kube/kube-error.ts';
import { deleteObject } from '../../../kube/objects.ts';
import { type PodState, podStatus, type WorkloadIdentity } from './workload-objects.ts';

export async function reportPod(
  client: KubeClient,
  identity: WorkloadIdentity,
  state: PodState,
  signal: AbortSignal,
): Promise<void> {
  await client.request(`/api/v1/namespaces/${identity.namespace}/pods/${identity.name}/status`, {
    method: 'PATCH',
    contentType: 'application/merge-patch+json',
    body: { status: podStatus(identity, state) },
    signal,
  });
}

/** The pod, and what was made for it. */
export async function deletePod(
  client: KubeClient,
  { namespace, name, proxy }: WorkloadIdentity,
  signal: AbortSignal,
): Promise<void> {
  const istio = 'networking.istio.io/v1';
  await Promise.all([
    deleteObject(client, { apiVersion: istio, kind: 'WorkloadEntry', name, namespace }, signal),
    proxy === 'gateway'
      ? deleteObject(
          client,
          { apiVersion: 'networking.istio.io/v1alpha3', kind: 'EnvoyFilter', name, namespace },
          signal,
        )
      : deleteObject(client, { apiVersion: istio, kind: 'Sidecar', name, namespace }, signal),
    client
      .request(`/api/v1/namespaces/${namespace}/pods/${name}`, {
        method: 'DELETE',
        body: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 },
        signal,
      })
      .catch((thrown: unknown) => {
        if (!(thrown instanceof KubeError && thrown.status === 404)) throw thrown;
      }),
  ]);
}
