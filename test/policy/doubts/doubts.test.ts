import { expect, test } from 'vitest';
import { worldOf } from '../../../src/explain/world.ts';
import { doubtsAbout, doubtText } from '../../../src/policy/doubts/doubts.ts';
import type { Rule } from '../../../src/policy/rules.ts';
import type { KubeObject } from '../../../src/target/target.ts';

const workload = (name: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'foo' },
  spec: {
    template: {
      metadata: { labels: { app: name, 'sidecar.istio.io/inject': 'true' } },
      spec: { containers: [] },
    },
  },
});
const access = (
  name: string,
  rules: readonly (Rule | null)[] | undefined,
  action = 'ALLOW',
  app?: string,
): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace: 'foo' },
  spec: {
    ...(app === undefined ? {} : { selector: { matchLabels: { app } } }),
    action,
    ...(rules && { rules }),
  },
});
const jwt = (rule: object = {}): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'RequestAuthentication',
  metadata: { name: 'jwt', namespace: 'foo' },
  spec: { jwtRules: [{ issuer: 'a.example.com', ...rule }] },
});
const doubts = (...policies: KubeObject[]) =>
  doubtsAbout(worldOf([workload('shop'), workload('other'), ...policies])).map(doubtText);

const path = (...paths: string[]): Rule => ({ to: [{ operation: { paths } }] });
const someone: Rule = { from: [{ source: { requestPrincipals: ['*'] } }] };

test('what is as it should be raises none', () => {
  expect(
    doubts(
      jwt(),
      access('a', [someone, path('/public', '/files/{**}', '*.css')]),
      access(
        'b',
        [{ to: [{ operation: { hosts: ['admin.shop', 'admin.shop:*'], methods: ['GET'] } }] }],
        'DENY',
      ),
      access('nothing', undefined),
    ),
  ).toEqual([]);
});

test('a rule that another one makes useless', () => {
  expect(doubts(access('a', [path('/a*'), path('/ab', '/ac')]))).toEqual([
    'AuthorizationPolicy foo/a: rule 2 never decides: rule 1 holds for every request that it holds for',
  ]);
  expect(doubts(access('a', [path('/a')], 'ALLOW', 'shop'), access('wide', [{}]))).toEqual([
    'AuthorizationPolicy foo/a: rule 1 never decides: rule 1 of AuthorizationPolicy foo/wide holds for every request that it holds for',
  ]);
  expect(doubts(access('a', [path('/a')]), access('no', [path('/*')], 'DENY'))).toEqual([
    'AuthorizationPolicy foo/a: rule 1 never decides: rule 1 of AuthorizationPolicy foo/no denies every request that it holds for',
  ]);
});

test('of two that are the same the later one is too much', () => {
  expect(doubts(access('a', [path('/a'), path('/a')]))).toEqual([
    'AuthorizationPolicy foo/a: rule 2 never decides: rule 1 holds for every request that it holds for',
  ]);
});

test('a rule for other workloads makes none useless', () => {
  expect(doubts(access('a', [path('/a')]), access('b', [{}], 'ALLOW', 'shop'))).toEqual([]);
  expect(doubts(access('a', [path('/a')], 'DENY'), access('b', [{}], 'AUDIT'))).toEqual([]);
});

test('a rule that contradicts itself', () => {
  const rule = { to: [{ operation: { paths: ['/a'], notPaths: ['/a*'] } }] };
  expect(doubts(access('a', [rule], 'DENY'))).toEqual([
    'AuthorizationPolicy foo/a: rule 1 can never match: paths and notPaths leave nothing of each other',
  ]);
});

test('principals of requests that nobody can have', () => {
  expect(doubts(access('a', [someone]))).toEqual([
    'AuthorizationPolicy foo/a: rule 1 looks at requestPrincipals, and no RequestAuthentication holds for the workload: without one it never matches',
  ]);
  expect(doubts(access('a', [{ from: [{ source: { notRequestPrincipals: ['*'] } }] }], 'DENY'))).toEqual([
    'AuthorizationPolicy foo/a: rule 1 looks at notRequestPrincipals, and no RequestAuthentication holds for the workload: without one it holds for every request',
  ]);
});

