/** The order of filters, kinds of policies, and what cannot be known. Whatever a mesh can be asked is in test/e2e/model. */
import { describe, expect, test } from 'vitest';
import { decide, type Situation } from '../../src/policy/decide.ts';
import { defaultMesh, type Request } from '../../src/policy/input.ts';
import type { KubeObject } from '../../src/target/target.ts';

const workload = { namespace: 'foo', labels: { app: 'web' } };
const policy = (spec: object, more: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'rules', namespace: 'foo', ...more },
  spec,
});
const jwt = (...jwtRules: object[]): KubeObject => ({
  ...policy({ jwtRules }),
  kind: 'RequestAuthentication',
});

function answer(policies: KubeObject[], request: Partial<Request> = {}, more: Partial<Situation> = {}) {
  return decide(
    { method: 'GET', authority: 'web.foo:8000', path: '/a', headers: [], at: 1_800_000_000, ...request },
    { mesh: defaultMesh, workload, policies, verify: () => 'Ok', ...more },
  );
}
const status = (...of: Parameters<typeof answer>) => answer(...of).status;

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const bearer = (claims: object): Request['headers'] => [
  ['Authorization', `Bearer ${encoded({ alg: 'RS256' })}.${encoded({ iss: 'a', sub: 'b', ...claims })}.c2ln`],
];
const everything = [{}];
const source = (fields: object) => [{ from: [{ source: fields }] }];

test('blanks around a value are no part of it, so "Bearer " alone has no token behind it', () => {
  expect(answer([jwt({ issuer: 'a' })], { headers: [['Authorization', 'Bearer ']] }).status).toBe(200);
});

describe('actions', () => {
  test.each<[string, KubeObject[], unknown]>([
    ['no policy', [], 200],
    ['ALLOW of nothing', [policy({})], 403],
    ['ALLOW of everything', [policy({ rules: everything })], 200],
    [
      'DENY before ALLOW',
      [policy({ rules: everything }), policy({ action: 'DENY', rules: everything })],
      403,
    ],
    ['AUDIT decides nothing', [policy({ action: 'AUDIT', rules: everything })], 200],
    ['a dry run decides nothing', [policy({}, { annotations: { 'istio.io/dry-run': 'T' } })], 200],
    ['no dry run', [policy({}, { annotations: { 'istio.io/dry-run': 'yes' } })], 403],
    ['CUSTOM asks somebody', [policy({ action: 'CUSTOM', rules: everything })], undefined],
    [
      'CUSTOM that does not match asks nobody',
      [policy({ action: 'CUSTOM', rules: [{ to: [{ operation: { paths: ['/b'] } }] }] })],
      200,
    ],
    ['what "presence" does is not known', [jwt({ issuer: 'a', presence: 'REQUIRED' })], undefined],
    ['an OPTIONAL token is as it was', [jwt({ issuer: 'a', presence: 'OPTIONAL' })], 200],
    ['an EnvoyFilter may do anything', [{ ...policy({}), kind: 'EnvoyFilter' }], undefined],
    ['of another namespace', [policy({}, { namespace: 'bar' })], 200],
    ['of the root namespace', [policy({}, { namespace: 'istio-system' })], 403],
    ['no rules, as YAML has them where nothing is written', [policy({ action: null, rules: null })], 403],
    ['no fields, as YAML has them', [policy({ rules: [{ from: null, when: null }] })], 200],
    ['no rules for tokens, as YAML has them', [{ ...jwt(), spec: { jwtRules: null } }], 200],
    ['for other labels', [policy({ selector: { matchLabels: { app: 'x' } } })], 200],
  ])('%s', (_, policies, wanted) => {
    expect(status(policies)).toBe(wanted);
  });

  test('CUSTOM asks before tokens are looked at, so what it wants of them is not there', () => {
    const custom = policy({ action: 'CUSTOM', rules: source({ notRequestPrincipals: ['*'] }) });
    expect(status([jwt({ issuer: 'a' }), custom], { headers: bearer({}) })).toBeUndefined();
  });
});

