import { afterEach, describe, expect, test, vi } from 'vitest';
import type { CheckResult, Event, MeshFacts } from '../../../src/base/events.ts';
import { applyBaseline, type BaselineEntry } from '../../../src/run/answers/known.ts';
import { KnownDeviations } from '../../../src/run/answers/known-use.ts';
import { FakeTarget } from '../../support/fake-target.ts';
import { applyAuthorization, run, scenarioSource, sendStep } from '../support.ts';

const today = '2026-11-25';
const facts: MeshFacts = { id: 'm', target: 'kind', reason: 'r', istio: '1.30.3', fetch: 'istiod' };
const place = { file: 'known.yaml', line: 2, column: 5 };

function entry(more: Partial<BaselineEntry> = {}): BaselineEntry {
  return {
    check: 'require-jwt/a step/valid//headers',
    reason: 'istio/istio#1',
    until: '2026-12-31',
    place,
    ...more,
  };
}

function failed(more: Partial<CheckResult> = {}): CheckResult {
  return {
    id: 'require-jwt/a step/valid//headers',
    kind: 'request',
    scenario: 'require-jwt',
    step: 'a step',
    row: 'valid',
    column: '/headers',
    source: { document: 'd', section: 's' },
    place: { file: 'a.yaml', line: 1, column: 1 },
    state: 'failed',
    expected: '200',
    actual: '403 "RBAC: access denied"',
    response: { status: 403, headers: {}, body: 'RBAC: access denied' },
    durationMs: 1,
    ...more,
  };
}

const seen = (check: CheckResult, more: Partial<BaselineEntry> = {}, on = facts) =>
  applyBaseline(check, on, { entries: [entry(more)] }, today);

describe('a failed check is known', () => {
  test('with the reason and the day of its entry', () => {
    expect(seen(failed())).toEqual({
      ...failed(),
      state: 'known',
      known: { reason: 'istio/istio#1', until: '2026-12-31' },
    });
  });

  test.each([
    ['any step', { check: 'require-jwt/*' }],
    ['any scenario', { check: '*//headers' }],
    ['its last day', { until: today }],
    ['the range of versions', { istio: '>=1.30 <1.31' }],
    ['the target', { target: ['local', 'kind'] }],
    ['the fetch mode of the mesh', { fetch: ['istiod'] as const }],
    ['the status code', { answer: 403 }],
    ['the answer', { answer: '403 "RBAC*"' }],
  ])('by %s', (_, more) => {
    expect(seen(failed(), more).state).toBe('known');
  });

  test('by an answer of several lines', () => {
    const actual = 'refused:\n  unknown field "spec.action"\n';
    const check = failed({ kind: 'apply', actual, response: undefined });
    expect(seen(check, { answer: 'refused:*spec.action*' }).state).toBe('known');
    expect(seen(check, { answer: actual }).state).toBe('known');
    expect(seen(check, { answer: 'refused:*spec.rules*' }).state).toBe('failed');
  });

  test('in the tenth repetition as in the first', () => {
    const scenario = 'require-jwt#10';
    expect(seen(failed({ scenario, id: `${scenario}/a step/valid//headers` })).state).toBe('known');
  });

  test('by its own id alone, also where results of others have one that does not begin with its scenario', () => {
    const id = 'other-one-1/a step/valid//headers';
    expect(id.indexOf('/')).toBe('require-jwt'.length);
    expect(seen(failed({ id })).state).toBe('failed');
    expect(seen(failed({ id }), { check: id }).state).toBe('known');
  });

  test('in every repetition, and in the fetch mode of its own scenario', () => {
    const scenario = 'jwks@envoy#2';
    const check = failed({ scenario, fetch: 'envoy', id: `${scenario}/a step/valid//headers` });
    expect(seen(check, { check: 'jwks@envoy/*', fetch: ['envoy'] }).state).toBe('known');
    expect(seen(check, { check: 'jwks@envoy/*', fetch: ['istiod'] }).state).toBe('failed');
  });
});

