/** `jwt-e2e down`: removes a kind cluster and the containers that belong to it. */
import { exitCodes } from '../../errors.ts';
import { loadVersions } from '../../programs/versions.ts';
import type { Values } from '../../settings/settings.ts';
import { text } from '../../settings/typed.ts';
import { KindCluster } from '../../target/kind/cluster.ts';
import { Engine } from '../../target/kind/engine.ts';
import { keyServerLabel } from '../../target/kind/target.ts';
import type { Io } from '../io.ts';
import { versionsFile } from '../product.ts';
import { withSignals } from '../signals.ts';
import { defaultName, kindPrograms } from '../targets.ts';

/** Deletes what is there; that nothing was there is fine. @throws HarnessError E_PROGRAM, E_CLUSTER, E_DOCKER */
export async function downCommand(values: Values, io: Io): Promise<number> {
  const name = text(values, 'name') ?? defaultName;
  return withSignals(async (signal) => {
    const progress = () => {};
    const versions = loadVersions(versionsFile);
    const programs = await kindPrograms({ values, versions, progress, signal }, versions.istio.default);
    const cluster = new KindCluster(programs.kind, name);
    const containers = await new Engine(programs.docker).removeByLabel(`${keyServerLabel}=${name}`, signal);
    const existed = await cluster.exists(signal);
    await cluster.delete(signal);
    const what = existed ? `deleted kind cluster "${name}"` : `there is no kind cluster "${name}"`;
    io.stdout.write(`${what}${containers > 0 ? `, and ${containers} key servers` : ''}\n`);
    return exitCodes.passed;
  }, 'Run the same command again.');
}