describe('what is not known', () => {
  const of = (fields: object, request: Partial<Request> = {}) =>
    status([policy({ rules: source(fields) })], request);
  test('stays so, unless it makes no difference', () => {
    expect(of({ principals: ['*'] })).toBeUndefined();
    expect(of({ principals: ['*'], requestPrincipals: ['*'] })).toBe(403);
    expect(status([policy({ rules: [...source({ ipBlocks: ['10.0.0.0/8'] }), {}] })])).toBe(200);
    expect(of({ namespaces: ['foo'] }, { principal: 'cluster.local/ns/foo/sa/x' })).toBe(200);
    expect(of({ notNamespaces: ['foo'] }, { principal: null })).toBe(200);
    expect(
      status([jwt({ issuer: 'a' })], { headers: bearer({}) }, { verify: () => 'unknown' }),
    ).toBeUndefined();
    expect(answer([policy({ rules: source({ ipBlocks: ['10.0.0.0/8'] }) })]).unknown).toEqual([
      'the address of the connection is not known here',
    ]);
  });

  test.each<[object, Partial<Request>, number]>([
    [{ ipBlocks: ['10.0.0.0/8'] }, { sourceAddress: '10.1.2.3' }, 200],
    [{ ipBlocks: ['10.0.0.0/8'] }, { sourceAddress: '11.1.2.3' }, 403],
    [{ notIpBlocks: ['10.1.2.3'] }, { sourceAddress: '10.1.2.3' }, 403],
    [{ ipBlocks: ['fd00::/8'] }, { sourceAddress: 'fd12::1' }, 200],
    [{ ipBlocks: ['fd00::/8'] }, { sourceAddress: '10.1.2.3' }, 403],
    [{ ipBlocks: ['::/0'] }, { sourceAddress: '10.1.2.3' }, 403],
    [{ ipBlocks: ['0.0.0.0/0'] }, { sourceAddress: 'fd12::1' }, 403],
    [{ ipBlocks: ['::ffff:10.0.0.0/104'] }, { sourceAddress: '10.1.2.3' }, 403],
    [{ ipBlocks: ['10.1.255.255/16'] }, { sourceAddress: '10.1.2.3' }, 200],
    [{ remoteIpBlocks: ['10.0.0.0/8'] }, { remoteAddress: '10.1.2.3' }, 200],
    [{ principals: ['old/ns/foo/sa/x'] }, { principal: 'cluster.local/ns/foo/sa/x' }, 200],
    [{ principals: ['cluster.local/ns/foo/sa/x'] }, { principal: 'old/ns/foo/sa/x' }, 200],
    [{ principals: ['cluster.local/foo/x'] }, { principal: 'old/foo/x' }, 403],
    [{ principals: ['other/ns/foo/sa/x'] }, { principal: 'cluster.local/ns/foo/sa/x' }, 403],
    [{ serviceAccounts: ['x'] }, { principal: 'cluster.local/ns/foo/sa/x' }, 200],
    [{ serviceAccounts: ['bar/x'] }, { principal: 'cluster.local/ns/foo/sa/x' }, 403],
    [{ trustDomains: ['cluster.*'] }, { principal: 'cluster.local/ns/foo/sa/x' }, 200],
    [{ namespaces: ['f*o'] }, { principal: 'cluster.local/ns/foo/sa/x' }, 200],
    // An asterisk may stand for more than a namespace: `/ns/.*a/` is in this principal.
    [{ namespaces: ['*a'] }, { principal: 'cluster.local/ns/foo/sa/x' }, 200],
    [{ namespaces: ['*b'] }, { principal: 'cluster.local/ns/foo/sa/x' }, 403],
    [{ namespaces: ['foo/sa'] }, { principal: 'cluster.local/ns/foo/sa/x' }, 200],
    [{ namespaces: ['fo.'] }, { principal: 'cluster.local/ns/foo/sa/x' }, 403],
    [{ trustDomains: ['*'] }, { principal: 'a/ns/foo/sa/x' }, 200],
    [{ trustDomains: ['*'] }, { principal: null }, 403],
    [{ trustDomains: ['old'] }, { principal: 'cluster.local/ns/foo/sa/x' }, 200],
    [{ trustDomains: ['*old'] }, { principal: 'cluster.local/ns/foo/sa/x' }, 403],
    [{ serviceAccounts: ['foo/x'] }, { principal: 'cluster.local/ns/foo/sa/xy' }, 403],
    // A trust domain with an asterisk is each of the mesh that it matches; one in front of it stays.
    [{ principals: ['cluster*/ns/foo/sa/x'] }, { principal: 'cluster.local/ns/foo/sa/x' }, 200],
    [{ principals: ['cluster*/ns/foo/sa/x'] }, { principal: 'old/ns/foo/sa/x' }, 200],
    [{ principals: ['cluster*/ns/foo/sa/x'] }, { principal: 'cluster2/ns/foo/sa/x' }, 403],
    [{ principals: ['*local/ns/foo/sa/x'] }, { principal: 'local/ns/foo/sa/x' }, 200],
    [{ principals: ['*local/ns/foo/sa/x'] }, { principal: 'old/ns/foo/sa/x' }, 200],
    [{ principals: ['else*/ns/foo/sa/x'] }, { principal: 'elsewhere/ns/foo/sa/x' }, 403],
  ])('%j of %j: %i', (fields, request, wanted) => {
    const mesh = { ...defaultMesh, trustDomains: ['cluster.local', 'old'] };
    expect(status([policy({ rules: source(fields) })], request, { mesh })).toBe(wanted);
  });
});

