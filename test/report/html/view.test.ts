import { describe, expect, it } from 'vitest';
import { Anchors } from '../../../src/report/html/anchors.ts';
import { causesOf } from '../../../src/report/html/check/causes.ts';
import { lanesOf } from '../../../src/report/html/check/lanes.ts';
import { policiesOf } from '../../../src/report/html/check/policies.ts';
import { verdictOf } from '../../../src/report/html/summary/run-verdict.ts';
import { viewOf } from '../../../src/report/html/view.ts';
import type { StepResult } from '../../../src/report/result.ts';
import * as runs from '../runs.ts';
import { failing, resultOf, sideBySide } from './showcase.ts';

describe('verdictOf', () => {
  it.each([
    [runs.passed, 'passed', 'Passed', '6 checks got the documented answer.'],
    [
      runs.failures,
      'failed',
      'Failed',
      '3 of 12 checks got another answer than documented; 3 without a verdict.',
    ],
    [runs.skipped, 'passed', 'Passed', '4 checks got the documented answer, 2 skipped.'],
    [runs.setupFailed, 'error', 'No verdict', 'Nothing can be said about 6 of 6 checks; 0 passed.'],
    [
      runs.killed,
      'running',
      'Not finished',
      'The run is still going, or it was killed. 4 checks of 6 passed so far.',
    ],
    [
      runs.untested,
      'error',
      'Nothing tested',
      'Nothing was tested: all 2 checks were skipped (target local has no ingress gateway).',
    ],
    [runs.several, 'failed', 'Failed', '1 of 12 checks got another answer than documented.'],
  ] as const)('of run %#', (events, look, title, sentence) => {
    expect(verdictOf(resultOf(events))).toEqual({ look, title, sentence });
  });

  it('is never passed for a run that was stopped, that lost its mesh or that made no check', () => {
    const passed = resultOf(runs.passed);
    const interrupted = { ...passed, run: { ...passed.run, state: 'interrupted' as const }, exitCode: 130 };
    const none = { ...passed, counts: { passed: 0, failed: 0, error: 0, skipped: 6, notRun: 0 } };
    expect([interrupted, { ...passed, exitCode: 4 }, none].map((result) => verdictOf(result).title)).toEqual([
      'Interrupted',
      'No verdict',
      'Nothing tested',
    ]);
  });

  it('counts known deviations apart', () => {
    const result = resultOf(runs.passed);
    const counts = { ...result.counts, passed: 5, known: 1 };
    expect(verdictOf({ ...result, counts }).sentence).toBe(
      '5 checks got the documented answer, 1 failed as known.',
    );
  });
});

describe('causesOf', () => {
  it('names each cause once, wrong answers first, with the checks that show it', () => {
    const causes = causesOf(viewOf(resultOf(runs.failures)));
    expect(causes.map(({ look, message, checks, where }) => [look, message, checks.length, where])).toEqual([
      ['failed', 'the mesh let the request through, 3 times in a row', 1, []],
      ['failed', 'expected 401, got 403', 1, []],
      ['failed', 'expected istiod, got envoy (4 requests)', 1, []],
      ['error', 'curl in sleep-5b7c.foo gave no answer within 10s', 1, []],
      [
        'error',
        'deployment httpbin in foo was not ready within 120s',
        0,
        ['scenario: jwks-external-http@envoy'],
      ],
    ]);
  });

  it('tells a problem once that comes up in the set-up and at the end of the run', () => {
    const [cause, ...rest] = causesOf(viewOf(resultOf(runs.setupFailed)));
    expect(rest).toEqual([]);
    expect(cause?.where).toEqual(['set-up: install Istio 1.30.3', 'the run']);
    expect(cause?.details).toContain('failed to wait for resource');
  });

  it('has nothing to say of a run that passed', () => {
    expect(causesOf(viewOf(resultOf(runs.passed)))).toEqual([]);
  });
});

describe('viewOf', () => {
  it('puts the answers of several meshes side by side and marks what differs', () => {
    const { scenarios, meshes } = viewOf(resultOf(sideBySide));
    expect(meshes.map(({ name }) => name)).toEqual([
      'Istio 1.29.4, Envoy 1.37.2',
      'Istio 1.30.3, Envoy 1.38.1',
    ]);
    expect(scenarios.map(({ info }) => info.id)).toEqual(['require-jwt', 'bookinfo-exclusion']);
    const step = scenarios[0]?.steps.find(({ name }) => name === 'a token is required');
    const row = step?.requests?.rows.find(({ name }) => name === 'expired');
    expect(row?.cells[0]?.map(({ shown }) => [shown[0]?.check.state, shown[0]?.changed])).toEqual([
      ['passed', true],
      ['failed', true],
    ]);
    const other = step?.requests?.rows.find(({ name }) => name === 'valid');
    expect(other?.cells[0]?.map(({ shown }) => shown[0]?.changed)).toEqual([false, false]);
  });

  it('says why there is no answer: not run, or no mesh', () => {
    const missing = (of: typeof sideBySide, scenario: string) =>
      viewOf(resultOf(of))
        .scenarios.find(({ info }) => info.id === scenario)
        ?.steps[0]?.requests?.rows.at(-1)
        ?.cells[0]?.map((cell) => (cell.shown.length > 0 ? 'answered' : cell.missing));
    expect(missing(sideBySide, 'bookinfo-exclusion')).toEqual(['answered', 'not run']);
    expect(missing(runs.several, 'require-jwt')).toEqual(['answered', 'answered', 'no mesh']);
  });

  it('gives a check the same anchor in every report', () => {
    const anchor = (events: typeof failing) =>
      viewOf(resultOf(events)).checks.find(
        ({ check }) => check.id === 'require-jwt/a token is required/valid//headers',
      )?.anchor;
    expect(anchor(failing)).toBe('check-require-jwt-a-token-is-required-valid-headers-8f6e4c');
  });
});

