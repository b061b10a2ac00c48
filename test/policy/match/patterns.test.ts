/** How policies compare principals, paths and texts. */
import { expect, test } from 'vitest';
import { matchesPath, matchesPrincipal, matchesText } from '../../../src/policy/match/patterns.ts';

test.each([
  ['*', 'https://a', 'b', true],
  ['*', 'https://a', '', false],
  ['https://a/b', 'https://a', 'b', true],
  ['https://a/*', 'https://a', 'b', true],
  ['https://a/b*', 'https://a', 'bc', true],
  ['https://a//*', 'https://a/', 'b', true],
  ['https://*', 'https://a', 'b', false],
  ['*/b', 'https://a', 'b', true],
  ['*b', 'https://a', 'ab', true],
  ['https:*', 'https://a', 'b', true],
  ['https://a', 'https://a', 'b', false],
])('principal %s of %s and %s: %s', (pattern, iss, sub, wanted) => {
  expect(matchesPrincipal(pattern, iss, sub)).toBe(wanted);
});

test('patterns are not regular expressions', () => {
  expect(matchesPath('/a.b/{*}', '/axb/c')).toBe(false);
  expect(matchesPath('/a/{*}', '/a/b/c')).toBe(false);
  expect(matchesText('a*', 'b')).toBe(false);
  expect(matchesText('*', '')).toBe(false);
});
