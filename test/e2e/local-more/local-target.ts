/** A target local with the programs that this machine has, for tests that call it themselves. */
import { join } from 'node:path';
import { kindFolder, versionsFile } from '../../../src/engine/product.ts';
import { meshProgramOptions } from '../../../src/engine/targets/mesh-programs.ts';
import { findMeshPrograms } from '../../../src/programs/local/find-mesh-programs.ts';
import { loadVersions } from '../../../src/programs/versions.ts';
import { mergeSettings } from '../../../src/settings/settings.ts';
import { imagesOf } from '../../../src/settings/typed.ts';
import { LocalTarget } from '../../../src/target/local/local-target.ts';
import { unaborted } from '../../support/signals.ts';

/** Not up yet. @param folder with the manifests of applications */
export function localTarget(
  runId: string,
  folder: string = kindFolder,
  envoy?: string,
  gatewayApiCrds?: string,
): LocalTarget {
  const versions = loadVersions(versionsFile);
  const { programs, image } = mergeSettings({}, process.env, join(folder, 'none.yaml'));
  const values = { programs, image, 'no-download': true, 'no-build': true };
  const options = meshProgramOptions(
    values,
    { istio: undefined, envoy },
    { versions, report: () => {}, signal: unaborted() },
  );
  return new LocalTarget(
    {
      mesh: undefined,
      reason: 'a test',
      runId,
      images: imagesOf(values, versions),
      istiodEnv: {},
      gatewayApiCrds,
      folder,
      programs: () => findMeshPrograms(options),
    },
    () => {},
  );
}
