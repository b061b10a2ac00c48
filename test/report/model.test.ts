import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/base/events.ts';
import { ResultModel } from '../../src/report/model.ts';
import { isoTime, type RunResult } from '../../src/report/result.ts';
import {
  check,
  closing,
  exclusion,
  opening,
  planned,
  requireJwt,
  scenarioEvents,
  stream,
} from './fixture.ts';
import * as runs from './runs.ts';

function fold(events: readonly Event[]): RunResult {
  const model = new ResultModel();
  for (const event of events) model.add(event);
  return model.result();
}
const states = (result: RunResult): string[] =>
  result.scenarios.map(({ info, state, notRun }) => `${info.id} ${state} ${notRun}`);

describe('ResultModel', () => {
  it('counts what the check events say, as run-finished does', () => {
    for (const events of Object.values(runs)) {
      const last = events.at(-1);
      if (last?.type !== 'run-finished') continue;
      const { notRun: _, ...counts } = fold(events).counts;
      expect(counts).toEqual(last.counts);
    }
  });

  it('gives every scenario its state', () => {
    expect(states(fold(runs.failures))).toEqual([
      'require-jwt failed 0',
      'jwks-external-http@istiod failed 0',
      'jwks-external-http@envoy error 2',
      'bookinfo-exclusion skipped 0',
    ]);
    expect(states(fold(runs.interrupted))).toEqual(['require-jwt failed 2', 'bookinfo-exclusion error 2']);
    expect(states(fold(runs.killed))).toEqual(['require-jwt passed 0', 'bookinfo-exclusion running 2']);
    expect(states(fold(runs.setupFailed))).toEqual(['require-jwt error 4', 'bookinfo-exclusion error 2']);
  });

  it('never calls a scenario passed that lost checks', () => {
    const one = check(requireJwt, { step: 'a', row: 'b', column: 'c', expected: '200' });
    const result = fold(
      stream([...opening, planned([requireJwt, 2]), ...scenarioEvents(requireJwt, [one]), closing(0, {})]),
    );
    expect(states(result)).toEqual(['require-jwt error 1']);
  });

  it('lists every finding once, with its checks, and none that a failed check should have shown', () => {
    expect(fold(runs.failures).findings).toEqual([
      {
        text: 'istiod caches keys for 20 minutes, the document says 5',
        checks: ['jwks-external-http/keys by URL/valid//ip'],
      },
    ]);
  });

  it('keeps scenarios of the same name on two meshes apart, and their steps', () => {
    const other = { ...requireJwt, mesh: 'kind-1.29.1' };
    const steps = (mesh: typeof requireJwt, step: string) =>
      scenarioEvents(mesh, [check(mesh, { step, row: 'b', column: 'c', expected: '200' })]);
    const result = fold(stream([...steps(requireJwt, 'first'), ...steps(other, 'second')]));
    expect(result.scenarios.map(({ info, steps: [step] }) => [info.mesh, step?.name])).toEqual([
      ['kind-1.30.3', 'first'],
      ['kind-1.29.1', 'second'],
    ]);
  });

  it('keeps phases of the same name on two meshes apart', () => {
    const { phases } = fold(
      stream([
        { type: 'phase-started', phase: 'istiod', mesh: 'one' },
        { type: 'phase-started', phase: 'istiod', mesh: 'two' },
        { type: 'phase-finished', phase: 'istiod', mesh: 'one', durationMs: 5 },
      ]),
    );
    expect(phases.map(({ mesh, state }) => [mesh, state])).toEqual([
      ['one', 'passed'],
      ['two', 'running'],
    ]);
  });

  it('keeps a check of a scenario that was never announced', () => {
    const event = {
      type: 'check-finished',
      mesh: 'm',
      check: check(exclusion, { step: 'a', row: 'b', column: 'c', expected: '1' }),
    } as const;
    const result = fold(stream([event]));
    expect(result.counts.passed).toBe(1);
    expect(result.scenarios[0]?.info).toMatchObject({ id: 'bookinfo-exclusion', mesh: 'm' });
  });

  it('says how far a run is that has not finished', () => {
    const { run, exitCode } = fold(runs.killed);
    expect(run).toMatchObject({ state: 'running', startedAt: '2026-03-14T09:30:00.000Z', durationMs: 7600 });
    expect(exitCode).toBeNull();
    expect(fold(runs.interrupted).run.state).toBe('interrupted');
  });
});

describe('isoTime', () => {
  it('stands what is no date', () => {
    expect(isoTime(Number.NaN)).toBe('1970-01-01T00:00:00.000Z');
    expect(isoTime(1e300)).toBe('9999-12-31T00:00:00.000Z');
  });
});
