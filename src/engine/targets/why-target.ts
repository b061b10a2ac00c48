/** Whether a kind cluster or a local mesh can be had on this machine, and why not. */
import { asHarnessError } from '../../base/errors.ts';
import { dockerProgram, flag, istioOf } from '../../settings/typed.ts';
import { Engine } from '../../target/kind/container-engine.ts';
import { findIstioctl, findKind } from './make-kind.ts';
import { meshProgramOptions, meshVersions } from './mesh-programs.ts';
import type { TargetRequest } from './target-request.ts';

export type ChoiceRequest = Pick<TargetRequest, 'values' | 'versions' | 'signal'>;

interface Outlook {
  readonly possible: boolean;
  /** As the reason of a choice says it. */
  readonly why: string;
  /** More words, with what to do. */
  readonly details?: string;
}

/** Whether there can be a kind cluster, and why or why not. */
export async function whyKind(request: ChoiceRequest): Promise<Outlook> {
  const { values, versions, signal } = request;
  let engine: string;
  try {
    engine = (await new Engine(dockerProgram(values)).info(signal)).version;
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
    if (needsIstioctl) await findIstioctl(all, istioOf(values, versions));
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
export async function whyNotLocal({ values, versions, signal }: ChoiceRequest): Promise<string | undefined> {
  try {
    const { surveyMeshPrograms } = await import('../../programs/local/survey-programs.ts');
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
