/** What a run comes to, and that all reports say the same of it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import type { CheckState, Event, MeshFacts, Problem } from '../../src/base/events.ts';
import { verdictOf } from '../../src/report/html/summary/run-verdict.ts';
import { junitSuites } from '../../src/report/junit/junit-model.ts';
import { summaryMarkdown } from '../../src/report/markdown/summary-markdown.ts';
import { mergeResults } from '../../src/report/merge/merge.ts';
import { ResultModel } from '../../src/report/model.ts';
import type { RunResult } from '../../src/report/result.ts';
import { KnownDeviations } from '../../src/run/answers/known-use.ts';
import { Mesh } from '../../src/run/run-mesh.ts';
import { Tally } from '../../src/run/tally.ts';
import { check, kind, requireJwt } from '../report/fixture.ts';
import { FakeTarget } from '../support/fake-target.ts';
import { run, scenarioSource, sendStep } from './support.ts';

const unmet = 'when: { istio: "<1.0" }';
const nothing = scenarioSource('nothing', sendStep('one'), unmet);
const something = scenarioSource('something', sendStep('one'));
const endOf = (events: readonly Event[]) => events.at(-1) as Extract<Event, { type: 'run-finished' }>;

describe('a run that has tested nothing', () => {
  test('is no verdict, and says why in one sentence', async () => {
    const { exitCode, events } = await run([nothing]);
    expect(exitCode).toBe(4);
    expect(endOf(events).problem).toMatchObject({
      code: 'E_NOTHING_TESTED',
      message: expect.stringMatching(/^nothing was tested: all 2 checks were skipped \(.*<1\.0.*\)$/),
      hint: expect.stringContaining('jwt-e2e list'),
    });
  });

  test('lists the reasons when there are several', async () => {
    const other = scenarioSource('other', sendStep('one'), 'when: { istio: "<2.0 <0.5" }');
    const { problem } = endOf((await run([nothing, other])).events);
    expect(problem?.message).toBe('nothing was tested: all 4 checks were skipped');
    expect(problem?.details?.split('\n')).toHaveLength(2);
  });

  test('is advised to have fewer shards when it is one of several', async () => {
    const shard = { index: 2, count: 3 };
    const { exitCode, events } = await run([nothing], { shard });
    expect(exitCode).toBe(4);
    expect(events[0]).toMatchObject({ type: 'run-started', shard });
    expect(endOf(events).problem?.hint).toContain('Use fewer shards than 3');
  });

  test('is none when another scenario was tested', async () => {
    const { exitCode, events, checks } = await run([nothing, something]);
    expect([exitCode, endOf(events).problem]).toEqual([0, undefined]);
    expect(checks.map(({ state }) => state)).toEqual(['skipped', 'skipped', 'passed', 'passed']);
  });

  test('is none when its checks have no verdict for a reason of their own', async () => {
    const target = new FakeTarget();
    target.answer = () => ({ status: 0, error: 'refused' });
    const { exitCode, events } = await run([something], { target });
    expect([exitCode, endOf(events).problem]).toEqual([4, undefined]);
  });

  test('stays interrupted when it was', async () => {
    const { exitCode, events } = await run([nothing], { signal: AbortSignal.abort('SIGTERM') });
    expect([exitCode, endOf(events).problem]).toEqual([143, undefined]);
  });

  test('on one of several meshes makes no green run of the others', async () => {
    const targets = ['1.0.0', '1.30.0'].map((istio) => {
      const target = new FakeTarget();
      target.mesh = `istio-${istio}`;
      target.facts = { ...target.facts, istio };
      return target;
    });
    const source = scenarioSource('old', sendStep('one'), 'when: { istio: "<1.1" }');
    const { exitCode, events } = await run([source], { targets });
    expect(exitCode).toBe(4);
    expect(events.filter(({ type }) => type === 'mesh-failed')).toEqual([
      expect.objectContaining({
        mesh: 'istio-1.30.0',
        problem: expect.objectContaining({ code: 'E_NOTHING_TESTED' }),
      }),
    ]);
  });
});

describe('by itself', () => {
  const facts: MeshFacts = { ...kind, id: 'mesh' };
  const info = { ...requireJwt, mesh: facts.id };
  const of = (state: CheckState, message?: string) => ({
    ...check(info, { step: 's', row: 'r', column: 'c', expected: '200', state }),
    message,
  });
  /** A mesh that has come up; without an id it has not. */
  const meshOf = (label?: string, id = facts.id) => {
    const made = new Mesh(new FakeTarget(), label);
    if (id !== '') Object.defineProperty(made, 'facts', { value: { ...facts, id } });
    return made;
  };
  const ending = { durationMs: 1, cutOff: undefined, shard: undefined };
  /** What is told after these checks and failures. */
  function tallied(
    checks: readonly ReturnType<typeof of>[],
    more: (tally: Tally) => void = () => {},
    known?: KnownDeviations,
  ) {
    const events: Event[] = [];
    const tally = new Tally((event) => events.push(event), known);
    tally.emit({ type: 'mesh-ready', mesh: facts });
    for (const each of checks) tally.emit({ type: 'check-finished', mesh: facts.id, check: each });
    more(tally);
    return { events, tally };
  }
  const finished = (scenario: string, problem?: Problem) =>
    ({ type: 'scenario-finished', scenario, mesh: facts.id, durationMs: 1, problem }) as const;
  const problem = { code: 'E_KUBE', message: 'broke off' } as const;

  test('a scenario that broke off is no verdict, and says why nothing was tested', () => {
    const { tally, events } = tallied([of('skipped')], (all) => all.emit(finished('a', problem)));
    expect(tally.finish([meshOf()], ending)).toBe(4);
    expect(endOf(events).problem).toBeUndefined();
  });

  test('a phase that failed, and was begun again, is no problem', () => {
    const { tally } = tallied([of('passed')], (all) => {
      all.emit({ type: 'phase-failed', phase: 'starting', durationMs: 1, problem });
      all.emit(finished('a'));
    });
    expect(tally.finish([meshOf()], ending)).toBe(0);
  });

  test('a check of which nothing came is no verdict, on whichever mesh', () => {
    const planned = (mesh: string, checks: number) =>
      ({ type: 'planned', mesh, scenarios: [{ info, checks }] }) as const;
    const { tally } = tallied([], (all) => {
      for (const mesh of ['one', 'other']) {
        all.emit(planned(mesh, mesh === 'one' ? 1 : 2));
        all.emit({ type: 'check-finished', mesh, check: of('passed') });
      }
    });
    expect(tally.finish([meshOf('one', 'one'), meshOf('other', 'other')], ending)).toBe(4);
  });

  test('a check that was skipped without a reason is said to be so', () => {
    const { tally, events } = tallied([of('skipped')]);
    expect(tally.finish([meshOf()], ending)).toBe(4);
    expect(endOf(events).problem?.message).toContain('(no reason given)');
    expect(events.map(({ type }) => type)).not.toContain('warning');
  });

  test('what ended the work on a mesh first explains most, and is told once', () => {
    const [one, other] = [meshOf('one'), meshOf('other')];
    const { events, tally } = tallied([of('passed')], (all) => {
      all.failed(one, new HarnessError('E_ISTIO', 'first'), false);
      all.failed(one, new HarnessError('E_KUBE', 'second'), false);
      all.failed(other, new HarnessError('E_KUBE', 'third'), false);
    });
    const told = events.flatMap((event) =>
      event.type === 'mesh-failed' ? [[event.mesh, event.problem.message]] : [],
    );
    expect(told).toEqual([
      ['one', 'first'],
      ['other', 'third'],
    ]);
    tally.finish([one, other], ending);
    expect(endOf(events).problem).toBeUndefined();
  });

  test('of several errors the one that leaves most open decides about the exit code', () => {
    const { tally } = tallied([], (all) => {
      all.failed(meshOf('one'), new HarnessError('E_SCENARIO', 'wrong'), false);
      all.failed(meshOf('other'), new HarnessError('E_KUBE', 'gone'), false);
    });
    expect(tally.finish([], ending)).toBe(4);
  });

  test('a mesh that was not tested is told although another one failed', () => {
    const [broken, idle] = [meshOf('broken', ''), meshOf('idle', 'idle')];
    const { tally, events } = tallied([of('passed')], (all) =>
      all.failed(broken, new HarnessError('E_USAGE', 'no such scenario'), false),
    );
    tally.finish([meshOf('tested'), broken, idle], ending);
    expect(events.flatMap((event) => (event.type === 'mesh-failed' ? event.mesh : []))).toEqual([
      'broken',
      'idle',
    ]);
  });

  test.each<[CheckState[], boolean]>([
    [['passed', 'skipped', 'known'], false],
    [['failed'], true],
    [['error'], true],
    [['failed', 'error'], true],
  ])('checks that are %j are failures: %s', (states, expected) => {
    expect(tallied(states.map((state) => of(state))).tally.hasFailures).toBe(expected);
  });

  test('the baseline decides about checks of meshes that are there, and is looked through in the end', () => {
    const place = { file: 'known.yaml', line: 1, column: 1 };
    const entry = (id: string) => ({ check: id, reason: 'r', until: '9999-12-31', place });
    const known = new KnownDeviations({ entries: [entry('require-jwt/s/r/c'), entry('require-jwt/typo')] });
    const { events, tally } = tallied([of('failed')], () => {}, known);
    tally.emit({ type: 'check-finished', mesh: 'not there yet', check: of('failed') });
    expect(tally.counts).toMatchObject({ known: 1, failed: 1 });
    tally.finish([meshOf()], ending);
    expect(events.filter(({ type }) => type === 'warning')).toEqual([
      {
        type: 'warning',
        at: expect.any(Number),
        message: expect.stringContaining('"require-jwt/typo"'),
        place,
      },
    ]);
  });
});

