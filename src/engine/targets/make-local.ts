/** Makes the targets local out of settings: one mesh for each version that was asked for. */
import { ofMesh } from '../../base/events.ts';
import { imagesOf, keeping, list, meshName } from '../../settings/typed.ts';
import { givenEnv } from '../../target/local/control-plane/istiod-env.ts';
import type { Progress, Target } from '../../target/target.ts';
import { kindFolder } from '../product.ts';
import { gatewayApiCrds } from './gateway-api-crds.ts';
import { type MeshVersions, meshProgramOptions, meshVersions } from './mesh-programs.ts';
import { reporting } from './reporting.ts';
import type { TargetRequest } from './target-request.ts';

/** @throws HarnessError E_USAGE */
export async function makeLocals(request: TargetRequest, reason: string): Promise<readonly Target[]> {
  const { values, versions, runId, progress } = request;
  const { keep, reuse } = keeping(values);
  const { findMeshPrograms } = await import('../../programs/local/find-mesh-programs.ts');
  const meshes = meshVersions(values).map((wanted, _, all) => {
    const mesh = all.length > 1 ? labelOf(wanted) : undefined;
    return { wanted, mesh, tell: mesh === undefined ? progress : ofMesh(mesh, progress) };
  });
  // The Kubernetes client takes its time to load: meanwhile it is said where the programs come from. A mesh that is kept
  // has both already, and a new one of that kind is rare.
  const [local, { RemoteTarget }] = await Promise.all([
    keep || reuse ? undefined : import('../../target/local/local-target.ts'),
    import('../../target/local/host/remote.ts'),
    ...(reuse ? [] : meshes.map(({ wanted, tell }) => tellPrograms(wanted, request, tell))),
  ]);
  return meshes.map(({ wanted, mesh, tell }) => {
    const report = reporting(tell);
    const settings = {
      mesh,
      reason,
      runId,
      images: imagesOf(values, versions),
      istiodEnv: givenEnv(list(values, 'istiod-env')),
      gatewayApiCrds: gatewayApiCrds(values),
      folder: kindFolder,
      programs: (signal: AbortSignal) =>
        findMeshPrograms(meshProgramOptions(values, wanted, { versions, report, signal })),
    };
    if (local !== undefined) return new local.LocalTarget(settings, tell);
    const name = [meshName(values), mesh ?? []].flat().join('-');
    return new RemoteTarget({ ...settings, name, keep, reuse, wanted }, tell);
  });
}

/** Says where the programs of a mesh come from, before any of them is fetched, which may take minutes. */
async function tellPrograms(
  wanted: MeshVersions,
  { values, versions, signal }: TargetRequest,
  tell: Progress,
): Promise<void> {
  const { surveyMeshPrograms } = await import('../../programs/local/survey-programs.ts');
  const options = meshProgramOptions(values, wanted, { versions, report: () => {}, signal });
  // What is missing is told when they are looked for, with what to do.
  const programs = await surveyMeshPrograms(options).catch(() => []);
  const origins = programs.flatMap(
    ({ name, state, version, where, origin = `${where}, which comes first`, why }) => {
      if (state === 'missing') return [];
      const because = why === undefined ? '' : `, because of ${why}`;
      return [[`${name}${version === undefined ? '' : ` ${version}`}`, `${origin}${because}`] as const];
    },
  );
  if (origins.length > 0) tell({ type: 'programs', origins: Object.fromEntries(origins) });
}

/** Such as `istio-1.30.3-envoy-1.38.0`; what is the same for all meshes is left to the reports. */
function labelOf({ istio, envoy }: MeshVersions): string {
  return [istio === undefined ? [] : `istio-${istio}`, envoy === undefined ? [] : `envoy-${envoy}`]
    .flat()
    .join('-');
}
