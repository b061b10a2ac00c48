/** What the policies of scenario files say, on a mesh as most are: for commands that need none. */
import { join } from 'node:path';
import { kindFolder, versionsFile } from '../../engine/product.ts';
import { worldOf } from '../../explain/world.ts';
import { plan } from '../../plan/plan.ts';
import type { PlannedScenario } from '../../plan/types.ts';
import { releaseOf } from '../../programs/release-matrix.ts';
import { loadVersions } from '../../programs/versions.ts';
import { type Predicted, type PredictOptions, predict } from '../../run/explain/predict.ts';
import { KeyRing } from '../../run/keys/key-ring.ts';
import type { LoadedScenario } from '../../scenario/load.ts';
import { imagesOf } from '../../settings/typed.ts';
import { loadApp } from '../../target/kubernetes/load-apps.ts';
import { reusingPairs } from '../../token/issuer-keys.ts';

/** Of conditions of scenarios, what holds nearly everywhere; versions are those that are usual. */
const anyMesh = {
  id: 'none',
  target: 'local',
  // The model is that of proxies of today.
  envoy: '1.999.0',
  kubernetes: '0.0.0',
  fetch: 'istiod',
  reason: 'no mesh is needed',
} as const;

/**
 * @param grep a part of the names of checks
 * @throws HarnessError E_TEMPLATE, E_TOKEN and E_SETTINGS, as a run does
 */
export async function predictAll(
  scenarios: readonly LoadedScenario[],
  grep?: string | undefined,
): Promise<Predicted[]> {
  const all: Predicted[] = [];
  await forEachPlanned(scenarios, grep, async (scenario, options) => {
    all.push(...(await predict(scenario, options)));
  });
  return all;
}

/**
 * Plans scenarios as for a mesh as most are, and hands over one after the other with what predictions need.
 *
 * @param grep a part of the names of checks
 * @throws HarnessError E_SETTINGS, and what `work` throws
 */
export async function forEachPlanned(
  scenarios: readonly LoadedScenario[],
  grep: string | undefined,
  work: (scenario: PlannedScenario, options: PredictOptions) => Promise<void>,
): Promise<void> {
  const keys = new KeyRing('predicted', reusingPairs());
  const versions = loadVersions(versionsFile);
  const images = imagesOf({}, versions);
  const { default: istio } = versions.istio;
  const kubernetes = releaseOf(versions, istio)?.nodes[0];
  const facts = { ...anyMesh, istio, kubernetes, envoy: versions.local.build.envoy };
  const selection = { canSwitchFetch: true, grep, tags: [], skipTags: [] };
  const options = {
    keys,
    images,
    apps: (name: string) => loadApp(join(kindFolder, 'apps'), name, images),
    world: worldOf,
  };
  // Made while others are judged; a part of the checks needs a part of the keys.
  if (grep === undefined) keys.begin(scenarios);
  try {
    for (const scenario of plan(scenarios, facts, new Map(), selection).scenarios)
      await work(scenario, options);
  } finally {
    keys.end();
  }
}
