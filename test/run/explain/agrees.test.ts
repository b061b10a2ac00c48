import { expect, test } from 'vitest';
import type { Answer } from '../../../src/policy/input.ts';
import { agrees } from '../../../src/run/explain/agrees.ts';
import type { Hop } from '../../../src/run/explain/hops.ts';
import type { Answer as Expected } from '../../../src/scenario/format/schema.ts';

const hop = (answer: Partial<Answer>): Hop => ({
  pod: { namespace: 'foo', name: 'web', labels: {}, isReady: true, proxy: 'sidecar' },
  answer: { status: 200, unknown: [], headers: [], path: '/a', tokens: [], policies: [], ...answer },
  notes: [],
});
const passing = hop({ headers: [['x-sub', 'me']] });

test.each<[string, Expected, Hop, boolean | undefined]>([
  ['a header that arrives', { code: 200, received: { headers: { 'X-Sub': 'me' } } }, passing, true],
  ['another value', { code: 200, received: { headers: { 'x-sub': 'you' } } }, passing, false],
  ['a header that does not come', { code: 200, received: { headers: { 'x-iss': 'me' } } }, passing, false],
  [
    'a header that must not come',
    { code: 200, received: { headers: { 'x-sub': 'absent' } } },
    passing,
    false,
  ],
  ['the path', { code: 200, received: { path: '/b' } }, passing, false],
  // Policies do not know what clients and proxies add.
  [
    'a header of the proxy',
    { code: 200, received: { headers: { 'x-request-id': { matches: '*' } } } },
    passing,
    true,
  ],
  [
    'a header that only looks like one',
    { code: 200, received: { headers: { 'x-forwarded-user': 'me' } } },
    passing,
    false,
  ],
  ['nothing passes', { code: '4xx', received: { path: '/a' } }, hop({ status: 403 }), false],
  [
    'several texts',
    { code: 403, body: { contains: ['RBAC', 'denied'] } },
    hop({ status: 403, body: 'RBAC: access denied' }),
    true,
  ],
  [
    'one of them missing',
    { code: 403, body: { contains: ['RBAC', 'x'] } },
    hop({ status: 403, body: 'RBAC' }),
    false,
  ],
  [
    'a realm',
    { code: 401, headers: { 'www-authenticate': { matches: 'Bearer*' } } },
    hop({ status: 401, wwwAuthenticate: 'Bearer x' }),
    true,
  ],
  ['a gRPC call', { code: 200, headers: { 'grpc-status': '7' } }, hop({ status: 403 }), true],
  [
    'a gRPC call refused otherwise',
    { code: 200, headers: { 'grpc-status': '16' } },
    hop({ status: 403 }),
    false,
  ],
  ['no realm', { code: 403, headers: { 'www-authenticate': 'absent' } }, hop({ status: 403 }), true],
  [
    'none where there is one',
    { code: 401, headers: { 'www-authenticate': 'absent' } },
    hop({ status: 401, wwwAuthenticate: 'Bearer x' }),
    false,
  ],
])('%s', (_, expected, deciding, wanted) => {
  expect(agrees(expected, deciding)).toBe(wanted);
});
