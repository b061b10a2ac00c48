/** Makes the targets local out of settings: one mesh for each version that was asked for. */
import { ofMesh } from '../base/events.ts';
import { flag, imagesOf, list, text } from '../settings/typed.ts';
import { givenEnv } from '../target/local/control-plane/istiod-env.ts';
import type { Target } from '../target/target.ts';
import { gatewayApiCrds } from './gateway-api-crds.ts';
import { defaultName } from './make-kind.ts';
import { type MeshVersions, meshProgramOptions, meshVersions } from './mesh-programs.ts';
import { kindFolder } from './product.ts';
import type { TargetRequest } from './target-request.ts';

/** @throws HarnessError E_USAGE */
export async function makeLocals(request: TargetRequest, reason: string): Promise<readonly Target[]> {
  const { values, versions, runId, progress } = request;
  const kept = flag(values, 'keep') || flag(values, 'reuse');
  // The Kubernetes client takes its time to load; a mesh that is kept has one already.
  const [local, { RemoteTarget }, { findMeshPrograms }] = await Promise.all([
    kept ? undefined : import('../target/local/local-target.ts'),
    import('../target/local/host/remote.ts'),
    import('../programs/local/find-mesh-programs.ts'),
  ]);
  const meshes = meshVersions(values);
  return meshes.map((wanted) => {
    const mesh = meshes.length > 1 ? labelOf(wanted) : undefined;
    const tell = mesh === undefined ? progress : ofMesh(mesh, progress);
    const report = (message: string) => tell({ type: 'warning', message });
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
    const name = [text(values, 'name') ?? defaultName, mesh ?? []].flat().join('-');
    const keeping = { name, keep: flag(values, 'keep'), reuse: flag(values, 'reuse'), wanted };
    return new RemoteTarget({ ...settings, ...keeping }, tell);
  });
}

/** Such as `istio-1.30.3-envoy-1.38.0`; what is the same for all meshes is left to the reports. */
function labelOf({ istio, envoy }: MeshVersions): string {
  return [istio === undefined ? [] : `istio-${istio}`, envoy === undefined ? [] : `envoy-${envoy}`]
    .flat()
    .join('-');
}
