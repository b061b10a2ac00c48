/** What explains an answer: the filters of each proxy, access log lines of the request, what istiod says of keys. */

import { evidenceFile, filterDump, isAbout, jwksLines } from '../kubernetes/mesh-evidence.ts';
import type { EvidenceFile, EvidenceQuery } from '../target.ts';
import { listenersPath } from './envoy/envoy.ts';
import type { LocalMesh } from './local-mesh.ts';

export async function collectEvidence(
  mesh: LocalMesh,
  { proxies, requestId, since }: EvidenceQuery,
  signal: AbortSignal,
): Promise<EvidenceFile[]> {
  const files = proxies.flatMap((proxy) => {
    const name = `${proxy.namespace}-${proxy.pod}`;
    const envoy = mesh.envoyOf(proxy.namespace, proxy.pod);
    if (envoy === undefined) return [];
    return [
      evidenceFile(`proxy-filters-${name}.json`, async () =>
        filterDump(await envoy.get(listenersPath, signal)),
      ),
      evidenceFile(`access-log-${name}.txt`, async () => {
        const lines = envoy.part
          .log()
          .split('\n')
          .filter((line) => isAbout(line, requestId));
        return lines.length > 0 ? lines.join('\n') : `no line for ${requestId}`;
      }),
    ];
  });
  const istiod = evidenceFile('istiod-jwks.txt', async () => jwksLines(linesSince(mesh.istiodLog, since)));
  return Promise.all([...files, istiod]);
}

/** Lines that are not older than a second before this time; istiod begins each with it. */
function linesSince(log: string, time: number): string[] {
  return log.split('\n').filter((line) => {
    const at = Date.parse(line.split('\t')[0] ?? '');
    return !Number.isNaN(at) && at >= time - 1000;
  });
}