test('cluster.local stands for the trust domain of the mesh in principals, whatever it is called, and nowhere else', () => {
  const mesh = { ...defaultMesh, trustDomains: ['new', 'old'] };
  const of = (fields: object, principal: string) =>
    status([policy({ rules: [{ from: [{ source: fields }] }] })], { principal }, { mesh });
  const principals = ['cluster.local/ns/foo/sa/x'];
  expect([of({ principals }, 'new/ns/foo/sa/x'), of({ principals }, 'old/ns/foo/sa/x')]).toEqual([200, 200]);
  expect(of({ principals }, 'cluster.local/ns/foo/sa/x')).toBe(403);
  expect(of({ principals: ['*/ns/foo/sa/x'] }, 'other/ns/foo/sa/x')).toBe(200);
  expect(of({ trustDomains: ['cluster.local'] }, 'new/ns/foo/sa/x')).toBe(403);
});

describe('a condition on a header', () => {
  const of = (key: string, value: string, action = 'ALLOW', request: Partial<Request> = {}) =>
    status([policy({ action, rules: [{ when: [{ key, values: [value] }] }] })], {
      path: '/a/../b?x=1',
      ...request,
    });
  test.each([
    ['request.headers[:method]', 'GET'],
    ['request.headers[:path]', '/b?x=1'],
    ['request.headers[:authority]', 'web.foo:8000'],
    ['request.headers[Host]', 'web.foo:8000'],
  ])('may be about the request itself: %s', (key, value) => {
    expect([of(key, value), of(key, 'x'), of(key, value, 'DENY')]).toEqual([200, 403, 403]);
  });

  test.each(['request.headersX[a]', 'request.auth.claimsX[a]'])(
    'whose name is none is left out of DENY, and its rule out of ALLOW: %s',
    (key) => {
      expect([of(key, 'a'), of(key, 'a', 'DENY')]).toEqual([403, 403]);
    },
  );

  test('sees the path without the token, which is no longer there', () => {
    const rule = { key: 'request.headers[:path]', values: ['/a?x=1'] };
    const [, value = ''] = bearer({})[0] ?? [];
    const path = `/a?x=1&access_token=${value.slice('Bearer '.length)}`;
    expect(status([jwt({ issuer: 'a' }), policy({ rules: [{ when: [rule] }] })], { path })).toBe(200);
  });
});

