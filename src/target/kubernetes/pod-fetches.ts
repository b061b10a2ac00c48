/**
 * Who asked a server in the cluster for keys, by the logs of its pods. A log is read from where it ended before, and not
 * from a time: clocks of nodes differ from ours.
 */
import { randomUUID } from 'node:crypto';
import { HarnessError } from '../../base/errors.ts';
import { limits, sizeText } from '../../base/files/limits.ts';
import { timeouts } from '../../base/timeouts.ts';
import { pause, until } from '../../base/wait.ts';
import { parseAccessLog } from '../../jwks/access-log.ts';
import { exec } from '../../kube/exec.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { listObjects } from '../../kube/objects.ts';
import { type Pod, readPodLog } from '../../kube/workloads.ts';
import type { FetchLogEntry, LogPosition, PodLogs } from '../target.ts';

/** Where the log of a pod ended. */
interface PodEnd {
  readonly name: string;
  /** Of the container: each restart begins a log. */
  readonly restarts: number;
  /** Its last line, with the time of the node in front; empty when there was none. */
  readonly line: string;
  /** It was being deleted already, so that no Service leads to it. */
  readonly leaving: boolean;
}

/** {@link LogPosition} of the pods: JSON of their ends by uid. */
type Ends = Readonly<Record<string, PodEnd>>;

export async function podLogEnd(
  client: KubeClient,
  pods: PodLogs,
  signal: AbortSignal,
): Promise<LogPosition> {
  const ends = (await listAll(client, pods, signal)).map(async (pod): Promise<[string, PodEnd]> => {
    const log = await read(client, pod, pods, { tailLines: 1 }, signal);
    const { name } = pod.metadata;
    const line = log.trimEnd();
    return [uidOf(pod), { name, restarts: restartsOf(pod, pods), line, leaving: isLeaving(pod) }];
  });
  return JSON.stringify(Object.fromEntries(await Promise.all(ends)) satisfies Ends);
}

/** @throws HarnessError E_UNPROVEN when a part of the logs cannot be read any more */
export async function podFetches(
  client: KubeClient,
  pods: PodLogs,
  path: string,
  after: LogPosition,
  signal: AbortSignal,
): Promise<FetchLogEntry[]> {
  const ends = JSON.parse(after) as Ends;
  const running = (await listAll(client, pods, signal)).filter((pod) => isRunning(pod, pods));
  await Promise.all(running.map((pod) => writtenSoFar(client, pod, pods, signal)));
  const there = await listAll(client, pods, signal);
  const uids = new Set(there.map(uidOf));
  const gone = Object.entries(ends).find(([uid, { leaving }]) => !leaving && !uids.has(uid));
  if (gone !== undefined) throw incomplete(pods, gone[1].name, 'it is gone, and its log with it');
  const logs = await Promise.all(there.map((pod) => linesAfter(client, pod, pods, ends, signal)));
  return logs.flat().flatMap((line) => parseAccessLog(line, path));
}

async function listAll(client: KubeClient, pods: PodLogs, signal: AbortSignal): Promise<Pod[]> {
  const { namespace, app } = pods;
  const query = { apiVersion: 'v1', kind: 'Pod', namespace, labelSelector: `app=${app}` };
  return (await listObjects(client, query, signal)) as Pod[];
}

/** Another pod may have the same name later. */
const uidOf = ({ metadata }: Pod) => metadata.uid ?? metadata.name;

const isLeaving = ({ metadata }: Pod) => metadata.deletionTimestamp !== undefined;

const containerOf = (pod: Pod, { app }: PodLogs) =>
  pod.status?.containerStatuses?.find(({ name }) => name === app);

const restartsOf = (pod: Pod, pods: PodLogs) => containerOf(pod, pods)?.restartCount ?? 0;

const isRunning = (pod: Pod, pods: PodLogs) =>
  !isLeaving(pod) && containerOf(pod, pods)?.state?.running !== undefined;