test('an answer that is not that of the policy is never known: the policy was rejected, or has not arrived', () => {
  const rejected = failed({ code: 'E_NACK' });
  expect(seen(rejected)).toEqual(rejected);
  expect(seen(rejected, { answer: 403 }).state).toBe('failed');
  const unproven = failed({ state: 'error', code: 'E_UNPROVEN' });
  expect(seen(unproven)).toEqual(unproven);
});

describe('a check stays what it is', () => {
  test.each([
    ['of another id', { check: 'require-jwt/a step/valid' }],
    ['where a dot is no wildcard', { check: 'require.jwt/a step/valid//headers' }],
    ['where a question mark is no wildcard', { check: 'require-jwt/a step/valid//header?' }],
    ['where only the end is alike', { check: 'jwt/a step/valid//headers' }],
    ['in another version', { istio: '<1.30' }],
    ['on another target', { target: ['local'] }],
    ['in another fetch mode', { fetch: ['envoy'] as const }],
  ])('%s', (_, more) => {
    expect(seen(failed(), more)).toEqual(failed());
  });

  test.each(['passed', 'error', 'skipped'] as const)('when it is %s', (state) => {
    expect(seen(failed({ state }))).toEqual(failed({ state }));
  });

  test('after the last day, with a hint that says so', () => {
    const check = seen(failed({ hint: 'Look at it.' }), { until: '2026-11-24' });
    expect([check.state, check.known]).toEqual(['failed', undefined]);
    expect(check.hint).toBe(
      'Look at it. This was known until 2026-11-24 (known.yaml:2:5): istio/istio#1. Mend it, or give the entry another day.',
    );
  });

  test('with another answer, with a hint that says so', () => {
    const check = seen(failed(), { answer: 401 });
    expect([check.state, check.hint]).toEqual(['failed', 'Another answer is known (known.yaml:2:5): 401.']);
  });

  test('where an answer is known, and none came', () => {
    const none = failed({ actual: undefined, response: undefined });
    expect(seen(none, { answer: 403 }).state).toBe('failed');
    expect(seen(none, { answer: '403*' }).state).toBe('failed');
  });
});

test('of several entries the one that still holds counts', () => {
  const entries = [entry({ until: '2026-01-01' }), entry({ answer: 401 }), entry({ reason: 'third' })];
  expect(applyBaseline(failed(), facts, { entries }, today).known?.reason).toBe('third');
});

describe('today', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test('is the day in UTC', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-25T23:59:59.999Z') });
    const state = (until: string) =>
      new KnownDeviations({ entries: [entry({ until })] }).apply(failed(), facts).state;
    expect(['2026-11-24', '2026-11-25', '2026-11-26'].map(state)).toEqual(['failed', 'known', 'known']);
  });
});

