import { describe, expect, it } from 'vitest';
import type { CheckState } from '../../../src/base/events.ts';
import { lastTurn, type Past, pastOf, pastRunOf } from '../../../src/report/history/history.ts';
import { onMesh, resultOf } from '../results.ts';
import * as runs from '../runs.ts';

const id = 'require-jwt/a token is required/no token//headers';

describe('pastOf', () => {
  const passed = pastRunOf(resultOf(runs.passed));
  const failed = pastRunOf(resultOf(runs.failures));
  const history = { runs: [passed, failed], problems: [] };

  it('has the state of the check in each run, the oldest first', () => {
    expect(pastOf(history, 'kind-1.30.3', id, 1).map(({ state, istio }) => [state, istio])).toEqual([
      ['passed', '1.30.3'],
      ['failed', '1.30.3'],
    ]);
    expect(pastOf(history, 'kind-1.30.3', 'no such check', 1).map(({ state }) => state)).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('of runs with one mesh follows that mesh when an upgrade has given it another name', () => {
    expect(pastOf(history, 'kind-1.31.0', id, 1)[0]?.state).toBe('passed');
  });

  it('of several meshes takes the one of the same name, and no other', () => {
    expect(pastOf(history, 'kind-1.31.0', id, 2)[0]?.state).toBeUndefined();
    const two = pastRunOf({
      ...resultOf(runs.passed),
      scenarios: [
        ...resultOf(runs.passed).scenarios,
        ...onMesh(resultOf(runs.failures), { id: 'other' }).scenarios,
      ],
    });
    const states = ['kind-1.30.3', 'other', 'third'].map(
      (mesh) => pastOf({ runs: [two], problems: [] }, mesh, id, 1)[0]?.state,
    );
    expect(states).toEqual(['passed', 'failed', undefined]);
  });

  it('takes names from outside for names', () => {
    expect(pastOf(history, '__proto__', 'constructor', 2)[0]?.state).toBeUndefined();
  });
});

describe('lastTurn', () => {
  const past = (states: readonly (CheckState | undefined)[]): Past[] =>
    states.map((state, index) => ({
      run: { id: `${index}`, startedAt: `2026-03-0${index + 1}T00:00:00Z` },
      istio: undefined,
      state,
    }));

  it.each([
    [['passed', 'passed', 'failed', 'failed'], 'failed', 'passed', '2', 3],
    [['failed', 'passed'], 'failed', 'passed', undefined, 1],
    [['passed', undefined, 'failed', 'skipped'], 'failed', 'passed', '2', 2],
    [['passed', 'failed', 'passed'], 'passed', 'failed', '2', 2],
    [['error'], 'failed', 'error', undefined, 1],
  ] as const)('of %j and then %s: before it was %s', (states, now, before, since, runs) => {
    const turn = lastTurn(past(states), now);
    expect([turn?.before, turn?.since?.id, turn?.runs]).toEqual([before, since, runs]);
  });

  it.each([
    [['passed', 'passed'], 'passed'],
    [[undefined, 'skipped'], 'failed'],
    [[], 'passed'],
  ] as const)('of %j and then %s there is none', (states, now) => {
    expect(lastTurn(past(states), now)).toBeUndefined();
  });
});