/** A mesh, the checks of its scenarios, and what else went wrong. */
const mesh = fc.record({
  scenarios: fc.array(
    fc.record({
      checks: fc.array(fc.constantFrom<CheckState>('passed', 'failed', 'known', 'error', 'skipped'), {
        maxLength: 3,
      }),
      lost: fc.constantFrom(0, 0, 0, 1),
      hasProblem: fc.constantFrom(false, false, false, true),
    }),
    { maxLength: 3 },
  ),
  failure: fc.constantFrom(undefined, undefined, undefined, 'E_ISTIO', 'E_USAGE', 'E_SCENARIO', 'E_KUBE'),
});
const stream = fc.record({
  meshes: fc.array(mesh, { minLength: 1, maxLength: 3 }),
  cutOff: fc.constantFrom(undefined, undefined, undefined, undefined, 'SIGINT'),
});
type Stream = typeof stream extends fc.Arbitrary<infer T> ? T : never;

/** What the runner tells of it. */
function told({ meshes, cutOff }: Stream): { exitCode: number; result: RunResult } {
  const model = new ResultModel();
  const tally = new Tally((event) => model.add(event));
  const isSeveral = meshes.length > 1;
  const all = meshes.map((_, index) => {
    const facts: MeshFacts = { ...kind, id: `mesh-${index}`, istio: `1.3${index}.0` };
    const own = new Mesh(new FakeTarget(), isSeveral ? facts.id : undefined);
    Object.defineProperty(own, 'facts', { value: facts });
    return { own, facts };
  });
  tally.emit({
    type: 'run-started',
    runId: 'r',
    version: '1',
    meshes: isSeveral ? all.map(({ facts }) => facts.id) : undefined,
  });
  for (const [index, { scenarios, failure }] of meshes.entries()) {
    const { own, facts } = all[index]!;
    tally.emit({ type: 'mesh-ready', mesh: facts });
    const infos = scenarios.map((_, number) => ({ ...requireJwt, id: `s${number}`, mesh: facts.id }));
    tally.emit({
      type: 'planned',
      mesh: facts.id,
      scenarios: scenarios.map(({ checks, lost }, number) => ({
        info: infos[number]!,
        checks: checks.length + lost,
      })),
    });
    for (const [number, { checks, hasProblem }] of scenarios.entries()) {
      const info = infos[number]!;
      tally.emit({ type: 'scenario-started', scenario: info });
      for (const [row, state] of checks.entries()) {
        const part = { step: 's', row: `${row}`, column: 'c', expected: '200', state };
        tally.emit({ type: 'check-finished', mesh: facts.id, check: check(info, part) });
      }
      const problem = hasProblem ? { code: 'E_KUBE' as const, message: 'broke off' } : undefined;
      tally.emit({ type: 'scenario-finished', scenario: info.id, mesh: facts.id, durationMs: 1, problem });
    }
    if (failure !== undefined) tally.failed(own, new HarnessError(failure, `why ${failure}`), false);
  }
  const exitCode = tally.finish(
    all.map(({ own }) => own),
    { durationMs: 1, cutOff: cutOff === undefined ? undefined : AbortSignal.abort(cutOff), shard: undefined },
  );
  return { exitCode, result: model.result() };
}