test.each([
  [
    { paths: ['/a/*/b'] },
    'has the path /a/*/b: a star in the middle of a path is a plain character: write {*}',
  ],
  [{ paths: ['/a?x=1'] }, 'has the path /a?x=1: policies compare paths without the query'],
  [{ paths: ['a'] }, 'has the path a: paths begin with a slash'],
  [{ paths: ['^/a$'] }, 'has the path ^/a$: paths are no regular expressions: write /a* or /a/{*}/b'],
  [{ paths: ['/a/.*'] }, 'has the path /a/.*: paths are no regular expressions: write /a* or /a/{*}/b'],
  ...['{**}', 'a/{*}', '//{*}', '/{**}//'].map((path): [Record<string, string[]>, string] => [
    { paths: [path] },
    `has the path ${path}: Envoy ends with it: one with {*} or {**} begins with a slash, and has no two in a row`,
  ]),
  [{ methods: ['get'] }, 'has the method get: methods are written in capitals'],
  [
    { hosts: ['admin.shop'] },
    'has the host admin.shop, and a client may also send admin.shop:80: write admin.shop:* as well',
  ],
  [{ hosts: ['https://admin.shop'] }, 'has the host https://admin.shop: a host has no scheme and no path'],
  [
    { hosts: ['admin.*.shop:*'] },
    'has the host admin.*.shop:*: a star in the middle of a host is a plain character',
  ],
])('values that match less than they seem to: %j', (operation, text) => {
  expect(doubts(access('a', [{ to: [{ operation }] }], 'DENY'))).toEqual([
    `AuthorizationPolicy foo/a: rule 1 ${text}`,
  ]);
});

test('a host without port is told where it is an open door, and not where it closes one too many', () => {
  expect(doubts(access('a', [{ to: [{ operation: { hosts: ['shop'] } }] }]))).toEqual([]);
  expect(doubts(access('a', [{ to: [{ operation: { notHosts: ['shop'] } }] }]))).toHaveLength(1);
});

test('the header Authorization as a whole', () => {
  expect(doubts(jwt({ fromHeaders: [{ name: 'Authorization' }] }))).toEqual([
    'RequestAuthentication foo/jwt: rule 1 takes all of the header Authorization for a token, and "Bearer" in front of one is no part of it: write prefix: "Bearer "',
  ]);
  expect(doubts(jwt({ fromHeaders: [{ name: 'Authorization', prefix: 'Bearer ' }] }))).toEqual([]);
});

test('policies that hold for nobody, and those that only record, raise none', () => {
  const dry = access('a', undefined, 'DENY');
  expect(
    doubts({ ...dry, metadata: { ...dry.metadata, annotations: { 'istio.io/dry-run': 'true' } } }),
  ).toEqual([]);
  expect(doubts(access('a', undefined, 'DENY', 'nobody'))).toEqual([]);
});

test('whoever is written otherwise than Istio writes it', () => {
  const from = (source: Readonly<Record<string, readonly string[]>>) =>
    doubts(jwt(), access('a', [{ from: [{ source }] }]));
  expect(from({ principals: ['spiffe://cluster.local/ns/a/sa/b'] })).toEqual([
    'AuthorizationPolicy foo/a: rule 1 has the principal spiffe://cluster.local/ns/a/sa/b: principals are written without spiffe://: cluster.local/ns/a/sa/b',
  ]);
  expect(from({ requestPrincipals: ['https://a.example.com'] })).toEqual([
    'AuthorizationPolicy foo/a: rule 1 has the request principal https://a.example.com: one is ISSUER/SUBJECT: write https://a.example.com/* for any subject',
  ]);
  expect(from({ requestPrincipals: ['*', '*/a', 'a.example.com/b', 'https://a.example.com/b'] })).toEqual([]);
});
