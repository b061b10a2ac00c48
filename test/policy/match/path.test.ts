/** Paths in each mode, as Envoy's filters see them. */
import { describe, expect, test } from 'vitest';
import { normalizedPath, withoutQuery } from '../../../src/policy/match/path.ts';

describe.each([
  ['/a/./b/../c', ['/a/./b/../c', '/a/c', '/a/c', '/a/c']],
  ['/a/%2e%2E/b', ['/a/%2e%2E/b', '/b', '/b', '/b']],
  ['/a//b', ['/a//b', '/a//b', '/a/b', '/a/b']],
  ['///', ['///', '///', '//', '//']],
  ['///a//', ['///a//', '///a//', '/a/', '/a/']],
  ['/a%2Fb', ['/a%2Fb', '/a%2Fb', '/a%2Fb', '/a/b']],
  ['/a%5cb', ['/a%5cb', '/a%5cb', '/a%5cb', '/a/b']],
  ['/a\\b', ['/a\\b', '/a/b', '/a/b', '/a/b']],
  ['/%61%7e%20', ['/%61%7e%20', '/a~%20', '/a~%20', '/a~%20']],
  ['/a/..', ['/a/..', '/', '/', '/']],
  ['/../../a', ['/../../a', '/a', '/a', '/a']],
  ['/a/..;x=y/b', ['/a/..;x=y/b', '/b', '/b', '/b']],
  ['/a/%2e;/b', ['/a/%2e;/b', '/a/b', '/a/b', '/a/b']],
  ['/a/..;', ['/a/..;', '/', '/', '/']],
  ['/a;x/...;y', ['/a;x/...;y', '/a;x/...;y', '/a;x/...;y', '/a;x/...;y']],
  [`/a"<>^\`{|}?"`, [`/a"<>^\`{|}?"`, ...Array(3).fill('/a%22%3C%3E%5E%60%7B%7C%7D?"')]],
  ['/a\xff\xe9', ['/a\xff\xe9', ...Array(3).fill('/a%FF%E9')]],
  ["/a[]!$&'()*+,;:@=%zz", Array(4).fill("/a[]!$&'()*+,;:@=%zz")],
  ['/a//b?x=//%2f#y', ['/a//b?x=//%2f#y', '/a//b?x=//%2f', '/a/b?x=//%2f', '/a/b?x=//%2f']],
])('%s', (path, wanted) => {
  test.each(['NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'] as const)('%s', (mode) => {
    const index = ['NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'].indexOf(mode);
    expect(normalizedPath(path, mode)).toBe(wanted[index]);
  });
});

test('before CVE-2026-73551 was fixed, dot segments with parameters were names as others', () => {
  expect(normalizedPath('/a/../b/..;x/c', 'BASE', false)).toBe('/b/..;x/c');
});

test('a path that begins otherwise is refused, and a query is no part of what policies see', () => {
  expect(normalizedPath('a', 'BASE')).toBeUndefined();
  expect(normalizedPath('/a%00', 'BASE')).toBeUndefined();
  expect(normalizedPath('/a%00', 'NONE')).toBe('/a%00');
  expect(withoutQuery('/a;b?c#d')).toBe('/a;b');
});

test('dots with parameters are dots in newer Envoys, where paths are normalized at all', () => {
  const path = '/a/b/..;x=1/c/.;/d;y';
  expect(normalizedPath(path, 'BASE')).toBe('/a/c/d;y');
  expect(normalizedPath(path, 'NONE')).toBe(path);
  expect(normalizedPath(path, 'BASE', false)).toBe(path);
});
