/** Makes the target that was asked for, with everything it needs. */
import { HarnessError } from '../errors.ts';
import { findProgram } from '../programs/find.ts';
import { nodeImageFor } from '../programs/matrix.ts';
import { programPin } from '../programs/pin.ts';
import type { Versions } from '../programs/versions.ts';
import type { Values } from '../settings/settings.ts';
import { flag, imagesOf, list, text } from '../settings/typed.ts';
import { Engine } from '../target/kind/engine.ts';
import { type KindSettings, KindTarget } from '../target/kind/target.ts';
import type { Progress, Target } from '../target/target.ts';
import { kindFolder } from './product.ts';

export interface TargetRequest {
  readonly values: Values;
  readonly versions: Versions;
  readonly runId: string;
  /** Applications that any of the scenarios needs. */
  readonly apps: readonly string[];
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export const defaultName = 'jwt-e2e';

/** The target, and why it was taken. @throws HarnessError that says what is missing and how to get it */
export async function makeTarget(request: TargetRequest): Promise<Target> {
  const wanted = text(request.values, 'target') ?? 'auto';
  if (wanted === 'kind') return makeKind(request, 'asked for with --target kind');
  return makeKind(request, await reasonForKind(request));
}

/** `--target auto`: kind, when a Docker engine answers. */
async function reasonForKind({ values, signal }: TargetRequest): Promise<string> {
  try {
    const { version } = await new Engine(text(values, 'docker') ?? 'docker').info(signal);
    return `--target auto: Docker engine ${version} answers`;
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    throw new HarnessError(
      'E_DOCKER',
      'there is no mesh to test: no Docker engine answers, so there can be no kind cluster',
      {
        hint: 'Start Docker, or name an existing cluster with --target cluster --context NAME.',
        details: (thrown as Error).message,
        cause: thrown,
      },
    );
  }
}

/** Finds docker and kind at once; istioctl later, when Istio is to be installed. */
export async function kindPrograms(
  request: Pick<TargetRequest, 'values' | 'versions' | 'progress' | 'signal'>,
  istio: string,
): Promise<KindSettings['programs']> {
  const { values, versions, progress, signal } = request;
  const mirror = text(values, 'downloads');
  const common = {
    fetch: !flag(values, 'no-download'),
    report: (message: string) => progress({ type: 'warning', message }),
    signal,
  };
  const [docker, kind] = await Promise.all([
    findProgram('docker', { ...common, setting: text(values, 'docker') }),
    findProgram('kind', {
      ...common,
      setting: text(values, 'kind'),
      pin: programPin(versions, 'kind', { mirror }),
    }),
  ]);
  const istioctl = async () => {
    const pin = programPin(versions, 'istioctl', { version: istio, mirror });
    return (await findProgram('istioctl', { ...common, setting: text(values, 'istioctl'), pin })).path;
  };
  return { docker: docker.path, kind: kind.path, istioctl };
}

export async function makeKind(request: TargetRequest, reason: string): Promise<KindTarget> {
  const { values, versions, runId, apps, progress } = request;
  const istio = text(values, 'istio') ?? versions.istio.default;
  return new KindTarget(
    {
      name: text(values, 'name') ?? defaultName,
      reason,
      runId,
      keep: flag(values, 'keep'),
      reuse: flag(values, 'reuse'),
      programs: await kindPrograms(request, istio),
      hub: text(values, 'hub') ?? versions.istio.hub,
      tag: text(values, 'istio-tag') ?? istio,
      nodeImage: text(values, 'node-image') ?? nodeImageFor(versions, istio),
      overlays: list(values, 'istio-overlay'),
      images: imagesOf(values, versions),
      folder: kindFolder,
      apps,
    },
    progress,
  );
}
