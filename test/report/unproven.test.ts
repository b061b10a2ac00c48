import { expect, test } from 'vitest';
import type { CheckResult } from '../../src/base/events.ts';
import { skippedForFailFast } from '../../src/base/skipped.ts';
import { promiseText, unprovenOf } from '../../src/report/unproven.ts';

function check(id: string, section: string, state: CheckResult['state'], message?: string): CheckResult {
  return {
    id,
    kind: 'request',
    scenario: 'one',
    step: 'one',
    row: id,
    column: 'valid',
    source: { document: 'FAQ', section },
    place: { file: 'one.yaml', line: 1, column: 1 },
    state,
    message,
    expected: '200',
    durationMs: 0,
  };
}

test('promises of skipped checks are unproven, by the reason, and in part where others have passed', () => {
  const found = unprovenOf([
    check('a', 'Keys', 'passed'),
    check('b', 'Keys', 'skipped', 'needs istiod; kind would prove it'),
    check('c', 'Paths', 'skipped', 'needs istiod; kind would prove it'),
    check('d', 'Paths', 'skipped', 'needs istiod; kind would prove it'),
    check('e', 'Paths', 'failed'),
    check('f', 'Paths', 'skipped', 'no gateway'),
  ]);
  expect(found).toEqual([
    {
      reason: 'needs istiod; kind would prove it',
      checks: ['b', 'c', 'd'],
      promises: [
        { document: 'FAQ', section: 'Keys', inPart: true },
        { document: 'FAQ', section: 'Paths', inPart: false },
      ],
    },
    { reason: 'no gateway', checks: ['f'], promises: [{ document: 'FAQ', section: 'Paths', inPart: false }] },
  ]);
  expect(found[0]?.promises.map(promiseText)).toEqual(['FAQ, "Keys" (in part)', 'FAQ, "Paths"']);
});

test('what no document promises is no promise', () => {
  const own = { ...check('a', '', 'skipped', 'no gateway'), source: { document: '', section: '' } };
  expect(unprovenOf([own])).toEqual([{ reason: 'no gateway', checks: ['a'], promises: [] }]);
});

test('what was to run and did not says nothing about promises', () => {
  expect(unprovenOf([check('a', 'Keys', 'skipped', skippedForFailFast)])).toEqual([]);
});
