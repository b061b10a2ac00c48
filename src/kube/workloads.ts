/** Pods and what owns them: waiting until they are ready, reading their logs. */
import { HarnessError } from '../base/errors.ts';
import { limits } from '../base/files/limits.ts';
import { nameOfKey } from '../base/names.ts';
import { timeouts } from '../base/timeouts.ts';
import { together, until } from '../base/wait.ts';
import type { KubeObject, ObjectKey } from '../target/target.ts';
import { deploymentOf, isGateway, isItsOwn, serviceReady } from './gateways.ts';
import type { KubeClient } from './kube-client.ts';
import { KubeError } from './kube-error.ts';
import { getObject, keyOf, listObjects } from './objects.ts';

export interface Pod extends KubeObject {
  spec: {
    containers: { name: string; image: string }[];
    initContainers?: { name: string }[];
    serviceAccountName?: string;
    volumes?: unknown[];
    shareProcessNamespace?: boolean;
  };
  status?: {
    phase?: string;
    podIP?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}
interface ContainerStatus {
  name: string;
  ready: boolean;
  restartCount?: number;
  state?: { waiting?: { reason?: string; message?: string }; running?: unknown };
}

/** Pods with these labels that are not being deleted, in one namespace or in all. */
export async function listPods(
  client: KubeClient,
  namespace: string | undefined,
  labels: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Pod[]> {
  const labelSelector = Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
  const pods = await listObjects(client, { apiVersion: 'v1', kind: 'Pod', namespace, labelSelector }, signal);
  return (pods as Pod[]).filter((pod) => pod.metadata.deletionTimestamp === undefined);
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false;
}

/**
 * Waits until every Deployment among the objects, and every one that istiod makes of a Gateway among them, runs its
 * current generation and nothing of an older one. One that sets progressDeadlineSeconds is given up after that time, and
 * one whose image can never be had at once.
 *
 * @param intervalMs between two looks at it
 * @throws HarnessError E_NOT_READY that names what a pod waits for, such as ErrImagePull.
 */
export async function waitUntilReady(
  client: KubeClient,
  objects: readonly KubeObject[],
  signal: AbortSignal,
  timeoutMs: number = timeouts.workloads,
  intervalMs = 100,
): Promise<void> {
  const options = { timeoutMs, intervalMs, code: 'E_NOT_READY' } as const;
  await together(
    objects.filter((object) => object.kind === 'Deployment' || isGateway(object)),
    (object, own) =>
      until(
        `${nameOfKey(keyOf(object))} becoming ready`,
        () =>
          isGateway(object) ? gatewayReady(client, object, own) : deploymentReady(client, keyOf(object), own),
        { ...options, signal: own, hint: lookAt(object) },
      ),
    signal,
  );
}

/** istiod has deployed what it deploys for the Gateway. */
async function gatewayReady(
  client: KubeClient,
  gateway: KubeObject,
  signal: AbortSignal,
): Promise<true | string> {
  const key = await deploymentOf(client, gateway, signal);
  if (key === undefined) return true;
  const own = await isItsOwn(client, gateway, key, signal);
  if (own !== true) return own;
  const deployment = await deploymentReady(client, key, signal);
  if (deployment !== true) return `${nameOfKey(key)}, which istiod makes for it: ${deployment}`;
  return serviceReady(client, gateway, key, signal);
}

async function deploymentReady(
  client: KubeClient,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<true | string> {
  const live = await getObject(client, key, signal);
  if (live === undefined) return 'it does not exist';
  const status = (live.status ?? {}) as Record<string, number | undefined>;
  const { replicas: wanted = 1, selector } = (live.spec ?? {}) as {
    replicas?: number;
    selector?: { matchLabels?: Record<string, string> };
  };
  const current = (status.observedGeneration ?? 0) >= (live.metadata.generation ?? 0);
  // Nothing of an older generation; zero is left out of the status.
  const only = current && (status.updatedReplicas ?? 0) === wanted && (status.replicas ?? 0) === wanted;
  if (only && (status.availableReplicas ?? 0) === wanted) return true;
  const labels = selector?.matchLabels ?? {};
  const pods = await listPods(client, live.metadata.namespace ?? 'default', labels, signal);
  const containers = pods
    .flatMap((pod) => [
      ...(pod.status?.initContainerStatuses ?? []),
      ...(pod.status?.containerStatuses ?? []),
    ])
    .map((container) => ({ name: container.name, ...container.state?.waiting }))
    .filter(
      (each) => each.reason !== undefined && !/^(ContainerCreating|PodInitializing)$/.test(each.reason),
    );
  const waiting = containers.map((each) =>
    `container ${each.name}: ${each.reason} ${each.message ?? ''}`.trim(),
  );
  const missing =
    waiting.join('; ') || `${status.availableReplicas ?? 0} of ${wanted} replicas are available`;
  if (current && hasGivenUp(live)) {
    throw new HarnessError(
      'E_NOT_READY',
      `${nameOfKey(keyOf(live))} did not become ready within its progressDeadlineSeconds: ${missing}`,
      { hint: lookAt(live) },
    );
  }
  if (only && containers.some(({ reason = '' }) => isFinal.test(reason))) {
    throw new HarnessError('E_NOT_READY', `${nameOfKey(keyOf(live))} cannot become ready: ${missing}`, {
      hint: lookAt(live),
    });
  }
  return missing;
}

/** What a kubelet waits for in vain (pkg/kubelet/images/types.go). */
const isFinal = /^(ErrImageNeverPull|InvalidImageName)$/;

/** https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#failed-deployment */
function hasGivenUp(deployment: KubeObject): boolean {
  const { conditions = [] } = (deployment.status ?? {}) as {
    conditions?: { type: string; reason: string }[];
  };
  return conditions.some(
    ({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded',
  );
}

function lookAt({ kind, metadata: { name, namespace = 'default' } }: KubeObject): string {
  return `Look at it with: kubectl describe ${kind.toLowerCase()} -n ${namespace} ${name}`;
}

interface LogQuery {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** When it is to begin, milliseconds since the epoch by the clock of this machine. */
  readonly since?: number;
  /** How many lines from its end. */
  readonly tailLines?: number;
  /** Each line with the time of the node in front. */
  readonly timestamps?: boolean;
  /** Of the container before its last restart. */
  readonly previous?: boolean;
}

/** Log lines of a container, each as it was written, up to `limits.log`. Empty when the container is not there. */
export async function podLog(client: KubeClient, query: LogQuery, signal: AbortSignal): Promise<string> {
  try {
    return await readPodLog(client, query, signal);
  } catch (thrown) {
    if (thrown instanceof KubeError && [400, 404].includes(thrown.status)) return '';
    throw thrown;
  }
}

/** As {@link podLog}. @throws KubeError also when the container is not there (404), or has not started yet (400) */
export async function readPodLog(client: KubeClient, query: LogQuery, signal: AbortSignal): Promise<string> {
  const { namespace, pod, since, ...rest } = query;
  // An age, and no time: the clock of the node may be another.
  const sinceSeconds = since === undefined ? undefined : Math.max(1, Math.ceil((Date.now() - since) / 1000));
  const { body } = await client.request(`/api/v1/namespaces/${namespace}/pods/${pod}/log`, {
    query: { ...rest, sinceSeconds, limitBytes: limits.log },
    raw: true,
    signal,
  });
  return body as string;
}
