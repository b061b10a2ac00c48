import { describe, expect, test } from 'vitest';
import type { Event } from '../../../src/base/events.ts';
import { junitSuites } from '../../../src/report/junit/junit-model.ts';
import { mergeResults } from '../../../src/report/merge/merge.ts';
import type { RunResult } from '../../../src/report/result.ts';
import { resultSchema } from '../../../src/report/schema/result-schema.ts';
import { onMesh, resultOf, shardOf, withChecks } from '../results.ts';
import * as runs from '../runs.ts';

const plain = (result: RunResult): RunResult => JSON.parse(JSON.stringify(result));
const merge = (...results: RunResult[]) =>
  plain(mergeResults(results.map((result, index) => ({ file: `shard-${index + 1}/results.json`, result }))));

const failures = resultOf(runs.failures);
const passed = resultOf(runs.passed);
const isFirst = ({ info }: { info: { name: string } }) => info.name === 'require-jwt';

describe('parts of one run', () => {
  const parts = [shardOf(failures, isFirst), shardOf(failures, (each) => !isFirst(each))];

  test('become one mesh with all scenarios, as if they had run together', () => {
    const merged = merge(...parts);
    expect(merged.meshes).toEqual(failures.meshes);
    expect(merged.run.meshes).toBeUndefined();
    expect(merged.scenarios).toEqual(failures.scenarios);
    expect(merged.counts).toEqual(failures.counts);
    expect(merged.findings).toEqual(failures.findings);
    expect(merged.exitCode).toBe(1);
  });

  test('add up their times, and start when the first did', () => {
    const [one, other] = parts as [RunResult, RunResult];
    const startedAt = '2026-03-14T09:00:00.000Z';
    const { run } = merge(one, { ...other, run: { ...other.run, id: 'second', startedAt } });
    expect(run).toMatchObject({
      id: `${one.run.id}+second`,
      version: '0.1.0',
      startedAt,
      durationMs: one.run.durationMs + other.run.durationMs,
      state: 'finished',
    });
  });

  test('say the same warning once', () => {
    const warned = { ...passed, warnings: [{ message: 'istiod restarted' }] };
    const merged = merge(
      shardOf(warned, isFirst),
      shardOf(warned, (each) => !isFirst(each)),
    );
    expect(merged.warnings).toEqual([{ message: 'istiod restarted' }]);
  });

  test('with the same scenario twice are refused, with both files', () => {
    expect(() => merge(passed, shardOf(passed, isFirst))).toThrow(
      expect.objectContaining({
        code: 'E_USAGE',
        message:
          'scenario require-jwt on mesh "kind-1.30.3" is in shard-1/results.json and in shard-2/results.json',
        hint: expect.stringContaining('two runs of the same'),
      }),
    );
  });
});