describe('entries that are of no use', () => {
  const remarks = (entries: BaselineEntry[], checks: CheckResult[], isWhole = false) => {
    const known = new KnownDeviations({ entries, isWhole }, today);
    for (const check of checks) known.apply(check, facts);
    return known.remarks().map(({ message }) => message);
  };
  const passed = failed({ state: 'passed' });

  test('are those whose checks pass, and those that match nothing', () => {
    expect(remarks([entry(), entry({ check: 'require-jwt/a stop/*' })], [passed])).toEqual([
      'known deviation "require-jwt/a step/valid//headers" is gone: its checks pass; remove the entry',
      'known deviation "require-jwt/a stop/*" matches no check; mend its id or remove the entry',
    ]);
  });

  test.each([
    ['fails', failed()],
    ['has no verdict', failed({ state: 'error' })],
    ['was skipped', failed({ state: 'skipped' })],
  ])('are not those whose check %s', (_, check) => {
    expect(remarks([entry()], [check])).toEqual([]);
  });

  test('are not those of which another check fails', () => {
    const other = failed({ id: 'require-jwt/a step/expired//headers', row: 'expired' });
    expect(remarks([entry({ check: 'require-jwt/*' })], [passed, other])).toEqual([]);
  });

  test('are not those of which another check has no verdict, or another answer', () => {
    const other = { id: 'require-jwt/a step/expired//headers', row: 'expired' };
    const all = { check: 'require-jwt/*', answer: 401 };
    expect(remarks([entry(all)], [passed, failed({ ...other, state: 'error' })])).toEqual([]);
    expect(remarks([entry(all)], [passed, failed(other)])).toEqual([]);
    expect(remarks([entry(all)], [passed, failed({ ...other, state: 'skipped' })])).toHaveLength(1);
  });

  test('are looked for among the scenarios that were run, in every repetition', () => {
    const second = failed({ scenario: 'require-jwt#2', id: 'require-jwt#2/a step/valid//headers' });
    expect(remarks([entry({ check: 'require-jwt/typo' })], [second])).toHaveLength(1);
    expect(remarks([entry({ check: 'other-*/typo' })], [second])).toEqual([]);
    expect(remarks([entry({ check: 'require-*/typo' })], [second])).toHaveLength(1);
    // Without a slash it may be about any scenario.
    expect(remarks([entry({ check: '*//haeders' }), entry({ check: '*haeders' })], [second])).toHaveLength(2);
    expect(remarks([entry({ check: 'haeders' })], [second])).toEqual([]);
  });

  test('are not those for other meshes', () => {
    const others = [{ istio: '<1.30' }, { target: ['cluster'] }, { fetch: ['envoy'] as const }];
    expect(remarks(others.map(entry), [passed])).toEqual([]);
  });

  test('are those for one of the meshes, and for one of the scenarios', () => {
    const typo = entry({ check: 'require-jwt/typo', istio: '1.30.3' });
    const known = new KnownDeviations({ entries: [typo] }, today);
    known.apply(failed({ scenario: 'other', id: 'other/a step/valid//headers' }), {
      ...facts,
      istio: '1.29.0',
    });
    expect(known.remarks()).toEqual([]);
    known.apply(passed, facts);
    expect(known.remarks()).toHaveLength(1);
  });

  test('are not those for scenarios that were left out, unless nothing was', () => {
    const gone = entry({ check: 'removed-scenario/*' });
    expect(remarks([gone], [passed])).toEqual([]);
    expect(remarks([gone], [passed], true)).toHaveLength(1);
  });
});

describe('a run', () => {
  const source = scenarioSource('one', sendStep('after', '[403, 200]', applyAuthorization));
  const known = (more: Partial<BaselineEntry> = {}) => ({
    entries: [entry({ check: 'one/after//headers/no token', until: '9999-12-31', ...more })],
  });
  const warnings = (events: readonly Event[]) => events.filter(({ type }) => type === 'warning');
  const enforcing = () => {
    const target = new FakeTarget();
    target.answer = ({ headers }) => (headers.some(([name]) => name === 'Authorization') ? 200 : 403);
    return target;
  };

  test('with nothing but known deviations passes, and everybody sees them as known', async () => {
    const { exitCode, events, checks } = await run([source], { baseline: known() });
    expect(checks.map(({ state }) => state)).toEqual(['known', 'passed']);
    expect(exitCode).toBe(0);
    expect(events.at(-1)).toMatchObject({ counts: { passed: 1, failed: 0, known: 1 }, exitCode: 0 });
    expect(warnings(events)).toEqual([]);
  });

  test('goes on after them with --fail-fast', async () => {
    const other = source.replace('name: one', 'name: two');
    const { checks } = await run([source, other], { baseline: known(), failFast: true });
    expect(checks.filter(({ state }) => state === 'skipped')).toEqual([]);
  });

  test('is red when it is another answer', async () => {
    const { exitCode } = await run([source], { baseline: known({ answer: 503 }) });
    expect(exitCode).toBe(1);
  });

  test('says before its end that an entry can go', async () => {
    const { exitCode, events } = await run([source], { baseline: known(), target: enforcing() });
    expect(exitCode).toBe(0);
    expect(warnings(events)).toEqual([expect.objectContaining({ place })]);
    expect(events.at(-1)?.type).toBe('run-finished');
  });
});
