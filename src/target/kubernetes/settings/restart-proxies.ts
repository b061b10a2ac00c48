/**
 * Starts proxies anew. Istio writes some mesh settings into a pod when it injects the proxy, such as `defaultConfig` (PROXY_CONFIG
 * in manifests/charts/istio-control/istio-discovery/files/injection-template.yaml), and a proxy gets the certificate of its trust
 * domain when it starts.
 */

import { together } from '../../../base/wait.ts';
import { keyOf, listObjects, patchObject } from '../../../kube/objects.ts';
import type { Pod } from '../../../kube/workloads.ts';
import type { ObjectKey } from '../../target.ts';
import type { Clients } from '../client-for.ts';
import { isPodOf, waitForEndpoints } from '../endpoints.ts';
import { hasProxy } from '../survey-mesh.ts';

/**
 * Gives every Deployment whose pods have a proxy new pods, as `kubectl rollout restart` does, and returns when these are ready
 * and are the endpoints of their Services. Pods that no Deployment owns stay as they are.
 *
 * @throws HarnessError E_NOT_READY that says what is missing
 */
export async function restartProxies(clients: Clients, signal: AbortSignal): Promise<void> {
  const { data } = clients;
  const [deployments, pods] = await Promise.all([
    listObjects(data, { apiVersion: 'apps/v1', kind: 'Deployment' }, signal),
    listObjects(data, { apiVersion: 'v1', kind: 'Pod' }, signal),
  ]);
  const withProxy = (pods as Pod[]).filter(hasProxy).map(({ metadata }) => metadata);
  const concerned = deployments
    .filter(({ metadata: { name, namespace } }) =>
      withProxy.some((pod) => pod.namespace === namespace && isPodOf(pod.name, name)),
    )
    .map((each) => keyOf({ ...each, apiVersion: 'apps/v1', kind: 'Deployment' }));
  const annotations = { 'jwt-e2e/restarted-at': new Date().toISOString() };
  const patch = { spec: { template: { metadata: { annotations } } } };
  await together(concerned, (key: ObjectKey, own) => patchObject(data, key, patch, own), signal);
  await waitForEndpoints(clients, concerned, signal);
}
