/** Removes what a run has made when its process is killed, even by SIGKILL, or ends in the middle of cleaning up. */
import { Guardian } from '../local/processes/guardian.ts';
import type { KindSettings } from './kind-settings.ts';

/** The next command may use the same name and have the lock for a moment, so it is tried again. */
const script = `
cd /
docker=$1 label=$2
shift 2
ids=$("$docker" ps -aq --filter "label=$label")
[ -z "$ids" ] || "$docker" rm -f -v $ids
[ $# = 0 ] || for again in 1 2 3 4 5; do "$@" && break; sleep 2; done
`;

/**
 * Key servers are removed by the label of the run. A cluster is removed by this tool itself, with all that it knows of
 * clusters that were not made to their end.
 *
 * @param label of the key servers of the run
 * @param withCluster whether the cluster goes, too
 */
export function guardRun(
  { name, programs, down }: KindSettings,
  label: string,
  withCluster: boolean,
): Guardian {
  const { docker, kind } = programs;
  const command = [...down, '--target', 'kind', `--name=${name}`, '--docker', docker, '--kind', kind];
  return new Guardian({ script, args: [docker, label, ...(withCluster ? command : [])] });
}
