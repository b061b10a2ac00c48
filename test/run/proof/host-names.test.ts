import { describe, expect, test } from 'vitest';
import { formsOf, hostMatches } from '../../../src/run/proof/host-names.ts';

describe('the forms of a name', () => {
  test.each([
    ['httpbin', ['httpbin', 'httpbin.foo.svc.cluster.local']],
    ['httpbin.bar', ['httpbin.bar', 'httpbin.bar.svc.cluster.local']],
    ['httpbin.bar.svc', ['httpbin.bar.svc', 'httpbin.bar.svc.cluster.local']],
    ['httpbin.bar.com', ['httpbin.bar.com']],
    ['httpbin.bar.svc.cluster.local', ['httpbin.bar.svc.cluster.local']],
    ['HttpBin:8000', ['httpbin', 'httpbin.foo.svc.cluster.local']],
    ['a.example.com.:443', ['a.example.com']],
    ['a:80.example.com', ['a:80.example.com']],
    ['10.96.0.7', ['10.96.0.7']],
  ])('%s', (host, forms) => {
    expect(formsOf(host, 'foo')).toEqual(forms);
  });
});

describe('a pattern', () => {
  test.each([
    ['*', 'any.example.com', true],
    ['*.Example.com', 'a.example.com', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'a.example.com.org', false],
    ['*.foo.svc.cluster.local', 'httpbin', true],
    ['a.example.com', 'A.example.com:80', true],
    ['b.example.com', 'a.example.com', false],
    ['httpbin', 'httpbin.foo.svc.cluster.local', true],
    ['httpbin', 'httpbin.bar.svc.cluster.local', false],
    ['httpbin.bar', 'httpbin.bar.svc', true],
  ])('%s, for %s: %s', (pattern, host, expected) => {
    expect(hostMatches(pattern, 'foo', formsOf(host, 'foo'))).toBe(expected);
  });
});
