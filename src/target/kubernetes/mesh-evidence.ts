/** What explains an answer: the filters of each proxy, access log lines of the request, what istiod says of keys. */

import { limits, sizeText } from '../../base/files/limits.ts';
import { listPods, podLog } from '../../kube/workloads.ts';
import type { EvidenceFile, EvidenceQuery } from '../target.ts';
import type { Clients } from './client-for.ts';
import { adminGet, listenersPath } from './proxy-admin.ts';
import { proxyContainer } from './survey-mesh.ts';

const filters = /envoy\.filters\.http\.(jwt_authn|rbac)/;

/** Collects what can be had; what cannot is replaced by the reason, so that one failure does not hide the rest. */
export async function collectEvidence(
  clients: Clients,
  istioNamespace: string,
  { proxies, requestId, since }: EvidenceQuery,
  signal: AbortSignal,
): Promise<EvidenceFile[]> {
  const files: Promise<EvidenceFile>[] = [];
  for (const proxy of proxies) {
    files.push(
      evidenceFile(`proxy-filters-${proxy.namespace}-${proxy.pod}.json`, async () =>
        filterDump(await adminGet(clients, proxy, listenersPath(proxy), signal)),
      ),
      evidenceFile(`access-log-${proxy.namespace}-${proxy.pod}.txt`, async () => {
        const log = await podLog(
          clients.data,
          {
            namespace: proxy.namespace,
            pod: proxy.pod,
            container: proxyContainer,
            since: since - 1000,
          },
          signal,
        );
        const lines = log.split('\n').filter((line) => isAbout(line, requestId));
        const found = lines.length > 0 ? lines.join('\n') : `no line for ${requestId}`;
        return `${found}${cutNote([log])}`;
      }),
    );
  }
  files.push(evidenceFile('istiod-jwks.txt', () => istiodLines(clients, istioNamespace, since, signal)));
  return Promise.all(files);
}

/**
 * Whether a line of an access log is about this request; of all requests when the id is empty. Ids end with a number, of
 * which others may be longer.
 */
export function isAbout(line: string, requestId: string): boolean {
  const at = line.indexOf(requestId);
  return at !== -1 && (requestId === '' || !/\d/.test(line[at + requestId.length] ?? ''));
}

/** A file of evidence; what cannot be had is replaced by the reason. */
export async function evidenceFile(name: string, read: () => Promise<string>): Promise<EvidenceFile> {
  try {
    return { name, content: await read() };
  } catch (thrown) {
    return { name, content: `could not be read: ${(thrown as Error).message}` };
  }
}

/** The jwt_authn and rbac filters out of a dump of listeners, without repetition. */
export function filterDump(text: string): string {
  const found = new Map<string, unknown>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(visit);
    else if (typeof node === 'object' && node !== null) {
      const { name } = node as { name?: unknown };
      if (typeof name === 'string' && filters.test(name)) found.set(JSON.stringify(node), node);
      else Object.values(node).forEach(visit);
    }
  };
  visit(JSON.parse(text));
  return JSON.stringify([...found.values()], undefined, 2);
}

async function istiodLines(
  clients: Clients,
  namespace: string,
  since: number,
  signal: AbortSignal,
): Promise<string> {
  const pods = await listPods(clients.data, namespace, { app: 'istiod' }, signal);
  const logs = await Promise.all(
    pods.map((pod) =>
      podLog(
        clients.data,
        { namespace, pod: pod.metadata.name, container: 'discovery', since: since - 1000 },
        signal,
      ),
    ),
  );
  return `${jwksLines(logs.flatMap((log) => log.split('\n')))}${cutNote(logs)}`;
}

/** A line behind what was found in logs of which one was too long to be read to its end. */
function cutNote(logs: readonly string[]): string {
  const isCut = logs.some((log) => Buffer.byteLength(log) >= limits.log);
  return isCut ? `\n(of a log, only the first ${sizeText(limits.log)} since then were read)` : '';
}

/** What of istiod's log is about keys. */
export function jwksLines(log: readonly string[]): string {
  const lines = log.filter((line) => /jwks|jwt|public key/i.test(line));
  return lines.length > 0 ? lines.join('\n') : 'istiod logged nothing about keys in this time';
}