describe('shards', () => {
  const [first, second, third] = ['require-jwt', 'jwks-external-http@istiod', 'jwks-external-http@envoy'].map(
    (id) => shardOf(passed, ({ info }) => info.id === id),
  ) as [RunResult, RunResult, RunResult];
  const shard = (index: number, count: number, result: RunResult): RunResult => ({
    ...result,
    run: { ...result.run, shard: { index, count } },
  });
  const newer = (result: RunResult) => onMesh(result, { id: 'kind-1.31.0', istio: '1.31.0' });
  const isRed = (result: RunResult) =>
    junitSuites(result).some(({ cases }) => cases.some(({ outcome }) => outcome?.kind === 'error'));

  test('that are all there are a whole run, in any order', () => {
    const merged = merge(shard(3, 3, third), shard(1, 3, first), shard(2, 3, second));
    expect([merged.exitCode, merged.run.problem, merged.run.shard]).toEqual([0, undefined, undefined]);
    expect(merge(merged).exitCode).toBe(0);
  });

  test.each([
    ['two of three', [shard(1, 3, first)], 'shards 2/3, 3/3 missing'],
    ['the last one', [shard(1, 2, first)], 'shard 2/2 missing'],
    [
      'one of each, since their numbers differ',
      [shard(1, 2, first), shard(2, 3, second)],
      'shard 2/2 missing',
    ],
    [
      'none, but one is there twice',
      [shard(1, 2, first), shard(2, 2, second), shard(2, 2, third)],
      'shard 2/2 is there 2 times (shard-2/results.json, shard-3/results.json)',
    ],
    ['nearly all', [shard(1, 1e9, first)], '1 of 1000000000 shards are there'],
  ])('of which there are missing %s are no whole run', (_, parts, message) => {
    const merged = merge(...parts);
    expect(merged.exitCode).toBe(4);
    expect(merged.run.problem).toMatchObject({
      code: 'E_MISSING_SHARD',
      message: expect.stringContaining(`this is no whole run: ${message}`),
    });
    expect(isRed(merged)).toBe(true);
    expect(resultSchema.safeParse(merged).error).toBeUndefined();
    expect(merge(merged).exitCode).toBe(4);
  });

  test('are counted for each mesh', () => {
    const whole = [
      shard(1, 2, first),
      shard(
        2,
        2,
        shardOf(passed, (each) => !isFirst(each)),
      ),
    ];
    expect(merge(...whole, ...whole.map(newer)).exitCode).toBe(0);
    const merged = merge(...whole, newer(whole[0]!));
    expect(merged.exitCode).toBe(4);
    expect(merged.failedMeshes).toEqual([
      { mesh: 'kind-1.31.0', problem: expect.objectContaining({ code: 'E_MISSING_SHARD' }) },
    ]);
  });

  test('one of which a failed check is known still fail', () => {
    expect(merge(shard(1, 2, shardOf(failures, isFirst))).exitCode).toBe(1);
  });

  test('of which one has tested nothing are a whole run, as long as another has', () => {
    const untested = {
      ...withChecks(second, (check) => ({ ...check, state: 'skipped', message: 'not here' })),
      exitCode: 4,
    };
    const problem = { code: 'E_NOTHING_TESTED' as const, message: 'nothing was tested' };
    const part = { ...untested, run: { ...untested.run, problem } };
    expect(merge(shard(1, 2, first), shard(2, 2, part)).exitCode).toBe(0);
    expect(merge(shard(1, 1, part))).toMatchObject({
      exitCode: 4,
      run: { problem: { message: 'nothing was tested: the only check was skipped (not here)' } },
    });
  });
});

test('several problems of one mesh are all told', () => {
  const broken = shardOf(passed, isFirst);
  const problem = { code: 'E_KUBE' as const, message: 'one' };
  const parts = ['one', 'two'].map((message, index) => ({
    ...(index === 0 ? broken : shardOf(passed, (each) => !isFirst(each))),
    exitCode: 4,
    run: { ...broken.run, problem: { ...problem, message } },
  }));
  const merged = merge(...parts);
  const messages = junitSuites(merged).flatMap(({ cases }) =>
    cases.flatMap(({ name, outcome }) => (outcome?.kind === 'error' ? [`${name}: ${outcome.message}`] : [])),
  );
  expect(messages).toEqual(['mesh: two', 'run: one']);
});

test('a run that says it failed, and has no failed check, does not become green', () => {
  expect(merge({ ...passed, exitCode: 1 }).exitCode).toBe(4);
});

