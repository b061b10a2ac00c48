/**
 * Pods and the Services in front of them, once the cluster's controllers have caught up with what was changed. istiod learns
 * of pods from EndpointSlices: a marker that overtakes them proves nothing about who answers.
 */

import { nameOfKey } from '../../base/names.ts';
import { timeouts } from '../../base/timeouts.ts';
import { together, until } from '../../base/wait.ts';
import { isGateway } from '../../kube/gateways.ts';
import { getObject, listObjects } from '../../kube/objects.ts';
import { isReady, listPods, type Pod, waitUntilReady } from '../../kube/workloads.ts';
import { managedLabel } from '../../policy/injected-proxy.ts';
import { gatewayNameLabel } from '../../policy/selection.ts';
import type { KubeObject, ObjectKey } from '../target.ts';
import type { Clients } from './client-for.ts';
import { listVisible } from './undo/sweep.ts';

/** A change to one of these may change which pods are behind a Service. */
const workloadKinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Pod', 'Service'];

/** Those of the objects that decide which pods are behind a Service; a Gateway of the Gateway API brings both. */
export function workloadsAmong(keys: readonly ObjectKey[]): ObjectKey[] {
  return keys.filter(
    ({ apiVersion, kind }) => workloadKinds.includes(kind) || isGateway({ apiVersion, kind }),
  );
}

/** Whether a pod is one of the Deployment's, which are called DEPLOYMENT-HASH-RANDOM. */
export function isPodOf(pod: string, deployment: string): boolean {
  return pod.startsWith(`${deployment}-`) && /^[a-z0-9]+-[a-z0-9]+$/.test(pod.slice(deployment.length + 1));
}

/**
 * Waits until Deployments run what they declare, the pods of deleted ones are leaving, and every Service of the same
 * namespaces has its ready pods as endpoints, and no others.
 *
 * @param changed what was applied, deleted or put back
 * @throws HarnessError E_NOT_READY that says what is missing
 */
export async function waitForEndpoints(
  clients: Pick<Clients, 'data'>,
  changed: readonly ObjectKey[],
  signal: AbortSignal,
  intervalMs = 100,
  timeoutMs: number = timeouts.endpoints,
): Promise<void> {
  const { data } = clients;
  const deployments = changed.filter(({ kind }) => kind === 'Deployment');
  const live = await together(deployments, (key, own) => getObject(data, key, own), signal);
  await waitUntilReady(
    data,
    live.filter((each) => each !== undefined),
    signal,
    timeouts.workloads,
    intervalMs,
  );
  const gone = deployments.filter((_, index) => live[index] === undefined);
  await waitForDeployed(clients, changed, signal, intervalMs, timeoutMs);
  const namespaces = new Set(changed.map(({ namespace = 'default' }) => namespace));
  await together(
    [...namespaces],
    (namespace, own) =>
      until(
        `the Services of namespace ${namespace} having their pods as endpoints`,
        async () => {
          const list = (apiVersion: string, kind: string) => ({ apiVersion, kind, namespace });
          let mayRead = true;
          const [pods, services, slices] = await Promise.all([
            listObjects(data, list('v1', 'Pod'), own),
            listVisible(data, list('v1', 'Service'), own),
            listVisible(data, list('discovery.k8s.io/v1', 'EndpointSlice'), own, {
              hidden: () => {
                mayRead = false;
              },
            }),
          ]);
          const staying = (pods as Pod[]).filter((pod) => !isLeaving(pod));
          const deleted = gone.filter((key) => (key.namespace ?? 'default') === namespace);
          return (
            leftBehind(staying, deleted) ??
            (mayRead ? services.map((each) => notYet(each, staying, slices)).find(Boolean) : undefined) ??
            true
          );
        },
        { timeoutMs, intervalMs, code: 'E_NOT_READY', signal: own },
      ),
    signal,
  );
}

/**
 * Waits until the pods that istiod had made for Gateways of the Gateway API that are gone are leaving: the garbage collector
 * ends them some time after.
 *
 * @param changed what was applied, deleted or put back
 * @throws HarnessError E_NOT_READY that says which is still there
 */
export async function waitForDeployed(
  { data }: Pick<Clients, 'data'>,
  changed: readonly ObjectKey[],
  signal: AbortSignal,
  intervalMs = 100,
  timeoutMs: number = timeouts.endpoints,
): Promise<void> {
  await together(
    changed.filter(isGateway),
    (key, own) =>
      until(
        `what was deployed for ${nameOfKey(key)} being gone with it`,
        async () => {
          if ((await getObject(data, key, own)) !== undefined) return true;
          const { name, namespace = 'default' } = key;
          const pods = await listPods(data, namespace, { [gatewayNameLabel]: name }, own);
          const [left] = pods.filter((pod) => pod.metadata.labels?.[managedLabel] !== undefined);
          return left === undefined || `pod ${left.metadata.name} is still there`;
        },
        { timeoutMs, intervalMs, code: 'E_NOT_READY', signal: own },
      ),
    signal,
  );
}

/** Being deleted, or ended: it is no endpoint any more. */
function isLeaving({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined || ['Succeeded', 'Failed'].includes(status?.phase ?? '');
}

/** A pod of a Deployment that is gone, before the controllers have come to delete it too. */
function leftBehind(pods: readonly Pod[], gone: readonly ObjectKey[]): string | undefined {
  for (const deployment of gone) {
    const pod = pods.find(({ metadata: { name } }) => isPodOf(name, deployment.name));
    if (pod !== undefined)
      return `pod ${pod.metadata.name} of ${nameOfKey(deployment)}, which was deleted, is still there`;
  }
  return undefined;
}

interface EndpointSlice extends KubeObject {
  readonly endpoints?:
    | readonly {
        readonly conditions?: { readonly ready?: boolean };
        readonly targetRef?: { readonly kind?: string; readonly name?: string };
      }[]
    | null;
}

/** What the EndpointSlices of a Service do not have yet, or still have. */
function notYet(service: KubeObject, pods: readonly Pod[], all: readonly KubeObject[]): string | undefined {
  const { selector, publishNotReadyAddresses, type } = service.spec as {
    selector?: Readonly<Record<string, string>>;
    publishNotReadyAddresses?: boolean;
    type?: string;
  };
  const labels = Object.entries(selector ?? {});
  // Without a selector somebody else makes the endpoints; an ExternalName ignores its own.
  if (labels.length === 0 || publishNotReadyAddresses === true || type === 'ExternalName') return undefined;
  const { name } = service.metadata;
  const slices = all.filter(
    ({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name,
  ) as EndpointSlice[];
  const listed = new Set(
    slices
      .flatMap(({ endpoints }) => endpoints ?? [])
      // "nil should be interpreted as ready" (EndpointConditions, discovery.k8s.io/v1).
      .filter(({ conditions, targetRef }) => conditions?.ready !== false && targetRef?.kind === 'Pod')
      .map(({ targetRef }) => targetRef?.name),
  );
  const ready = new Set(
    pods
      .filter((pod) => isReady(pod) && labels.every(([key, value]) => pod.metadata.labels?.[key] === value))
      .map((pod) => pod.metadata.name),
  );
  const late = [...ready].find((pod) => !listed.has(pod));
  if (late !== undefined) return `Service ${name} does not have the ready pod ${late} yet`;
  const left = [...listed].find((pod) => pod !== undefined && !ready.has(pod));
  return left === undefined ? undefined : `Service ${name} still has the pod ${left}`;
}
