/** Objects that a command reads: from a folder, or from a cluster, of which nothing is changed. */
import { HarnessError } from '../../base/errors.ts';
import { oneLine } from '../../base/harmless.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { type ReadFile, readFolder } from '../../init/read-folder.ts';
import type { Values } from '../../settings/settings.ts';
import { clusterFlags, text } from '../../settings/typed.ts';
import type { Io } from '../support/io.ts';
import { withSignals } from '../support/signals.ts';

export interface PolicySource {
  readonly objects: readonly KubeObject[];
  /** In which they are; undefined for those of a cluster. */
  readonly files?: readonly ReadFile[];
  /** As it is to be named in messages. */
  readonly where: string;
}

/**
 * @param command whose name is in messages
 * @throws HarnessError E_USAGE when it is not said where to read, what reading a cluster throws, E_INTERRUPTED
 */
export async function readPolicySource(command: string, values: Values, io: Io): Promise<PolicySource> {
  const from = text(values, 'from');
  if (from !== undefined) {
    const { files, objects, warnings } = readFolder(from, io.cwd);
    for (const warning of warnings) io.stderr.write(`${oneLine(warning)}\n`);
    return { objects, files, where: from };
  }
  if (clusterFlags(values).length === 0) {
    throw new HarnessError('E_USAGE', `${command} needs to be told where the policies are`, {
      hint: 'Name a folder or file with --from FOLDER, or a cluster with --context NAME or --kubeconfig FILE.',
    });
  }
  // A client of Kubernetes takes a second to load, and files need none.
  const [{ connect }, { readCluster }] = await Promise.all([
    import('../../engine/targets/make-cluster.ts'),
    import('./init-cluster.ts'),
  ]);
  return withSignals(async (signal) => {
    const clients = await connect(values);
    try {
      const objects = await readCluster(clients, text(values, 'namespace'), signal);
      return { objects, where: `context ${clients.mesh.name}` };
    } finally {
      await Promise.all([clients.data.close(), clients.mesh.close()].map((each) => each.catch(() => {})));
    }
  }, 'Nothing was changed.');
}
