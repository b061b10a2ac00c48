/** Ends Namespaces that were deleted: empties them and lets them go, as the namespace controller of a cluster does. */
import type { KubeClient } from '../../../kube/kube-client.ts';
import { KubeError } from '../../../kube/kube-error.ts';
import type { KubeObject } from '../../target.ts';

interface ResourceList {
  readonly groupVersion: string;
  readonly resources: readonly {
    readonly name: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

/** Deletes all there is in a Namespace that is being deleted, and takes its finalizer away. */
export async function finishNamespace(
  client: KubeClient,
  namespace: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const { name } = namespace.metadata;
  const collections = new Map<string, string>();
  for (const { groupVersion, resources } of await resourceLists(client, signal)) {
    const path = groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
    for (const { name: plural, namespaced, verbs } of resources) {
      const id = `${groupVersion.split('/')[0]}/${plural}`;
      if (namespaced && verbs.includes('deletecollection') && !collections.has(id))
        collections.set(id, `${path}/namespaces/${name}/${plural}`);
    }
  }
  await Promise.all(
    [...collections.values()].map((path) =>
      client
        .request(path, {
          method: 'DELETE',
          body: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 },
          signal,
        })
        .catch((thrown: unknown) => {
          if (!(thrown instanceof KubeError)) throw thrown;
        }),
    ),
  );
  await client
    .request(`/api/v1/namespaces/${name}/finalize`, {
      method: 'PUT',
      body: { ...namespace, spec: { ...(namespace.spec as object), finalizers: [] } },
      signal,
    })
    .catch((thrown: unknown) => {
      // Seen and finished twice, because it changes while it ends.
      if (!(thrown instanceof KubeError && [404, 409].includes(thrown.status))) throw thrown;
    });
}

/** Those of all versions, as not every kind is in the preferred one: EnvoyFilters are in networking.istio.io/v1alpha3. */
async function resourceLists(client: KubeClient, signal: AbortSignal): Promise<ResourceList[]> {
  const { body } = await client.request('/apis', { signal });
  const { groups } = body as {
    groups: { preferredVersion: { groupVersion: string }; versions: { groupVersion: string }[] }[];
  };
  const versions = groups.flatMap((group) => [group.preferredVersion, ...group.versions]);
  const paths = new Set(['/api/v1', ...versions.map(({ groupVersion }) => `/apis/${groupVersion}`)]);
  const lists = await Promise.all([...paths].map((path) => client.request(path, { signal })));
  return lists.map((list) => list.body as ResourceList);
}