describe('several meshes', () => {
  const newer = onMesh(passed, { id: 'kind-1.31.0', istio: '1.31.0' });

  test('stand side by side in the order of the files', () => {
    const { run, meshes, scenarios, differences, exitCode } = merge(newer, failures);
    expect(run.meshes).toEqual(['kind-1.31.0', 'kind-1.30.3']);
    expect(meshes.map(({ istio }) => istio)).toEqual(['1.31.0', '1.30.3']);
    expect(scenarios.map(({ info }) => info.mesh)).toEqual([
      ...Array(3).fill('kind-1.31.0'),
      ...Array(4).fill('kind-1.30.3'),
    ]);
    expect(exitCode).toBe(1);
    const states = differences.find(({ check }) => check.endsWith('/no token//headers'))?.answers;
    expect(states).toMatchObject([
      { mesh: 'kind-1.31.0', state: 'passed' },
      { mesh: 'kind-1.30.3', state: 'failed', status: 200 },
    ]);
  });

  test.each([
    [{ envoy: '1.40.0' }, ['kind-1.30.3, Envoy 1.38.1', 'kind-1.30.3, Envoy 1.40.0']],
    [{ kubernetes: '1.35.0' }, ['kind-1.30.3, Kubernetes 1.36.1', 'kind-1.30.3, Kubernetes 1.35.0']],
    [
      { fetch: 'envoy' as const },
      ['kind-1.30.3, keys fetched by istiod', 'kind-1.30.3, keys fetched by envoy'],
    ],
  ])('with the same id get what tells them apart: %j', (more, ids) => {
    const merged = merge(passed, onMesh(passed, more));
    expect(merged.meshes.map(({ id }) => id)).toEqual(ids);
    expect(new Set(merged.scenarios.map(({ info }) => info.mesh))).toEqual(new Set(ids));
  });

  test('are two clusters when their contexts differ', () => {
    const on = (context: string) => onMesh(passed, { target: 'cluster', details: { context } });
    expect(merge(on('east'), on('west')).meshes.map(({ id }) => id)).toEqual([
      'kind-1.30.3, context east',
      'kind-1.30.3, context west',
    ]);
  });

  test('keep what only one of them tells', () => {
    const warned = { ...newer, warnings: [{ message: 'slow' }], flaky: [] };
    const { warnings, phases, flaky } = merge(passed, warned);
    expect(warnings).toEqual([{ message: 'slow', mesh: 'kind-1.31.0' }]);
    expect(new Set(phases.map(({ mesh }) => mesh))).toEqual(new Set(['kind-1.30.3', 'kind-1.31.0']));
    expect(flaky).toEqual([]);
  });

  test('have their scenarios together, though their parts come in turns', () => {
    const isLast = (each: Parameters<typeof isFirst>[0]) => !isFirst(each);
    const merged = merge(shardOf(passed, isFirst), newer, shardOf(passed, isLast));
    expect(merged.scenarios.map(({ info }) => info.mesh)).toEqual([
      ...Array(3).fill('kind-1.30.3'),
      ...Array(3).fill('kind-1.31.0'),
    ]);
  });

  test('of earlier merges can be merged again', () => {
    const first = merge(passed, newer);
    const third = onMesh(passed, { id: 'kind-1.32.0', istio: '1.32.0' });
    const all = merge(first, third);
    expect(all.run.meshes).toEqual(['kind-1.30.3', 'kind-1.31.0', 'kind-1.32.0']);
    expect(all.counts.passed).toBe(18);
  });
});

describe('what did not come to a verdict', () => {
  test('is a scenario that never ended, though all its checks had come', () => {
    const last = runs.passed.findLastIndex(({ type }) => type === 'scenario-finished');
    const cut = runs.passed.filter((_, index) => index < last);
    const interrupted = { ...runs.passed.at(-1), exitCode: 130, interrupted: true } as Event;
    for (const events of [cut, [...cut, interrupted]]) {
      const merged = merge(resultOf(events));
      expect(merged.scenarios.map(({ state, notRun }) => [state, notRun])).toEqual([
        ['passed', 0],
        ['passed', 0],
        ['error', 0],
      ]);
      expect(merged.exitCode).toBe(4);
    }
  });

  test('is a run that was killed when all scenarios had passed', () => {
    const merged = merge(resultOf(runs.passed.slice(0, -1)));
    expect(merged.counts).toMatchObject({ passed: 6, notRun: 0 });
    expect([merged.exitCode, merged.run.problem?.code]).toEqual([4, 'E_INTERRUPTED']);
  });

  test('is a mesh of its own when there was none, named after the folder', () => {
    const noMesh = { ...resultOf(runs.setupFailed), scenarios: [], counts: { ...passed.counts, passed: 0 } };
    const merged = mergeResults([
      { file: 'a/results.json', result: passed },
      { file: 'reports-istio-1.31-kind/results.json', result: noMesh },
    ]);
    expect(merged.run.meshes).toEqual(['kind-1.30.3', 'reports-istio-1.31-kind']);
    expect(merged.failedMeshes).toEqual([
      { mesh: 'reports-istio-1.31-kind', problem: expect.objectContaining({ code: 'E_ISTIO' }) },
    ]);
    expect(merged.phases.at(-1)).toMatchObject({ mesh: 'reports-istio-1.31-kind', state: 'failed' });
    expect(merged.exitCode).toBe(4);
  });

  test.each([
    ['killed', runs.killed, 'the run did not finish (shard-1/results.json)'],
    ['interrupted', runs.interrupted, 'the run was interrupted (shard-1/results.json)'],
  ])('is told of a run that was %s, and the others are as they were', (_, events, message) => {
    const newer = onMesh(passed, { id: 'kind-1.31.0', istio: '1.31.0' });
    const merged = merge(resultOf(events), newer);
    expect(merged.run.state).toBe('finished');
    expect(merged.failedMeshes).toEqual([
      { mesh: 'kind-1.30.3', problem: expect.objectContaining({ code: 'E_INTERRUPTED', message }) },
    ]);
    const states = merged.scenarios.map(({ info, state }) => `${info.mesh} ${state}`);
    expect(states.filter((each) => each.startsWith('kind-1.31.0'))).toEqual(
      Array(3).fill('kind-1.31.0 passed'),
    );
    expect(states.some((each) => /planned|running/.test(each))).toBe(false);
    expect([1, 4]).toContain(merged.exitCode);
    // Never green, in no report.
    expect(
      junitSuites(merged)
        .flatMap(({ cases }) => cases)
        .some(({ outcome }) => outcome?.kind === 'error'),
    ).toBe(true);
  });

  test('stays as it is when it is all there is', () => {
    const { run, exitCode } = merge(resultOf(runs.interrupted));
    expect([run.state, exitCode]).toEqual(['interrupted', 1]);
    expect(run.problem?.code).toBe('E_INTERRUPTED');
  });

  test.each([
    [0, 0, 0],
    [0, 4, 4],
    [0, 2, 2],
    [2, 4, 4],
  ])('counts as the worst: %i and %i make %i', (one, other, expected) => {
    const newer = onMesh(passed, { id: 'n', istio: '1.31.0' });
    expect(merge({ ...passed, exitCode: one }, { ...newer, exitCode: other }).exitCode).toBe(expected);
  });
});

