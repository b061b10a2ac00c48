/** The model against every documented scenario: what they expect was seen on real meshes. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { worldOf } from '../../../src/explain/world.ts';
import { plan } from '../../../src/plan/plan.ts';
import { loadVersions } from '../../../src/programs/versions.ts';
import { type Predicted, predict } from '../../../src/run/explain/predict.ts';
import { KeyRing } from '../../../src/run/keys/key-ring.ts';
import { loadScenarios } from '../../../src/scenario/load.ts';
import { imagesOf } from '../../../src/settings/typed.ts';
import { loadApp } from '../../../src/target/kubernetes/load-apps.ts';
import { reusingPairs } from '../../../src/token/issuer-keys.ts';

const facts = {
  id: 'm',
  target: 'local',
  istio: '1.32.0',
  envoy: '1.40.0',
  kubernetes: '1.36.0',
  fetch: 'istiod',
  reason: 'a test',
} as const;
const images = imagesOf({}, loadVersions(join('kind', 'versions.yaml')));

async function predictions(...files: string[]): Promise<Predicted[]> {
  const { scenarios, errors } = loadScenarios(files, { cwd: process.cwd() });
  expect(errors).toEqual([]);
  // As long as that of a run: the length of a header decides whether it is base64 behind a prefix.
  const keys = new KeyRing('abc123', reusingPairs());
  const options = { canSwitchFetch: true, tags: [], skipTags: [] };
  const planned = plan(scenarios, facts, new Map(), options).scenarios;
  const all = await Promise.all(
    planned.map((scenario) =>
      predict(scenario, {
        keys,
        images,
        apps: (name) => loadApp(join('kind', 'apps'), name, images),
        world: worldOf,
      }),
    ),
  );
  keys.end();
  return all.flat();
}

test('what the documented scenarios expect is what the policies say', { timeout: 60_000 }, async () => {
  const all = await predictions('scenarios');
  const shown = ({ check, expected, deciding, hops }: Predicted) =>
    `${check.id}: ${JSON.stringify(expected)}, ${deciding?.answer.status} ${deciding?.answer.body} ${hops.length}`;
  expect(all.filter(({ agrees }) => agrees === false).map(shown)).toEqual([]);
  const known = all.filter(({ agrees }) => agrees === true).length;
  console.log(`${all.length} requests, ${known} known`);
  // Of the others the keys are somewhere else.
  expect(known).toBeGreaterThan(70);
});

/** Written by `npm run test:model`: see there. */
test('what a mesh has once answered otherwise than the model is what it says now', async () => {
  const all = await predictions('test/policy/found');
  expect(all.length).toBeGreaterThan(0);
  expect(all.filter(({ agrees }) => agrees !== true).map(({ check }) => check.id)).toEqual([]);
});
