/** What the suite of the setup says of meshes that could not be tested. */
import { describe, expect, test } from 'vitest';
import type { Problem } from '../../../src/base/events.ts';
import { junitSuites } from '../../../src/report/junit/junit-model.ts';
import { setupSuite } from '../../../src/report/junit/junit-setup.ts';
import type { RunResult } from '../../../src/report/result.ts';
import { resultOf } from '../results.ts';
import * as runs from '../runs.ts';

const several = resultOf(runs.several);
const [first = '', second = ''] = several.run.meshes ?? [];
const labels = ['istio-1.30.3 / envoy-1.36.4 / local', 'istio-1.30.3 / envoy-1.40.0 / local'];
const lost: Problem = { code: 'E_KUBE', message: 'the API server is gone' };
const other: Problem = { code: 'E_CLUSTER', message: 'it cannot be taken down' };
const failedPhase = (mesh: string | undefined, problem: Problem) =>
  ({ phase: 'Starting istiod', mesh, state: 'failed', durationMs: 5, problem }) as const;

function namesOf(more: Partial<RunResult>): (string | undefined)[] {
  const cases = setupSuite({ ...several, phases: [], failedMeshes: [], ...more }, [])?.cases ?? [];
  return cases.filter(({ name }) => name !== 'run').map(({ name }) => name);
}

describe('a mesh that could not be tested', () => {
  test('is told, once for each of its problems', () => {
    const failedMeshes = [
      { mesh: first, problem: lost },
      { mesh: second, problem: lost },
      { mesh: first, problem: other },
    ];
    expect(namesOf({ failedMeshes })).toEqual([
      `${labels[0]} / mesh`,
      `${labels[1]} / mesh`,
      `${labels[0]} / mesh (2)`,
    ]);
  });

  test('is not told again when a phase of it says the same', () => {
    const failedMeshes = [{ mesh: first, problem: lost }];
    const one = [`${labels[0]} / Starting istiod`];
    expect(namesOf({ phases: [failedPhase(first, lost)], failedMeshes })).toEqual(one);
    expect(namesOf({ phases: [failedPhase(first, other)], failedMeshes })).toEqual([
      ...one,
      `${labels[0]} / mesh`,
    ]);
    expect(namesOf({ phases: [failedPhase(second, lost)], failedMeshes })).toEqual([
      `${labels[1]} / Starting istiod`,
      `${labels[0]} / mesh`,
    ]);
  });

  test('takes no time of its own, and says what is wrong', () => {
    const [only] = setupSuite(
      { ...several, phases: [], failedMeshes: [{ mesh: first, problem: lost }] },
      [],
    )!.cases;
    expect(only).toMatchObject({ durationMs: 0, outcome: { type: 'E_KUBE', message: lost.message } });
  });
});

test('a phase before there are meshes has its own name', () => {
  expect(namesOf({ phases: [failedPhase(undefined, lost)] })).toEqual(['Starting istiod']);
});

test('the suite names the mesh only when there is no other', () => {
  const nameOf = (result: RunResult) => junitSuites({ ...result, exitCode: 4 })[0]?.name;
  const one = resultOf(runs.setupFailed);
  const ready = resultOf(runs.untested).meshes;
  expect(nameOf(one)).toBe('setup');
  expect(nameOf({ ...one, meshes: ready })).toBe('istio-1.30.3 / kind / setup');
  // Of several meshes one came up.
  expect(nameOf({ ...several, meshes: several.meshes.slice(0, 1) })).toBe('setup');
});

test('a problem is told with all that is known of it', () => {
  const place = { file: 'a.yaml', line: 3, column: 1 };
  const problem: Problem = { ...lost, hint: 'Look at it.', place, details: ' one\ntwo \n' };
  const [only] = setupSuite(
    { ...several, phases: [failedPhase(first, problem)], failedMeshes: [] },
    [],
  )!.cases;
  expect(only).toMatchObject({
    place,
    outcome: { text: 'E_KUBE: the API server is gone\nhint: Look at it.\nat: a.yaml:3:1\none\ntwo' },
  });
});
