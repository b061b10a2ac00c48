import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayWidth, duration, firstLine, truncate } from '../../src/report/text.ts';

describe('firstLine', () => {
  it('is the first that is not blank', () => {
    expect(firstLine('\n \nfirst  one\nsecond')).toBe('first one');
    expect(firstLine('')).toBe('');
  });
});

describe('truncate', () => {
  it('counts the columns of a terminal, not characters', () => {
    expect(displayWidth('令牌🔑e\u0301')).toBe(7);
    expect(truncate('令牌令牌', 5)).toBe('令牌…');
    expect(truncate('abcdef', 6)).toBe('abcdef');
    expect(truncate('abcdefg', 6)).toBe('abcde…');
  });

  it('never gives more than was asked for', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 0, max: 40 }), (text, width) => {
        expect(displayWidth(truncate(text, width))).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe('duration', () => {
  it.each([
    [0, '0.0s'],
    [412, '0.4s'],
    [59_949, '59.9s'],
    [59_950, '1m 00s'],
    [187_400, '3m 07s'],
    [3_599_600, '1h 00m'],
    [3_725_000, '1h 02m'],
    [-5, '0.0s'],
  ])('%d ms is %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});
