/** Deletes a kind cluster with everything that belongs to it. */

import { plural } from '../../../report/text.ts';
import { Engine } from '../../../target/kind/container-engine.ts';
import { KindCluster } from '../../../target/kind/kind-cluster.ts';
import type { KindSettings } from '../../../target/kind/kind-settings.ts';
import { keyServerLabel } from '../../../target/kind/kind-target.ts';
import { ClusterLock } from '../../../target/kind/lock.ts';

/** @returns a line that says what was there. @throws HarnessError E_CLUSTER, also when a run uses the cluster */
export async function deleteKind(
  { docker, kind }: Pick<KindSettings['programs'], 'docker' | 'kind'>,
  name: string,
  signal: AbortSignal,
): Promise<string> {
  const cluster = new KindCluster(kind, name);
  const lock = new ClusterLock(cluster.path('lock'), `kind cluster "${name}"`);
  lock.take();
  try {
    const containers = await new Engine(docker).removeByLabel(`${keyServerLabel}=${name}`, signal);
    const existed = await cluster.exists(signal);
    await cluster.delete(signal);
    if (!existed)
      return containers > 0 ? removedServers(containers, name) : `there is no kind cluster "${name}"`;
    return `deleted kind cluster "${name}"${containers > 0 ? `, and ${plural(containers, 'key server')}` : ''}`;
  } finally {
    lock.release();
  }
}

/** What is told of key servers that have outlived their cluster. */
export function removedServers(count: number, name: string): string {
  return `removed ${plural(count, 'key server')} of kind cluster "${name}", which is gone`;
}
