import { expect, test } from 'vitest';
import { forEachPlanned } from '../../src/cli/models/predictions.ts';
import { type Judged, trialsOf } from '../../src/mutate/confirm.ts';
import { judgeScenario } from '../../src/mutate/judge.ts';
import { loadScenarios } from '../../src/scenario/load.ts';

async function judged(...files: string[]): Promise<Judged[]> {
  const { scenarios, errors } = loadScenarios(files, { cwd: process.cwd() });
  expect(errors).toEqual([]);
  const all: Judged[] = [];
  await forEachPlanned(scenarios, undefined, async (scenario, options) => {
    all.push({ scenario, mutants: (await judgeScenario(scenario, options)).mutants });
  });
  return all;
}

test('each mistake is a scenario with the check that notices it, which expects what the model says', async () => {
  const all = await judged('scenarios/documented/require-jwt.yaml');
  const trials = trialsOf(all, 100).flatMap(({ scenarios }) => scenarios);
  expect(trials).toHaveLength(11);
  const { info, steps } = trials[0]!;
  expect(info).toMatchObject({ id: 'require-jwt~1', name: 'require-jwt', profile: 'mutants' });
  expect(info.title).toContain('; with a mistake: RequestAuthentication foo/jwt-example, left out');
  expect(steps).toHaveLength(1);
  const [step] = steps;
  expect(step).toMatchObject({ selectsNothing: true });
  // The policy is not applied; the other one is, as it is written.
  expect(step?.apply.map(({ manifest }) => manifest.kind)).toEqual(['AuthorizationPolicy']);
  expect(step?.checks).toMatchObject([
    {
      id: 'require-jwt~1/a token is required/valid//headers',
      expected: { code: 403, body: 'RBAC: access denied' },
    },
  ]);
  const other = trials.find(({ info: { title } }) => title.includes('for the issuer'));
  expect(JSON.stringify(other?.steps[0]?.apply[0]?.manifest)).toContain('${issuers.sample.issuer}-other');
  const dropped = trials.find(({ info: { title } }) => title.includes('require-jwt, left out'));
  // What the application answers, another check says.
  expect(dropped?.steps[0]?.checks).toMatchObject([{ row: 'no token', expected: { code: 200 } }]);
});

test('what an earlier step has applied under the same name is gone when the policy is left out', async () => {
  const all = await judged('scenarios/documented/jwks-external-https.yaml');
  const trials = trialsOf(all, 100).flatMap(({ scenarios }) => scenarios);
  const deleting = trials.filter(({ steps }) => steps.some((step) => step.delete.length > 0));
  expect(deleting.map(({ info }) => info.title.replace(/.*, /, ''))).toEqual([
    'left out',
    'in namespace default',
  ]);
  expect(deleting[0]?.steps.map((step) => step.delete)).toEqual([
    [],
    [
      {
        apiVersion: 'security.istio.io/v1beta1',
        kind: 'RequestAuthentication',
        name: 'jwt-example',
        namespace: 'foo',
      },
    ],
  ]);
});

test('some are spread over all scenarios, none are none', async () => {
  const all = await judged(
    'scenarios/documented/require-jwt.yaml',
    'scenarios/documented/jwks-external-http.yaml',
  );
  const names = trialsOf(all, 3).flatMap(({ scenarios }) => scenarios.map(({ info }) => info.name));
  expect(names).toHaveLength(3);
  expect(new Set(names).size).toBe(2);
  expect(trialsOf(all, 0)).toEqual([]);
});

test('a step that is refused is left out, and groups have the mode of their scenarios', async () => {
  const all = await judged('scenarios/documented/jwks-external-http.yaml');
  const groups = trialsOf(all, 100);
  expect(groups.map(({ fetch }) => fetch).sort()).toEqual(['envoy', 'istiod']);
  const steps = groups.flatMap(({ scenarios }) => scenarios.flatMap((each) => each.steps));
  expect(steps.flatMap(({ name }) => name)).not.toContain(
    'the ServiceEntry as printed, with an IP address as host',
  );
  expect(steps.flatMap(({ checks }) => checks).every(({ kind }) => kind === 'request')).toBe(true);
});
