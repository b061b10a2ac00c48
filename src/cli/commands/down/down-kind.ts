/** Deletes a kind cluster with everything that belongs to it. */

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
    const what = existed ? `deleted kind cluster "${name}"` : `there is no kind cluster "${name}"`;
    return `${what}${containers > 0 ? `, and ${containers} key servers` : ''}`;
  } finally {
    lock.release();
  }
}
