import { expect, test } from 'vitest';
import { isLike } from '../../src/base/glob.ts';
import { matchesPath } from '../../src/policy/match/patterns.ts';

test.each([
  ['', '', true],
  ['a', '', false],
  ['', '*', true],
  ['abc', 'a*', true],
  ['abc', '*c', true],
  ['abc', 'a*c', true],
  ['abc', '*b*', true],
  ['abc', 'a*b', false],
  ['abcabd', 'a*abd', true],
  ['a.c', 'a.c', true],
  ['abc', 'a.c', false],
  ['a\nb', 'a*b', true],
  ['😀x', '*x', true],
])('%j is like %j: %s', (text, pattern, expected) => {
  expect(isLike(text, pattern)).toBe(expected);
});

test('a question mark stands for one character where that is wanted, and else for itself', () => {
  expect(isLike('a😀c', 'a?c', { questionMark: true })).toBe(true);
  expect(isLike('ac', 'a?c', { questionMark: true })).toBe(false);
  expect(isLike('abc', 'a?c')).toBe(false);
  expect(isLike('a?c', 'a?c')).toBe(true);
});

/** A regular expression would try all ways in which the asterisks can share the text: longer than anybody waits. */
test('patterns of many asterisks take no time', () => {
  const before = process.cpuUsage();
  expect(isLike('a'.repeat(2_000), `${'*a'.repeat(40)}*b`)).toBe(false);
  expect(matchesPath(`${'/{**}a'.repeat(15)}b`, '/a'.repeat(500))).toBe(false);
  expect(matchesPath(`${'{*}'.repeat(30)}/`, 'a'.repeat(300))).toBe(false);
  expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
});

test.each([
  ['/a/{*}/c', '/a/b/c', true],
  ['/a/{*}/c', '/a//c', false],
  ['/a/{*}', '/a/b/c', false],
  ['/a/{**}', '/a/b/c', true],
  ['/a/{**}', '/a/', true],
  ['/a/{**}/c', '/a/b/x/c', true],
  ['/{*}/{*}', '/a/b', true],
  ['/a.{*}', '/axb', false],
])('the path pattern %s fits %s: %s', (pattern, path, expected) => {
  expect(matchesPath(pattern, path)).toBe(expected);
});