test.each(Object.entries(runs))('one result stays what it is: %s', (_, events) => {
  const result = resultOf(events);
  const merged = merge(result);
  expect(resultSchema.safeParse(merged).error).toBeUndefined();
  expect(merged.counts).toEqual(result.counts);
  if (result.run.state === 'finished') expect(merged).toEqual(result);
});

describe('a baseline', () => {
  const known = { reason: 'r', until: '2027-01-01' };
  const see = (check: RunResult['scenarios'][number]['checks'][number]) =>
    check.state === 'failed' ? ({ ...check, state: 'known', known } as const) : check;
  const seen = (...results: RunResult[]) =>
    mergeResults(
      results.map((result, index) => ({ file: `${index}.json`, result })),
      { see },
    );

  test('makes a red run green when all that failed is known', () => {
    const red = { ...withChecks(passed, (check) => ({ ...check, state: 'failed' })), exitCode: 1 };
    const { counts, exitCode, scenarios } = seen(red);
    expect(counts).toMatchObject({ passed: 0, failed: 0, known: 6 });
    expect(scenarios.map(({ state }) => state)).not.toContain('failed');
    expect(exitCode).toBe(0);
  });

  test('does not hide what has no verdict', () => {
    expect(seen(failures).exitCode).toBe(4);
    const red = { ...withChecks(passed, (check) => ({ ...check, state: 'failed' })), exitCode: 1 };
    const problem = { code: 'E_ISTIO' as const, message: 'm' };
    expect(seen({ ...red, run: { ...red.run, problem } }).exitCode).toBe(4);
  });
});

test('evidence is found from where the merged report is', () => {
  const results = [
    { file: 'ci/shard-1/results.json', result: failures },
    { file: '/elsewhere/results.json', result: onMesh(failures, { id: 'b', istio: '1.31.0' }) },
  ];
  const merged = mergeResults(results, { artifacts: 'pages/artifacts', cwd: '/work' });
  const folders = merged.scenarios.flatMap(({ checks }) => checks.flatMap(({ evidence }) => evidence ?? []));
  expect(folders[0]).toBe('../../ci/shard-1/artifacts/require-jwt/a-token-is-required/no-token-headers');
  expect(folders.at(-1)).toMatch(/^\.\.\/\.\.\/\.\.\/elsewhere\/artifacts\//);
  const [unchanged] = mergeResults(results).scenarios.flatMap(({ checks }) =>
    checks.flatMap(({ evidence }) => evidence ?? []),
  );
  expect(unchanged).toBe('require-jwt/a-token-is-required/no-token-headers');
});