/**
 * The log, each line with the time of the node in front; empty as long as the container has not started.
 *
 * @throws HarnessError E_UNPROVEN when it is too long to be read
 */
async function read(
  client: KubeClient,
  pod: Pod,
  pods: PodLogs,
  more: { tailLines?: number; previous?: boolean },
  signal: AbortSignal,
): Promise<string> {
  const { namespace, app } = pods;
  const { name } = pod.metadata;
  const query = { namespace, pod: name, container: app, timestamps: true, ...more };
  try {
    const log = await readPodLog(client, query, signal);
    if (Buffer.byteLength(log) < limits.log) return log;
    throw incomplete(pods, name, `its log has more than ${sizeText(limits.log)}`);
  } catch (thrown) {
    if (thrown instanceof KubeError && thrown.status === 400 && more.previous !== true) return '';
    throw thrown;
  }
}

/**
 * Returns once the log has everything that was written until now. A line of our own is written behind it, and waited for;
 * where that cannot be, what is usual is waited.
 */
async function writtenSoFar(client: KubeClient, pod: Pod, pods: PodLogs, signal: AbortSignal): Promise<void> {
  const { namespace, app } = pods;
  const { name } = pod.metadata;
  const mark = `jwt-e2e ${randomUUID()}`;
  if (!(await write(client, pod, pods, mark, signal))) {
    await pause(timeouts.podLogUsual, signal);
    return;
  }
  await until(
    `a line that was written to the log of pod ${namespace}/${name}, container ${app}, being read there`,
    async () =>
      (await read(client, pod, pods, { tailLines: 1000 }, signal)).includes(mark) || 'it is not there',
    { timeoutMs: timeouts.podLog, intervalMs: 50, signal, code: 'E_UNPROVEN' },
  );
}

/** Writes a line to the standard output of the container; false when that cannot be done. */
async function write(
  client: KubeClient,
  pod: Pod,
  { namespace, app }: PodLogs,
  line: string,
  signal: AbortSignal,
): Promise<boolean> {
  // Process 1 is another container then.
  if (pod.spec.shareProcessNamespace === true) return false;
  const target = { namespace, pod: pod.metadata.name, container: app };
  const command = ['sh', '-c', `echo '${line}' > /proc/1/fd/1`];
  try {
    const { exitCode } = await exec(client, target, command, { signal, timeoutMs: timeouts.podLog });
    return exitCode === 0;
  } catch (thrown) {
    if (thrown instanceof HarnessError && thrown.code === 'E_EXEC') return false;
    throw thrown;
  }
}

/** What was logged since the position, by every container that there has been in the pod since. */
async function linesAfter(
  client: KubeClient,
  pod: Pod,
  pods: PodLogs,
  ends: Ends,
  signal: AbortSignal,
): Promise<string[]> {
  const { name } = pod.metadata;
  const { restarts: from, line } = ends[uidOf(pod)] ?? { restarts: 0, line: '' };
  const now = restartsOf(pod, pods);
  // No more than one is kept.
  if (now > from + 1) throw incomplete(pods, name, `its container was restarted ${now - from} times`);
  try {
    const logs = [
      ...(now > from ? [await read(client, pod, pods, { previous: true }, signal)] : []),
      await read(client, pod, pods, {}, signal),
    ];
    const lines = logs.join('\n').split('\n');
    const at = line === '' ? -1 : lines.lastIndexOf(line);
    if (line === '' || at >= 0) return lines.slice(at + 1);
  } catch (thrown) {
    if (!(thrown instanceof KubeError && [400, 404].includes(thrown.status))) throw thrown;
  }
  throw incomplete(pods, name, 'a part of its log is gone');
}

/** The error that says that a log is not whole. */
export function incomplete({ namespace }: PodLogs, pod: string, why: string): HarnessError {
  return new HarnessError('E_UNPROVEN', `who asked pod ${namespace}/${pod} for keys is not known: ${why}`, {
    hint: 'Change the pods of a key server in a step of its own, before the one that says who fetched.',
  });
}
