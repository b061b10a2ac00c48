/** What `jwt-e2e init` reads of a cluster: policies, and the workloads and Services that they may be for. */
import { HarnessError } from '../../base/errors.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { together } from '../../base/wait.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { listObjects } from '../../kube/objects.ts';
import { checkPolicies } from '../../target/cluster/facts.ts';
import { type Clients, clientFor } from '../../target/kubernetes/client-for.ts';
import { istioVersion, listVisible } from '../../target/kubernetes/undo/sweep.ts';

/** Policies of these namespaces count, whichever was chosen. */
const rootNamespace = 'istio-system';

/** What the policies are for; a user who may not see it gets a scenario with what the policies say alone. */
const others = [
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  { apiVersion: 'v1', kind: 'Service' },
] as const;

/**
 * @param namespace only this one, and the root namespace
 * @throws HarnessError E_ISTIO when there is no Istio; E_KUBE when policies cannot be read
 */
export async function readCluster(
  clients: Clients,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<KubeObject[]> {
  await checkPolicies(clients, signal);
  const security = await istioVersion(clients.mesh, 'security.istio.io', 'RequestAuthentication', signal);
  const networking = security.replace('security', 'networking');
  const namespaces = namespace === undefined ? [undefined] : [...new Set([namespace, rootNamespace])];
  const queries = namespaces.flatMap((each) => [
    { apiVersion: security, kind: 'RequestAuthentication', namespace: each, needed: true },
    { apiVersion: security, kind: 'AuthorizationPolicy', namespace: each, needed: true },
    { apiVersion: networking, kind: 'VirtualService', namespace: each, needed: false },
    ...others.map((other) => ({ ...other, namespace: each, needed: false })),
  ]);
  const found = await together(
    queries,
    async ({ needed, ...query }, limit) => {
      const client: KubeClient = clientFor(clients, query.apiVersion);
      if (!needed) return listVisible(client, query, limit);
      try {
        return await listObjects(client, query, limit);
      } catch (thrown) {
        if (!(thrown instanceof HarnessError) || thrown.code !== 'E_KUBE' || query.namespace !== undefined)
          throw thrown;
        throw new HarnessError('E_KUBE', thrown.message, {
          hint: thrown.hint ?? 'Name a namespace whose policies you may read: --namespace NAME',
          cause: thrown,
        });
      }
    },
    signal,
  );
  return found.flat();
}
