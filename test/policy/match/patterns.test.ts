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
  // Without a slash it is the issuer alone, of a token whose subject is empty.
  ['a.example.com', 'a.example.com', '', true],
  ['a.example.com', 'a.example.com', 'b', false],
  ['a/', 'a', '', true],
  // An asterisk that is not the first or the last sign of the whole stands for itself.
  ['a/*b', 'a', 'ab', false],
  ['a/*b', 'a', '*b', true],
  ['a/*b*', 'a', '*bc', true],
  ['a/*b*', 'a', 'ab*', false],
  ['*', 'a', 'b\nc', false],
])('principal %s of %s and %s: %s', (pattern, iss, sub, wanted) => {
  expect(matchesPrincipal(pattern, iss, sub)).toBe(wanted);
});

test('patterns are not regular expressions', () => {
  expect(matchesPath('/a.b/{*}', '/axb/c')).toBe(false);
  expect(matchesPath('/a/{*}', '/a/b/c')).toBe(false);
  expect(matchesText('a*', 'b')).toBe(false);
  expect(matchesText('*', '')).toBe(false);
  expect(matchesText('*', 'a\nb')).toBe(false);
});

test('a template stands for what RFC 3986 calls pchar, which brackets are not', () => {
  for (const sign of "-._~%!$&'()+,;:@=*") expect(matchesPath('/a/{*}', `/a/b${sign}c`)).toBe(true);
  for (const sign of '[]') {
    expect(matchesPath('/a/{*}', `/a/b${sign}c`)).toBe(false);
    expect(matchesPath('/a/{**}', `/a/b/c${sign}`)).toBe(false);
    expect(matchesPath('/a/*', `/a/b${sign}c`)).toBe(true);
  }
});