const isRed = (result: RunResult) =>
  junitSuites(result)
    .flatMap(({ cases }) => cases)
    .some(({ outcome }) => outcome?.kind === 'failure' || outcome?.kind === 'error');

describe('whatever happens in a run', () => {
  test('JUnit, the page and the summary are green exactly when the exit code is 0', () => {
    const seen = new Set<number>();
    fc.assert(
      fc.property(stream, (input) => {
        const { exitCode, result } = told(input);
        seen.add(exitCode);
        const isGreen = exitCode === 0;
        expect(isRed(result)).toBe(!isGreen);
        expect(verdictOf(result).look === 'passed').toBe(isGreen);
        expect(summaryMarkdown(result).startsWith('## ✅')).toBe(isGreen);
        const verdicts = result.counts.passed + result.counts.failed + (result.counts.known ?? 0);
        if (isGreen) expect(verdicts).toBeGreaterThan(0);
        if (exitCode === 1) expect(result.counts.failed).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
    expect(seen).toEqual(new Set([0, 1, 2, 3, 4, 130]));
  });

  test('the merged report of it is as green or red, and so is that of several', () => {
    const results = fc.array(stream, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(results, (inputs) => {
        const all = inputs.map((input, index) => {
          const { exitCode, result } = told(input);
          // Meshes of their own, or their scenarios would be there twice.
          const text = JSON.stringify(result).replaceAll('mesh-', `run-${index}-mesh-`);
          return { exitCode, file: `${index}.json`, result: JSON.parse(text) as RunResult };
        });
        const merged = mergeResults(all);
        const isGreen = merged.exitCode === 0;
        expect(isGreen).toBe(all.every(({ exitCode }) => exitCode === 0));
        expect(isRed(merged)).toBe(!isGreen);
        expect(verdictOf(merged).look === 'passed').toBe(isGreen);
      }),
      { numRuns: 500 },
    );
  });

  test('a result that ends with another code than 0 has a red case, though nothing else in it is red', () => {
    const { result } = told({
      meshes: [{ scenarios: [{ checks: ['passed'], lost: 0, hasProblem: false }], failure: undefined }],
      cutOff: undefined,
    });
    for (const exitCode of [1, 2, 3, 4, 130, 143]) {
      expect(isRed({ ...result, exitCode })).toBe(true);
      const merged = mergeResults([{ file: 'a.json', result: { ...result, exitCode } }]);
      expect(merged.exitCode).not.toBe(0);
      expect(isRed(merged)).toBe(true);
    }
    expect(isRed(result)).toBe(false);
  });
});
