/** `jwt-e2e down`: removes a kind cluster and its containers, or what runs have left on a cluster of others. */
import { exitCodes } from '../../../base/errors.ts';
import type { Unstamped } from '../../../base/events.ts';
import { oneLine } from '../../../base/harmless.ts';
import { versionsFile } from '../../../engine/product.ts';
import { kindPrograms } from '../../../engine/targets/make-kind.ts';
import { loadVersions } from '../../../programs/versions.ts';
import type { Values } from '../../../settings/settings.ts';
import { dockerProgram, flag, meantTarget, meshName } from '../../../settings/typed.ts';
import { Engine } from '../../../target/kind/container-engine.ts';
import { knownClusters, nodeLabel } from '../../../target/kind/kind-cluster.ts';
import { keyServerLabel } from '../../../target/kind/kind-target.ts';
import { endKept, keptMeshes } from '../../../target/local/host/kept.ts';
import type { Io } from '../../support/io.ts';
import { withSignals } from '../../support/signals.ts';
import { downAll } from './down-all.ts';
import { deleteKind } from './down-kind.ts';

/** Deletes what is there; that nothing was there is fine. @throws HarnessError E_PROGRAM, E_CLUSTER, E_DOCKER */
export async function downCommand(values: Values, io: Io): Promise<number> {
  const name = meshName(values);
  return withSignals(async (signal) => {
    if (flag(values, 'all')) return downAll(values, io, signal);
    // Without a cluster that is named, it is about kind: no engine has to be asked for that.
    const target = meantTarget(values);
    if (target === 'cluster') return clearCluster(values, io, signal);
    const ended = target === 'kind' ? [] : await endLocal(name, signal);
    for (const mesh of ended) io.stdout.write(`ended local mesh "${mesh}"\n`);
    // Where there is a local mesh there need not be Docker.
    const isLocal = target === 'local';
    if (isLocal && ended.length === 0) io.stdout.write(`there is no local mesh "${name}"\n`);
    if (isLocal || (ended.length > 0 && target !== 'kind')) return exitCodes.passed;
    const noLocal = target === 'kind' ? 'there is' : `there is no local mesh "${name}", and`;
    const engine = new Engine(dockerProgram(values));
    if (target !== 'kind' && !(await answers(engine, signal))) {
      io.stdout.write(`${noLocal} no Docker engine answers that could have a kind cluster\n`);
      return exitCodes.passed;
    }
    // kind is got only where it has something to delete.
    if (!knownClusters().includes(name) && !(await hasContainers(engine, name, signal))) {
      io.stdout.write(`${noLocal} no kind cluster "${name}"\n`);
      return exitCodes.passed;
    }
    const progress = () => {};
    const versions = loadVersions(versionsFile);
    const programs = await kindPrograms({ values, versions, progress, signal }, versions.istio.default);
    io.stdout.write(`${await deleteKind(programs, name, signal)}\n`);
    return exitCodes.passed;
  }, 'Run the same command again.');
}

async function answers(engine: Engine, signal: AbortSignal): Promise<boolean> {
  try {
    await engine.info(signal);
    return true;
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    return false;
  }
}

/** Whether there is a node of a kind cluster of this name, or a key server for it. @throws HarnessError E_DOCKER */
async function hasContainers(engine: Engine, name: string, signal: AbortSignal): Promise<boolean> {
  const names = await Promise.all(
    [nodeLabel, keyServerLabel].map((label) => engine.valuesOfLabel(label, signal)),
  );
  return names.flat().includes(name);
}

/** Ends the mesh of this name, and those that a run has made of it for several versions. */
async function endLocal(name: string, signal: AbortSignal): Promise<string[]> {
  const ended: string[] = [];
  const ofVersions = [`${name}-istio-`, `${name}-envoy-`];
  for (const each of keptMeshes()) {
    if (each !== name && !ofVersions.some((start) => each.startsWith(start))) continue;
    if (await endKept(each, signal)) ended.push(each);
  }
  return ended;
}

/** Deletes the namespaces of this tool, and puts back what a killed run has changed in those of others. */
async function clearCluster(values: Values, io: Io, signal: AbortSignal): Promise<number> {
  const progress = (event: Unstamped) => {
    if (event.type === 'warning') io.stderr.write(`${oneLine(event.message)}\n`);
  };
  const versions = loadVersions(versionsFile);
  const { makeCluster } = await import('../../../engine/targets/make-cluster.ts');
  const target = await makeCluster({ values, versions, runId: 'down', progress }, 'jwt-e2e down');
  const done = await target.clear(signal);
  const nothing = 'there is nothing of istio-jwt-e2e on this cluster';
  io.stdout.write(`${done.length === 0 ? nothing : done.join('\n')}\n`);
  return exitCodes.passed;
}
