import { describe, expect, test } from 'vitest';
import { judge, type Measure, median, table } from './result.ts';

test('the median is the middle one, or the mean of the two in the middle', () => {
  expect(median([5])).toBe(5);
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
});

const measure = (name: string, ms: number[], more: Partial<Measure> = {}): Measure => ({
  name,
  what: `what ${name} is`,
  ms,
  ...more,
});

describe('a target', () => {
  test.each([
    [[30_000], true],
    [[30_001], false],
    [[10_000, 20_000, 90_000], true],
    [[], undefined],
  ])('of 30 s with %j is met: %s', (ms, met) => {
    expect(judge([measure('x', ms, { targetMs: 30_000 })], [])[0]?.met).toBe(met);
  });

  test('of a ratio is about medians', () => {
    const met = (one: number[], other: number[]) =>
      judge([measure('a', one), measure('b', other)], [{ name: 'r', of: 'a', to: 'b', target: 1 / 5 }]).at(
        -1,
      );
    expect(met([10, 1, 1000], [50, 60, 5])).toMatchObject({ measured: '1/5.0', met: true });
    expect(met([10.1], [50])).toMatchObject({ met: false, target: '<= 1/5' });
    expect(met([10], [])).toMatchObject({ measured: '-', met: undefined });
  });
});

test('the table says of each what was measured, what is promised, and whether it is met', () => {
  const measures = [
    measure('cold', [], { targetMs: 150_000, skipped: 'give --cold' }),
    measure('kept', [21_000, 20_000, 30_000], { targetMs: 30_000 }),
    measure('check', [7.25]),
    measure('line', [14.5], { targetMs: 1 }),
  ];
  const rows = judge(measures, [{ name: 'ratio', of: 'check', to: 'line', target: 0.2 }]);
  expect(table(rows).split('\n')).toEqual([
    'cold   -                     <= 150.0 s  not measured: give --cold  what cold is',
    'kept   21.0 s (median of 3)  <= 30.0 s   met                        what kept is',
    'check  7.3 ms                                                       what check is',
    'line   14.5 ms               <= 1.0 ms   NOT MET                    what line is',
    'ratio  1/2.0                 <= 1/5      NOT MET                    check / line',
  ]);
});
