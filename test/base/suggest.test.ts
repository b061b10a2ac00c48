import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { distance, hintFor, nearest } from '../../src/base/suggest.ts';

describe('distance', () => {
  test.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['stauts', 'status', 1],
    ['isuers', 'issuers', 1],
    ['Form', 'from', 1],
    ['kitten', 'sitting', 3],
  ])('of %j and %j is %i', (a, b, expected) => {
    expect(distance(a, b)).toBe(expected);
  });

  test('is the same in both directions and 0 only for the same text', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-d]{0,6}$/), fc.stringMatching(/^[a-d]{0,6}$/), (a, b) => {
        expect(distance(a, b)).toBe(distance(b, a));
        expect(distance(a, b) === 0).toBe(a === b);
      }),
    );
  });
});

test('nearest does not compare what is very long: that takes seconds', () => {
  const long = 'x'.repeat(20_000);
  const before = process.cpuUsage().user;
  expect(nearest(long, [`${long}y`, 'x'.repeat(201)])).toBeUndefined();
  expect(process.cpuUsage().user - before).toBeLessThan(1_000_000);
  expect(nearest('x'.repeat(200), ['x'.repeat(199)])).toBe('x'.repeat(199));
});

test('nearest gives the nearest name, and none when all are far', () => {
  expect(nearest('tokn', ['request', 'token', 'tokens'])).toBe('token');
  expect(nearest('zzz', ['from', 'name'])).toBeUndefined();
  expect(nearest('x', ['a', 'b'])).toBeUndefined();
});

test('a hint is the nearest name, or all, or that there are none', () => {
  expect(hintFor('vaild', ['valid', 'expired'], 'tokens')).toBe('Did you mean "valid"?');
  expect(hintFor('other', ['valid', 'expired'], 'tokens')).toBe('The tokens are: valid, expired.');
  expect(hintFor('other', [], 'tokens')).toBe('There are no tokens.');
});
