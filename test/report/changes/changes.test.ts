import { describe, expect, test } from 'vitest';
import type { CheckResult, CheckState } from '../../../src/base/events.ts';
import { changesBetween } from '../../../src/report/changes/changes.ts';
import { changeLines } from '../../../src/report/changes/changes-text.ts';
import { meshVerdicts } from '../../../src/report/conformance/conformance-verdicts.ts';
import { colorsOf } from '../../../src/report/console/terminal.ts';
import type { RunResult } from '../../../src/report/result.ts';
import { onMesh, resultOf, shardOf, withChecks } from '../results.ts';
import * as runs from '../runs.ts';

const only = (result: RunResult) => meshVerdicts(result)[0]!;
const passed = resultOf(runs.passed);
const noColors = colorsOf(false);

/** The passed run with its first check of require-jwt in another state, or with another answer. */
function withState(state: CheckState | undefined, more: Partial<CheckResult> = {}): RunResult {
  let isFirst = true;
  return withChecks(passed, (check) => {
    if (!isFirst) return check;
    isFirst = false;
    return state === undefined ? undefined : { ...check, state, ...more };
  });
}

describe('one check', () => {
  const states = ['passed', 'failed', 'known', 'error', 'skipped', undefined] as const;
  const kinds: Record<string, readonly (string | undefined)[]> = {
    //          passed     failed   known    error    skipped     gone
    passed: [undefined, 'WORSE', 'known', 'WORSE', 'untested', 'GONE'],
    failed: ['better', undefined, 'known', 'other', 'untested', 'gone'],
    known: ['better', 'WORSE', undefined, 'WORSE', 'untested', 'gone'],
    error: ['better', 'other', 'known', undefined, 'untested', 'gone'],
    skipped: ['added', 'added', 'added', 'added', undefined, 'gone'],
    undefined: ['added', 'added', 'added', 'added', 'added', undefined],
  };
  const cases = states.flatMap((before) =>
    states.map((after, index) => [before, after, kinds[String(before)]![index]] as const),
  );

  // In capitals: a regression.
  test.each(cases)('from %s to %s is %s', (before, after, expected) => {
    const { changes, hasRegression } = changesBetween(only(withState(before)), only(withState(after)));
    const [change] = changes;
    expect(changes).toHaveLength(expected === undefined ? 0 : 1);
    expect(change?.kind).toBe(expected?.toLowerCase());
    expect(hasRegression).toBe(expected !== undefined && expected === expected.toUpperCase());
  });

  test.each(cases)('from %s to %s is open only where a side has no verdict', (before, after, expected) => {
    const changes = changesBetween(only(withState(before)), only(withState(after)));
    const isOpen =
      (after === 'error' && ['failed', 'skipped', undefined].includes(before)) ||
      (before === 'error' && after === 'failed');
    expect(changes.undecided).toBe(isOpen ? 1 : 0);
    const text = changeLines(only(passed), only(passed), changes, noColors).at(-1);
    if (isOpen) expect(text).toMatch(/: no regression, but 1 check without a verdict$/);
    else expect(text?.endsWith('regression')).toBe(true);
    if (expected === undefined) expect(isOpen).toBe(false);
  });

  test('checks that did not run now, and did before, are open too', () => {
    const before = withState('failed');
    const [first, ...others] = before.scenarios;
    const cut = { ...first!, checks: first!.checks.slice(1), notRun: 1 };
    const after = { ...before, scenarios: [cut, ...others] };
    expect(changesBetween(only(before), only(after)).undecided).toBe(1);
    expect(changesBetween(only(after), only(after)).undecided).toBe(0);
  });

  test.each([
    'an earlier scenario failed (--fail-fast)',
    'step "keys of "two" issuers" could not be carried out',
  ])('that did not run because %s is a loss if it had passed', (message) => {
    const unrun = only(withState('skipped', { message }));
    const lost = changesBetween(only(passed), unrun);
    expect([lost.changes[0]?.kind, lost.hasRegression]).toEqual(['unrun', true]);
    const text = changeLines(only(passed), unrun, lost, noColors).join('\n');
    expect(text).toContain('1 check that did not run and passed before\n');
    expect(text).toContain(`200 -> did not run (${message})`);
    expect(text).toMatch(/: 1 regression$/);
    const before = changesBetween(only(withState('failed')), unrun);
    expect([before.changes[0]?.kind, before.hasRegression]).toEqual(['untested', false]);
  });

  test('with another answer that is right as well is told, and no regression', () => {
    const { changes, hasRegression, same, compared } = changesBetween(
      only(passed),
      only(withState('passed', { actual: '204' })),
    );
    expect(changes.map(({ kind }) => kind)).toEqual(['answer']);
    expect([hasRegression, compared - same]).toEqual([false, 1]);
  });
});

test('checks are found by their ids, in whatever order they ran', () => {
  const turned = { ...passed, scenarios: passed.scenarios.toReversed() };
  expect(changesBetween(only(passed), only(turned)).changes).toEqual([]);
});

describe('people read', () => {
  const older = onMesh(resultOf(runs.failures), { istio: '1.30.3', id: 'kind-1.30.3' });
  const newer = onMesh(
    withChecks(passed, (check) => {
      if (check.scenario !== 'require-jwt') return check;
      if (check.column === 'no token')
        return { ...check, state: 'failed', actual: '503', message: 'no upstream' };
      return check.row === 'valid' ? { ...check, row: 'valid for an hour' } : check;
    }),
    { istio: '1.31.0', envoy: '1.39.0', id: 'kind-1.31.0' },
  );

  test.each([
    ['all-kinds', older, newer],
    ['better', newer, passed],
    ['same', passed, passed],
    ['lost', passed, resultOf(runs.interrupted)],
    ['scenario-gone', passed, shardOf(passed, ({ info }) => info.name === 'require-jwt')],
  ])('%s', async (name, before, after) => {
    const [one, other] = [only(before), only(after)];
    const lines = changeLines(one, other, changesBetween(one, other), noColors);
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`../../golden/report/diff-${name}.txt`);
  });

  test('how long it took on both sides, where scenarios limit that', () => {
    const timed = (firstRightMs: number, lastWrongMs: number) => {
      const convergence = { attempts: 5, firstRightMs, lastWrongMs, stale: 1, limitMs: 5000 };
      return only(withState('passed', { convergence }));
    };
    const [one, other] = [timed(1200, 800), timed(1300, 4040)];
    const lines = changeLines(one, other, changesBetween(one, other), noColors);
    const at = lines.indexOf('time from the change until the answer holds');
    expect(lines[at + 1]).toMatch(/^ {2}require-jwt\/.*: 1\.2 s -> 4\.0 s, limit 5\.0 s$/);
    // Without a limit on both sides there is nothing to compare.
    const [plain, same] = [only(passed), timed(1, 0)];
    expect(changesBetween(plain, same).times).toEqual([]);
  });

  test('what scenarios and meshes say without control characters', () => {
    const [one, other] = [
      only(passed),
      only(withState('failed', { message: 'bad \u001b[31mred\u0007', actual: '5\u001b[2J00' })),
    ];
    const text = changeLines(one, other, changesBetween(one, other), noColors).join('\n');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about control characters
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});