test('a path that is malformed is answered by the proxy itself', () => {
  expect(answer([], { path: '/a%00' })).toMatchObject({
    status: undefined,
    unknown: ['the path is malformed, which a proxy answers with 400'],
  });
});

describe('a port that is no HTTP', () => {
  const http = [{ to: [{ operation: { paths: ['/x'], ports: ['80'] } }] }];
  test('leaves rules about HTTP out of ALLOW, and what they say about HTTP out of DENY', () => {
    const request = { destinationPort: 80 };
    expect(status([policy({ rules: http })], request, { isTcp: true })).toBe(403);
    expect(status([policy({ action: 'DENY', rules: http })], request, { isTcp: true })).toBe(403);
    expect(status([policy({ action: 'DENY', rules: http })], { destinationPort: 81 }, { isTcp: true })).toBe(
      200,
    );
    expect(
      status([jwt({ issuer: 'a' })], { headers: [['Authorization', 'Bearer x']] }, { isTcp: true }),
    ).toBe(200);
  });
});

describe('headers of the request as it goes on', () => {
  test('the token is taken out, claims are put in, and nobody else can send them', () => {
    const rule = {
      issuer: 'a',
      outputPayloadToHeader: 'X-Payload',
      outputClaimToHeaders: [
        { header: 'x-sub', claim: 'sub' },
        { header: 'x-list', claim: 'list' },
        { header: 'x-half', claim: 'half' },
        { header: 'x-inner', claim: 'map.inner' },
        { header: 'x-none', claim: 'none' },
        { header: 'x-blank', claim: 'blank' },
      ],
    };
    const claims = { list: ['a', 'b'], half: 1.5, map: { inner: true }, blank: ' a b ' };
    const headers: Request['headers'] = [
      ...bearer(claims),
      ['X-Sub', 'mallory'],
      ['x-none', 'mallory'],
      ['Accept', '*/*'],
    ];
    const passed = answer([jwt(rule)], { headers });
    expect(passed.headers).toEqual([
      ['Accept', '*/*'],
      ['x-payload', encoded({ iss: 'a', sub: 'b', ...claims })],
      ['x-sub', 'b'],
      ['x-list', 'WyJhIiwiYiJd'],
      ['x-half', '1.500000'],
      ['x-inner', 'true'],
      ['x-blank', 'a b'],
    ]);
    expect(
      answer([jwt({ issuer: 'a', forwardOriginalToken: true })], { headers: bearer({}) }).headers,
    ).toEqual(bearer({}));
    expect(answer([jwt(rule)], { headers: [['X-Sub', 'mallory']] }).headers).toEqual([]);
  });
});

test('a refusal says how to authenticate, with the path as the proxy sees it', () => {
  const {
    status: code,
    body,
    wwwAuthenticate,
  } = answer([jwt({ issuer: 'a' })], {
    path: '/a/../b?x=1',
    headers: [['Authorization', 'Bearer x']],
  });
  expect([code, body]).toEqual([
    401,
    'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections',
  ]);
  expect(wwwAuthenticate).toBe('Bearer realm="http://web.foo:8000/b?x=1", error="invalid_token"');
});

test.each<[Request['headers'], Request['principal'], string]>([
  [[['X-Forwarded-Proto', 'https']], null, 'https://web.foo:8000/a'],
  [[['X-Forwarded-Proto', 'ftp']], 'a/ns/b/sa/c', 'https://web.foo:8000/a'],
  [[['X-Forwarded-Proto', 'ftp']], null, 'http://web.foo:8000/a'],
  [[['X-Envoy-Original-Path', '/b']], null, 'http://web.foo:8000/b'],
])('which is that of the client, as %j say', (headers, principal, realm) => {
  const sent = { headers: [...headers, ['Authorization', 'Bearer x']] as Request['headers'], principal };
  expect(answer([jwt({ issuer: 'a' })], sent).wwwAuthenticate).toContain(`realm="${realm}"`);
});