describe('Anchors', () => {
  it('are unique for names that look alike, and never an id of the page', () => {
    const anchors = new Anchors();
    const made = [['a b'], ['a-b'], ['a', 'b'], ['a b'], ['<>'], ['']].map((names) =>
      anchors.make('check', ...names),
    );
    expect(new Set(made).size).toBe(made.length);
    for (const id of made) expect(id).toMatch(/^check-[a-z0-9.-]*$/);
  });
});

describe('policiesOf', () => {
  const step = (name: string, objects: string[], manifests?: [string, string][]): StepResult => ({
    name,
    objects,
    warnings: [],
    manifests: manifests?.map(([object, yaml]) => ({ object, yaml })),
  });

  it('keeps what earlier steps applied, replaces what is applied again, forgets what is deleted', () => {
    const steps = policiesOf(
      [
        step(
          'one',
          ['A x/a created', 'B x/b created'],
          [
            ['A x/a', 'a1'],
            ['B x/b', 'b1'],
          ],
        ),
        step('two', ['A x/a changed'], [['A x/a', 'a2']]),
        step('three', ['B x/b deleted'], []),
      ],
      new Anchors(),
    );
    expect(
      [...steps].map(([name, { inForce }]) => [name, inForce.map(({ yaml, step }) => [yaml, step])]),
    ).toEqual([
      [
        'one',
        [
          ['a1', 'one'],
          ['b1', 'one'],
        ],
      ],
      [
        'two',
        [
          ['a2', 'two'],
          ['b1', 'one'],
        ],
      ],
      ['three', [['a2', 'two']]],
    ]);
  });

  it('says so when there is no text of what was applied', () => {
    const steps = policiesOf(
      [step('one', []), step('two', ['A x/a created']), step('three', [])],
      new Anchors(),
    );
    expect([...steps.values()].map(({ isUnknown }) => isUnknown)).toEqual([false, true, true]);
  });
});

describe('lanesOf', () => {
  const part = (events: typeof failing, name: string) =>
    viewOf(resultOf(events)).scenarios[0]!.steps.find((step) => step.name === name)!.parts[0]!;

  it('has a lane for each check with a wrong answer, one for all others, and the leak window', () => {
    const lanes = lanesOf(part(failing, 'with RequestAuthentication alone'));
    expect(lanes).toMatchObject({ heldMs: 412, windowMs: 980, stale: 9 });
    expect(lanes?.lanes.map(({ label, words }) => [label, words])).toEqual([
      ['expired › /headers', '9 wrong answers until 980 ms, right from 1.20 s'],
      ['3 checks', 'no wrong answer, right from 212 ms'],
    ]);
  });

  it('does not call it a leak window when the answer never came, nor lets it stretch the picture', () => {
    const lanes = lanesOf(part(failing, 'a token is required'));
    expect(lanes).toMatchObject({ windowMs: 430, stale: 1 });
    expect(lanes?.endMs).toBeLessThan(1000);
    expect(lanes?.lanes[0]).toMatchObject({
      words: '60 wrong answers until 30.1 s, never right',
      rightFrom: undefined,
    });
  });

  it('has no time from which answers are right that come in turns', () => {
    const { result, ...rest } = part(failing, 'a token is required');
    const convergence = {
      attempts: 60,
      firstRightMs: 300,
      lastWrongMs: 900,
      stale: 27,
      answers: 55,
      right: 28,
    };
    const checks = rest.checks.map((shown) => ({
      ...shown,
      check: { ...shown.check, state: 'failed' as const, convergence },
    }));
    const lanes = lanesOf({ ...rest, result, checks });
    expect(lanes).toMatchObject({ windowMs: undefined, stale: 0 });
    expect(lanes?.lanes[0]).toMatchObject({
      words: '27 wrong answers until 900 ms, right at 300 ms, but not to the end',
      rightFrom: undefined,
    });
  });

  it('is not drawn for a step that changed nothing', () => {
    expect(lanesOf(part(failing, 'without any policy every request passes'))).toBeUndefined();
  });
});
