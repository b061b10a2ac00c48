/** What can be said of a request before it is sent: addresses of private networks, headers that proxies write. */
import { expect, test } from 'vitest';
import { defaultMesh } from '../../src/policy/input.ts';
import { hasPrivate } from '../../src/policy/match/ip-blocks.ts';
import { isHeaderKnown, traceRule } from '../../src/policy/rules.ts';

test.each([
  ['203.0.113.0/24', false],
  ['0.0.0.0/0', true],
  ['10.0.0.0/8', undefined],
  ['10.1.2.3', undefined],
  ['0.0.0.0/1', undefined],
  ['::/0', false],
  ['no block', false],
])('private addresses in %s: %s', (block, wanted) => {
  expect(hasPrivate(block)).toBe(wanted);
});

const subject = {
  request: {
    method: 'GET',
    authority: 'a',
    path: '/',
    headers: [['x-own', 'a'] as const],
    sourceAddress: 'private',
    at: 0,
  },
  path: '/',
  claims: undefined,
  whyNoClaims: undefined,
  mesh: defaultMesh,
  namespace: 'foo',
  isTcp: false,
};

test.each([
  [{ from: [{ source: { ipBlocks: ['203.0.113.0/24'] } }] }, false],
  [{ from: [{ source: { notIpBlocks: ['203.0.113.0/24'] } }] }, true],
  [{ from: [{ source: { ipBlocks: ['10.0.0.0/8'] } }] }, undefined],
  [{ when: [{ key: 'request.headers[x-own]', values: ['a'] }] }, true],
  [{ when: [{ key: 'request.headers[x-other]', notValues: ['a'] }] }, true],
  [{ when: [{ key: 'request.headers[user-agent]', values: ['*'] }] }, undefined],
  [{ when: [{ key: 'request.headers[x-envoy-external-address]', values: ['192.0.2.1'] }] }, undefined],
  [{ when: [{ key: 'request.headers[x-envoy-external-address]', values: ['192.0.2.0/24'] }] }, false],
])('%j: %s', (rule, wanted) => {
  expect(traceRule(rule, 0, subject, 'ALLOW').matched).toBe(wanted);
});

test('what proxies write is not known, not even when it was sent', () => {
  expect(['x-own', 'user-agent', 'x-forwarded-for'].map((name) => isHeaderKnown(name, true))).toEqual([
    true,
    true,
    false,
  ]);
});
