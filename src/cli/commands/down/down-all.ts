/**
 * `jwt-e2e down --all`: removes every mesh that this user has on this machine, whatever its name. Clusters are known by the
 * folder for state: kind gives their containers no label of ours. So a cluster that is not this tool's is never deleted.
 */
import { asHarnessError, exitCodes, HarnessError } from '../../../base/errors.ts';
import { stateFolder } from '../../../base/files/state-folder.ts';
import { versionsFile } from '../../../engine/product.ts';
import { kindPrograms } from '../../../engine/targets/make-kind.ts';
import { loadVersions } from '../../../programs/versions.ts';
import type { Values } from '../../../settings/settings.ts';
import { dockerProgram, wantedTarget } from '../../../settings/typed.ts';
import { Engine } from '../../../target/kind/container-engine.ts';
import { KindCluster, knownClusters } from '../../../target/kind/kind-cluster.ts';
import { keyServerLabel } from '../../../target/kind/kind-target.ts';
import { endKept, keptMeshes } from '../../../target/local/host/kept.ts';
import type { Io } from '../../support/io.ts';
import { deleteKind, removedServers } from './down-kind.ts';

/** Removes something, and returns a line about it; undefined when it was not there. */
type Removal = () => Promise<string | undefined>;

/** Goes on when something cannot be removed. @throws HarnessError E_USAGE with --target cluster */
export async function downAll(values: Values, io: Io, signal: AbortSignal): Promise<number> {
  const target = wantedTarget(values);
  if (target === 'cluster') {
    throw new HarnessError('E_USAGE', '--all is about the meshes of this machine, --target cluster is not', {
      hint: 'Leave out one of the two.',
    });
  }
  let exitCode: number = exitCodes.passed;
  let told = 0;
  const doAll = async (list: () => Promise<readonly Removal[]>) => {
    const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await work();
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        const { message, code, hint } = asHarnessError(thrown);
        io.stderr.write(`${message} (${code})\n${hint === undefined ? '' : `  ${hint}\n`}`);
        exitCode = exitCodes.noVerdict;
        told++;
        return undefined;
      }
    };
    for (const removal of (await attempt(list)) ?? []) {
      const line = await attempt(removal);
      if (line === undefined) continue;
      io.stdout.write(`${line}\n`);
      told++;
    }
  };
  if (target !== 'kind') await doAll(async () => keptMeshes().map((name) => localRemoval(name, signal)));
  if (target !== 'local') await doAll(() => kindRemovals(values, signal));
  if (told === 0) io.stdout.write('there is nothing of istio-jwt-e2e on this machine\n');
  return exitCode;
}

function localRemoval(name: string, signal: AbortSignal): Removal {
  return async () => ((await endKept(name, signal)) ? `ended local mesh "${name}"` : undefined);
}

async function kindRemovals(values: Values, signal: AbortSignal): Promise<Removal[]> {
  const known = knownClusters();
  const engine = new Engine(dockerProgram(values));
  const strays = (await namesOnKeyServers(engine, known.length > 0, signal)).filter(
    (name) => !known.includes(name),
  );
  if (known.length + strays.length === 0) return [];
  const versions = loadVersions(versionsFile);
  const request = { values, versions, progress: () => {}, signal };
  const programs = await kindPrograms(request, versions.istio.default);
  return [
    ...known.map((name) => () => deleteKind(programs, name, signal)),
    ...strays.map((name) => async () => {
      if (await new KindCluster(programs.kind, name).exists(signal)) {
        return `left kind cluster "${name}": it is not known in ${stateFolder()}; delete it with "jwt-e2e down --name ${name}"`;
      }
      const count = await engine.removeByLabel(`${keyServerLabel}=${name}`, signal);
      return removedServers(count, name);
    }),
  ];
}

/** Names of the clusters that key servers are for. @param needed whether there must be an engine that can be asked */
async function namesOnKeyServers(engine: Engine, needed: boolean, signal: AbortSignal): Promise<string[]> {
  try {
    return await engine.valuesOfLabel(keyServerLabel, signal);
  } catch (thrown) {
    if (needed || signal.aborted) throw thrown;
    return [];
  }
}
