/** Where tokens are looked for, in the order of Envoy's extractor, and what is left of the request without them. */
import { describe, expect, test } from 'vitest';
import { findTokens, locationsOf, placeText, withoutToken } from '../../src/policy/token-locations.ts';

describe('places', () => {
  test('are the usual ones, unless the rule names any', () => {
    expect(locationsOf({}).map(placeText)).toEqual([
      'header authorization, after "Bearer "',
      'query parameter access_token',
    ]);
    expect(
      locationsOf({ fromCookies: ['b', 'a'], fromParams: ['q'], fromHeaders: [{ name: 'X' }] }).map(
        placeText,
      ),
    ).toEqual(['header x', 'query parameter q', 'cookie a', 'cookie b']);
    const twice = { fromHeaders: [{ name: 'X-B' }, { name: 'x-a', prefix: 'T ' }, { name: 'x-b' }] };
    expect(locationsOf(twice).map(placeText)).toEqual(['header x-a, after "T "', 'header x-b']);
  });
});

describe('tokens', () => {
  const rule = {
    fromHeaders: [{ name: 'Authorization', prefix: 'Bearer ' }, { name: 'x-token' }],
    fromParams: ['t'],
    fromCookies: ['c'],
  };
  test.each<[[string, string][], string, string[]]>([
    [[['Authorization', 'Bearer a.b.c']], '/', ['a.b.c']],
    // The prefix is found anywhere, and what cannot be in a token before it is passed over.
    [[['authorization', 'x Bearer   a.b.c']], '/', ['a.b.c']],
    [[['Authorization', 'bearer a.b.c']], '/', []],
    [[['Authorization', 'Bearer ']], '/', ['Bearer ']],
    [
      [
        ['X-Token', 'a'],
        ['X-Token', 'b'],
      ],
      '/',
      ['a', 'b'],
    ],
    [[], '/?t=a&t=b', ['a']],
    [[], '/?T=a', []],
    [[], '/?x&t=a%2Eb', ['a.b']],
    [[], '/?t=%zz', ['%zz']],
    [[['Cookie', 'a=1; c="x.y"']], '/', ['x.y']],
    [[['Cookie', 'cc=1']], '/', []],
    [[['Cookie', 'c; c=x']], '/', ['x']],
    [[['Cookie', '  c="x" ;a']], '/', ['"x" ']],
    // Escapes that are none do not keep others from being read.
    [[], '/?%zz=1&t=%41%zz', ['A%zz']],
  ])('%j %s', (headers, path, tokens) => {
    expect(findTokens(rule, headers, path).map(({ token }) => token)).toEqual(tokens);
  });
});

test('an accepted token is taken out of its header or of the query, and stays in a cookie', () => {
  const headers: [string, string][] = [
    ['Authorization', 'Bearer a'],
    ['Cookie', 'c=a'],
    ['X', '1'],
  ];
  expect(
    withoutToken({ kind: 'header', name: 'authorization', prefix: 'Bearer ' }, headers, '/').headers,
  ).toEqual(headers.slice(1));
  expect(withoutToken({ kind: 'param', name: 't' }, headers, '/p?a=1&t=x&b=2')).toEqual({
    headers,
    path: '/p?a=1&b=2',
  });
  // The others are written anew: sorted by name, each with "=", and no longer encoded.
  const rest = withoutToken(
    { kind: 'param', name: 't' },
    headers,
    '/p?z=1&t=x&t=y&a=2%263=4&z=0&f&q=a+b',
  ).path;
  expect(rest).toBe('/p?a=2&3=4&f=&q=a+b&z=1&z=0');
  expect(withoutToken({ kind: 'param', name: 't' }, headers, '/p?t=x').path).toBe('/p');
  expect(withoutToken({ kind: 'param', name: 't' }, headers, '/p').path).toBe('/p');
  expect(withoutToken({ kind: 'cookie', name: 'c' }, headers, '/p')).toEqual({ headers, path: '/p' });
});
