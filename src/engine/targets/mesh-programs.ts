/** From settings to what is wanted of the programs of the target local. */

import { HarnessError } from '../../base/errors.ts';
import type { MeshProgramOptions } from '../../programs/local/find-mesh-programs.ts';
import type { Report } from '../../programs/report.ts';
import type { Versions } from '../../programs/versions.ts';
import type { Values } from '../../settings/settings.ts';
import { flag, hubOf, text } from '../../settings/typed.ts';
import { programFolderFor } from './program-folders.ts';

/** The versions of one mesh; undefined where nothing was asked for. */
export interface MeshVersions {
  readonly istio: string | undefined;
  readonly envoy: string | undefined;
}

/**
 * One entry for each mesh. `--istio` and `--envoy` may each have several versions, separated by commas: of both as many,
 * which belong together, or of one of them only one, which is for all.
 *
 * @throws HarnessError E_USAGE for numbers of them that do not fit together, and for a mesh that is named twice
 */
export function meshVersions(values: Values): MeshVersions[] {
  const [istios, envoys] = [split(text(values, 'istio')), split(text(values, 'envoy'))];
  const number = Math.max(istios.length, envoys.length, 1);
  const of = (all: readonly string[], index: number) => (all.length === 1 ? all[0] : all[index]);
  if ([istios, envoys].some((each) => each.length > 1 && each.length !== number)) {
    throw new HarnessError(
      'E_USAGE',
      `--istio has ${istios.length} versions and --envoy has ${envoys.length}, so it is not clear which belong together`,
      { hint: 'Give as many of both, or only one of the one that is the same for all.' },
    );
  }
  const meshes = Array.from({ length: number }, (_, index) => ({
    istio: of(istios, index),
    envoy: of(envoys, index),
  }));
  if (new Set(meshes.map((mesh) => JSON.stringify(mesh))).size < number) {
    throw new HarnessError('E_USAGE', '--istio and --envoy name the same mesh twice', {
      hint: 'Name each version once.',
    });
  }
  return meshes;
}

/** The options of `findMeshPrograms` for one mesh. @throws HarnessError E_USAGE for folders that do not fit together */
export function meshProgramOptions(
  values: Values,
  mesh: MeshVersions,
  around: {
    readonly versions: Versions;
    readonly report: Report;
    readonly signal: AbortSignal;
  },
): MeshProgramOptions {
  return {
    ...around,
    ...programFolderFor(values, mesh.istio, around.report),
    envoy: mesh.envoy,
    hub: hubOf(values, around.versions),
    download: !flag(values, 'no-download'),
    build: !flag(values, 'no-build'),
    mirror: text(values, 'downloads'),
  };
}

function split(versions: string | undefined): string[] {
  return (versions ?? '').split(',').flatMap((each) => each.trim() || []);
}
