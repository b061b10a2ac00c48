import fc from 'fast-check';
import { expect, test } from 'vitest';
import { claimValuesFor, oneOfEach, pathsFor, textsFor } from '../../../src/mutate/classes/classes.ts';
import { combine } from '../../../src/mutate/classes/combine.ts';
import { matchesPath, matchesText } from '../../../src/policy/match/patterns.ts';

const letters = fc.stringMatching(/^[ab]{1,3}$/);
const pattern = fc.oneof(
  letters,
  letters.map((text) => `${text}*`),
  letters.map((text) => `*${text}`),
  fc.constant('*'),
);
const seenBy = (patterns: readonly string[], text: string) =>
  patterns.map((each) => matchesText(each, text)).join();

test('whatever a text is, one of the texts is of its class', () => {
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 5 }), fc.stringMatching(/^[abc]{1,7}$/), (patterns, text) => {
      const classes = textsFor(patterns).map((each) => seenBy(patterns, each));
      expect(classes).toContain(seenBy(patterns, text));
    }),
    { numRuns: 3000 },
  );
});

test('paths begin with a slash, and fit templates', () => {
  expect(pathsFor(['/a/{*}', '*.html', '/b/*'])).toEqual(
    expect.arrayContaining(['/a/other', '/other.html', '/b/other', '/b/', '/b/other.html', '/other']),
  );
  expect(pathsFor(['/a/{**}/z']).filter((path) => matchesPath('/a/{**}/z', path))).not.toEqual([]);
});

test('a claim is missing, a text, or a list that matches several values', () => {
  const { values, isComplete } = claimValuesFor(['admin', 'user']);
  expect(values).toEqual(expect.arrayContaining(['admin', 'user', undefined, ['admin', 'user'], 'other']));
  expect(isComplete).toBe(true);
  expect(claimValuesFor(['a', 'b', 'c', 'd', 'e']).isComplete).toBe(false);
});

test('the first of each class is kept', () => {
  expect(oneOfEach([3, 1, 4, 1, 5], (value) => String(value % 2))).toEqual([3, 4]);
});

test('all combinations come in the order of their simplicity', () => {
  expect(combine([2, 2], [], 4)).toEqual({
    combinations: [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ],
    isComplete: true,
  });
  expect(combine([], [], 9)).toEqual({ combinations: [[]], isComplete: true });
});

test('where there are too many, those near what counts are taken', () => {
  const { combinations, isComplete } = combine([9, 9, 9], [[8, 8, 8]], 500);
  expect(isComplete).toBe(false);
  expect(combinations).toContainEqual([8, 8, 8]);
  expect(combinations).toContainEqual([8, 3, 4]);
  expect(combinations).not.toContainEqual([5, 3, 4]);
  expect(combinations.length).toBeLessThanOrEqual(500);
  expect(combine([99, 99, 99], [], 50).combinations).toHaveLength(50);
  expect(combine([99, 99, 99], [], 50, 20).combinations).toHaveLength(20);
});
