/** Makes the target kind out of settings: programs, images, versions. */
import { type FoundProgram, findProgram } from '../../programs/find-program.ts';
import { programPin } from '../../programs/pin.ts';
import { nodeImageFor } from '../../programs/release-matrix.ts';
import { flag, hubOf, imagesOf, istioOf, keeping, list, meshName, text } from '../../settings/typed.ts';
import type { KindChoice } from '../../target/kind/kind-preview.ts';
import type { KindSettings } from '../../target/kind/kind-settings.ts';
import type { KindTarget } from '../../target/kind/kind-target.ts';
import { kindFolder, starter } from '../product.ts';
import { gatewayApiCrds } from './gateway-api-crds.ts';
import { reporting } from './reporting.ts';
import type { TargetRequest } from './target-request.ts';

type ProgramRequest = Pick<TargetRequest, 'values' | 'versions' | 'progress' | 'signal'>;

function common({ values, progress, signal }: ProgramRequest) {
  return {
    fetch: !flag(values, 'no-download'),
    report: reporting(progress),
    signal,
  };
}

/** The program kind, downloaded when it is not there. @throws HarnessError E_PROGRAM */
export async function findKind(request: ProgramRequest): Promise<FoundProgram> {
  const { values, versions } = request;
  const pin = programPin(versions, 'kind', { mirror: text(values, 'downloads') });
  return findProgram('kind', { ...common(request), setting: text(values, 'kind'), pin });
}

/** The istioctl that installs this Istio, downloaded when it is not there. @throws HarnessError E_PROGRAM */
export async function findIstioctl(request: ProgramRequest, istio: string): Promise<FoundProgram> {
  const { values, versions } = request;
  const pin = programPin(versions, 'istioctl', { version: istio, mirror: text(values, 'downloads') });
  return findProgram('istioctl', { ...common(request), setting: text(values, 'istioctl'), pin });
}

const places = {
  setting: 'as it was set',
  path: 'PATH',
  cache: 'the cache',
  download: 'a download',
} as const;

function originsOf(programs: Readonly<Record<string, FoundProgram>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(programs).map(([name, { version, origin }]) => [`${name} ${version}`, places[origin]]),
  );
}

/** Finds docker and kind at once; istioctl later, when Istio is to be installed. */
export async function kindPrograms(
  request: ProgramRequest,
  istio: string,
): Promise<KindSettings['programs'] & { readonly origins: Readonly<Record<string, string>> }> {
  const [docker, kind] = await Promise.all([
    findProgram('docker', { ...common(request), setting: text(request.values, 'docker') }),
    findKind(request),
  ]);
  const istioctl = async () => (await findIstioctl(request, istio)).path;
  return { docker: docker.path, kind: kind.path, istioctl, origins: originsOf({ docker, kind }) };
}

export async function makeKind(request: TargetRequest, reason: string): Promise<KindTarget> {
  const { values, runId, progress } = request;
  const choice = kindChoice(request);
  // The Kubernetes client takes its time to load: meanwhile the programs are looked for.
  const told = kindPrograms(request, choice.istio).then(({ origins, ...programs }) => {
    progress({ type: 'programs', origins });
    return programs;
  });
  const [programs, kind] = await Promise.all([told, import('../../target/kind/kind-target.ts')]);
  return new kind.KindTarget(
    {
      ...choice,
      reason,
      runId,
      ...keeping(values),
      programs,
      down: [process.execPath, starter, 'down'],
      overlays: list(values, 'istio-overlay'),
      gatewayApiCrds: gatewayApiCrds(values),
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
  const istio = istioOf(values, versions);
  return {
    istio,
    name: meshName(values),
    hub: hubOf(values, versions),
    tag: text(values, 'istio-tag') ?? istio,
    nodeImage: text(values, 'node-image') ?? nodeImageFor(versions, istio),
    images: imagesOf(values, versions),
    apps,
  };
}
