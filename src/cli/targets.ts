/** Makes the target that was asked for, with everything it needs. */
import { HarnessError } from '../errors.ts';
import { findProgram } from '../programs/find.ts';
import { nodeImageFor } from '../programs/matrix.ts';
import { programPin } from '../programs/pin.ts';
import type { Versions } from '../programs/versions.ts';
import type { Values } from '../settings/settings.ts';
import { flag, imagesOf, list, text } from '../settings/typed.ts';
import { Engine } from '../target/kind/engine.ts';
import type { KindChoice } from '../target/kind/preview.ts';
import type { KindSettings } from '../target/kind/settings.ts';
import type { KindTarget } from '../target/kind/target.ts';
import type { Progress, Target } from '../target/target.ts';
import { clusterSettings, makeCluster } from './cluster.ts';
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
  const { name, reason } = await chooseTarget(request);
  return name === 'cluster' ? makeCluster(request, reason) : makeKind(request, reason);
}

/** Which target it is going to be, and why. @throws HarnessError E_DOCKER when there can be none */
export async function chooseTarget(
  request: Pick<TargetRequest, 'values' | 'signal'>,
): Promise<{ name: 'cluster' | 'kind'; reason: string }> {
  const wanted = text(request.values, 'target') ?? 'auto';
  if (wanted === 'cluster' || wanted === 'kind') {
    return { name: wanted, reason: `asked for with --target ${wanted}` };
  }
  const named = clusterSettings.find((setting) => text(request.values, setting) !== undefined);
  if (named !== undefined) return { name: 'cluster', reason: `--target auto: --${named} names a cluster` };
  return { name: 'kind', reason: await reasonForKind(request) };
}

/** `--target auto`: kind, when a Docker engine answers. */
async function reasonForKind({ values, signal }: Pick<TargetRequest, 'values' | 'signal'>): Promise<string> {
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
  const { values, runId, progress } = request;
  const choice = kindChoice(request);
  // The Kubernetes client takes its time to load: meanwhile the programs are looked for.
  const [programs, kind] = await Promise.all([
    kindPrograms(request, choice.istio),
    import('../target/kind/target.ts'),
  ]);
  return new kind.KindTarget(
    {
      ...choice,
      reason,
      runId,
      keep: flag(values, 'keep'),
      reuse: flag(values, 'reuse'),
      programs,
      overlays: list(values, 'istio-overlay'),
      folder: kindFolder,
    },
    progress,
  );
}

/** What the target kind is going to be, by its settings. */
export function kindChoice({
  values,
  versions,
  apps,
}: Pick<TargetRequest, 'values' | 'versions' | 'apps'>): KindChoice & { readonly istio: string } {
  const istio = text(values, 'istio') ?? versions.istio.default;
  return {
    istio,
    name: text(values, 'name') ?? defaultName,
    hub: text(values, 'hub') ?? versions.istio.hub,
    tag: text(values, 'istio-tag') ?? istio,
    nodeImage: text(values, 'node-image') ?? nodeImageFor(versions, istio),
    images: imagesOf(values, versions),
    apps,
  };
}
