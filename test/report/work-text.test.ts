import { expect, test } from 'vitest';
import type { Work } from '../../src/base/events.ts';
import { workText } from '../../src/report/work-text.ts';

const after = (ms: number, now: Work, first: Work = { ...now, done: 0 }) =>
  workText({ first, since: 5000, now, at: 5000 + ms });

test.each([
  [
    after(10_000, { done: 50_000_000, total: 98_000_000, unit: 'bytes' }),
    '50.0 of 98.0 MB, 5.0 MB/s, about 9.6s left',
  ],
  [after(10_000, { done: 50_000_000, unit: 'bytes' }), '50.0 MB, 5.0 MB/s'],
  [
    after(60_000, { done: 30, total: 300, unit: 'packages' }),
    '30 of 300 packages, 0.5 packages/s, about 9m 00s left',
  ],
  [after(2000, { done: 7, unit: 'modules' }), '7 modules, 3.5 modules/s'],
])('%s', (text, wanted) => {
  expect(text).toBe(wanted);
});

test('a rate over a moment, or of what stands still, is none', () => {
  expect(after(300, { done: 10_000_000, unit: 'bytes' })).toBe('10.0 MB');
  const work: Work = { done: 5, total: 9, unit: 'packages' };
  expect(after(9000, work, work)).toBe('5 of 9 packages');
});

test('what was there before counts for nothing', () => {
  const text = after(
    10_000,
    { done: 60_000_000, total: 70_000_000, unit: 'bytes' },
    { done: 50_000_000, unit: 'bytes' },
  );
  expect(text).toBe('60.0 of 70.0 MB, 1.0 MB/s, about 10.0s left');
});
