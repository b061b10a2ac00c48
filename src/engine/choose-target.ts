/** Decides which target a run takes, and says why. */
import { asHarnessError, HarnessError } from '../base/errors.ts';
import type { Versions } from '../programs/versions.ts';
import type { Values } from '../settings/settings.ts';
import { flag, list, text } from '../settings/typed.ts';
import { Engine } from '../target/kind/container-engine.ts';
import { findIstioctl, findKind } from './make-kind.ts';
import { meshProgramOptions, meshVersions } from './mesh-programs.ts';
import { clusterSettings } from './named-cluster.ts';

type TargetName = 'cluster' | 'kind' | 'local';

export interface Choice {
  readonly name: TargetName;
  readonly reason: string;
}

export interface ChoiceRequest {
  readonly values: Values;
  readonly versions: Versions;
  readonly signal: AbortSignal;
}

/**
 * The target that was asked for; with `auto` cluster when one is named, kind when it can be had, else local.
 *
 * @throws HarnessError E_USAGE when settings contradict each other, E_DOCKER when there can be no mesh, with all reasons
 */
export async function chooseTarget(request: ChoiceRequest): Promise<Choice> {
  const choice = await choose(request);
  if (flag(request.values, 'live') && choice.name !== 'cluster') {
    throw new HarnessError('E_USAGE', `--live is for a cluster that is there, not for ${choice.name}`, {
      hint: 'Name the cluster with --context NAME or --kubeconfig FILE.',
    });
  }
  const forLocal = onlyForLocal(request.values);
  if (forLocal !== undefined && choice.name !== 'local') {
    throw new HarnessError('E_USAGE', `${forLocal} is for the target local, not for ${choice.name}`, {
      hint: `Leave it out, or use --target local.`,
    });
  }
  return choice;
}

async function choose(request: ChoiceRequest): Promise<Choice> {
  const { values } = request;
  const wanted = text(values, 'target') ?? 'auto';
  if (wanted === 'cluster' || wanted === 'kind' || wanted === 'local') {
    return { name: wanted, reason: `asked for with --target ${wanted}` };
  }
  const named = clusterSettings.find((setting) => text(values, setting) !== undefined);
  if (named !== undefined) return { name: 'cluster', reason: `--target auto: --${named} names a cluster` };
  const forLocal = onlyForLocal(values);
  if (forLocal !== undefined)
    return { name: 'local', reason: `--target auto: ${forLocal} is for local meshes` };
  const kind = await whyKind(request);
  if (kind.possible) return { name: 'kind', reason: `--target auto: ${kind.why}` };
  const missing = await whyNotLocal(request);
  if (missing === undefined) return { name: 'local', reason: `--target auto: ${kind.why}` };
  throw new HarnessError('E_DOCKER', 'there is no mesh to test: neither kind nor local can be had', {
    hint: 'Do one of what follows, or name a cluster that has Istio with --target cluster --context NAME. "jwt-e2e doctor" says more.',
    details: `kind: ${kind.details ?? kind.why}\nlocal: ${missing}`,
  });
}

/** A setting that has a meaning for local meshes alone. */
function onlyForLocal(values: Values): string | undefined {
  const meshes = meshVersions(values);
  if (meshes.some(({ envoy }) => envoy !== undefined)) return '--envoy';
  if (list(values, 'istiod-env').length > 0) return '--istiod-env';
  return meshes.length > 1 ? '--istio with several versions' : undefined;
}

interface Outlook {
  readonly possible: boolean;
  /** As the reason of a choice says it. */
  readonly why: string;
  /** More words, with what to do. */
  readonly details?: string;
}

/** Whether there can be a kind cluster, and why or why not. */
async function whyKind(request: ChoiceRequest): Promise<Outlook> {
  const { values, versions, signal } = request;
  let engine: string;
  try {
    engine = (await new Engine(text(values, 'docker') ?? 'docker').info(signal)).version;
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    const { message } = asHarnessError(thrown);
    const details = `${message.replace(/[.?!]$/, '')}; start Docker, or set DOCKER_HOST`;
    return { possible: false, why: 'no Docker engine answers', details };
  }
  try {
    const all = { ...request, progress: () => {} };
    await findKind(all);
    // What can be downloaded is downloaded while the cluster starts; a mesh that is kept has its Istio.
    const needsIstioctl = flag(values, 'no-download') && !flag(values, 'reuse');
    if (needsIstioctl) await findIstioctl(all, text(values, 'istio') ?? versions.istio.default);
    return { possible: true, why: `Docker engine ${engine} answers` };
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    const answers = `Docker engine ${engine} answers, but`;
    return {
      possible: false,
      why: `${answers} ${(thrown as Error).message}`,
      details: `${answers} ${withHint(thrown)}`,
    };
  }
}

function withHint(thrown: unknown): string {
  const { message, hint } = asHarnessError(thrown);
  return hint === undefined ? message : `${message}; ${hint}`;
}

/** What keeps local meshes from being there; undefined when nothing does. */
async function whyNotLocal({ values, versions, signal }: ChoiceRequest): Promise<string | undefined> {
  try {
    const { surveyMeshPrograms } = await import('../programs/local/survey-programs.ts');
    const [mesh] = meshVersions(values);
    const around = { versions, report: () => {}, signal };
    const states = await surveyMeshPrograms(
      meshProgramOptions(values, mesh ?? { istio: undefined, envoy: undefined }, around),
    );
    const missing = states.filter(({ state }) => state === 'missing');
    if (missing.length === 0) return undefined;
    const remedies = new Set(missing.flatMap(({ remedy = '' }) => remedy.split('; or ')));
    return `there is no ${missing.map(({ name }) => name).join(', no ')}; ${[...remedies].join('; or ')}`;
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    return withHint(thrown);
  }
}
