/** Who asked a server in the mesh for keys, by the logs of its workloads, which are written in this process. */
import { parseAccessLog } from '../../../jwks/access-log.ts';
import { incomplete } from '../../kubernetes/pod-fetches.ts';
import type { FetchLogEntry, LogPosition, PodLogs } from '../../target.ts';
import { type LogLine, longestLog } from './workload.ts';

/** What is needed of a workload. */
interface Logging {
  readonly identity: {
    readonly namespace: string;
    readonly name: string;
    readonly spec: { readonly labels: Readonly<Record<string, string>> };
  };
  readonly logs: ReadonlyMap<string, readonly LogLine[]>;
}

/** {@link LogPosition} as JSON: the number of the last line by the name of the workload. */
type Ends = Readonly<Record<string, number>>;

export function logEndOf(workloads: readonly Logging[], pods: PodLogs): LogPosition {
  const ends = selected(workloads, pods).map(({ identity, logs }) => [
    identity.name,
    logs.get(pods.app)?.at(-1)?.number ?? 0,
  ]);
  return JSON.stringify(Object.fromEntries(ends) satisfies Ends);
}

/** @throws HarnessError E_UNPROVEN when lines are not there any more */
export function fetchesAfter(
  workloads: readonly Logging[],
  pods: PodLogs,
  path: string,
  after: LogPosition,
): FetchLogEntry[] {
  const ends = JSON.parse(after) as Ends;
  const found = selected(workloads, pods);
  const gone = Object.keys(ends).find((name) => !found.some(({ identity }) => identity.name === name));
  if (gone !== undefined) throw incomplete(pods, gone, 'it is gone, and its log with it');
  return found.flatMap(({ identity, logs }) => {
    const end = ends[identity.name] ?? 0;
    const lines = logs.get(pods.app) ?? [];
    if (lines.length === longestLog && (lines[0]?.number ?? 0) > end + 1) {
      throw incomplete(pods, identity.name, 'a part of its log is gone');
    }
    const text = lines
      .filter(({ number }) => number > end)
      .map(({ at, line }) => `${new Date(at).toISOString()} ${line}`);
    return parseAccessLog(text.join('\n'), path);
  });
}

function selected(workloads: readonly Logging[], { namespace, app }: PodLogs): Logging[] {
  return workloads.filter(
    ({ identity }) => identity.namespace === namespace && identity.spec.labels.app === app,
  );
}
