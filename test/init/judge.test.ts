/** What is expected by the simple rules: each of these was seen on a mesh, or is what the reference says. */
import { describe, expect, test } from 'vitest';
import { issuersOf } from '../../src/init/issuers.ts';
import { judge } from '../../src/init/judge.ts';
import { pathFor } from '../../src/init/match.ts';
import { readPolicies } from '../../src/init/policy.ts';
import { matchesPath, matchesPrincipal, matchesText } from '../../src/policy/patterns.ts';

const metadata = { name: 'it', namespace: 'foo' };
const authentication = (...jwtRules: object[]) => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'RequestAuthentication',
  metadata,
  spec: { jwtRules },
});
let number = 0;
const authorization = (spec: object) => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { ...metadata, name: `it-${number++}` },
  spec,
});

/** What each token is answered. */
function codes(
  objects: Parameters<typeof readPolicies>[0],
  request: Partial<Parameters<typeof judge>[0]> = {},
) {
  const { policies, leftOut } = readPolicies(objects);
  expect(leftOut).toEqual([]);
  const tokens = issuersOf(policies).flatMap((issuer) => issuer.tokens);
  const base = { path: '/', method: 'GET', host: undefined, port: 8080, token: undefined, ...request };
  return Object.fromEntries(
    [undefined, ...tokens].map((token) => {
      const { code, doubts } = judge({ ...base, token }, policies);
      return [token?.name ?? 'no token', doubts.length > 0 ? `${code}?` : code];
    }),
  );
}

const issuer = 'https://login.example.com';
const anybody = { from: [{ source: { requestPrincipals: ['*'] } }] };

describe('RequestAuthentication', () => {
  test('alone lets requests without a token pass', () => {
    expect(codes([authentication({ issuer })])).toEqual({
      'no token': 200,
      valid: 200,
      expired: 401,
      tampered: 401,
      'wrong issuer': 401,
    });
  });

  test('answers 403 to a token for another audience', () => {
    expect(codes([authentication({ issuer, audiences: ['us'] })])).toMatchObject({
      valid: 200,
      'wrong audience': 403,
    });
  });

  test('that is missing leaves everybody without a principal', () => {
    expect(codes([authorization({ rules: [anybody] })])).toEqual({ 'no token': 403 });
    expect(codes([authorization({ action: 'DENY', rules: [anybody] })])).toEqual({ 'no token': 200 });
  });
});

describe('AuthorizationPolicy', () => {
  const withRules = (spec: object, request = {}) =>
    codes([authentication({ issuer }), authorization(spec)], request);

  test.each([
    ['nothing allowed', {}, { 'no token': 403, valid: 403, tampered: 401 }],
    ['everything allowed', { rules: [{}] }, { 'no token': 200, valid: 200, tampered: 401 }],
    ['a principal required', { rules: [anybody] }, { 'no token': 403, valid: 200, expired: 401 }],
    [
      'no principal denied',
      { action: 'DENY', rules: [{ from: [{ source: { notRequestPrincipals: ['*'] } }] }] },
      { 'no token': 403, valid: 200 },
    ],
    ['AUDIT', { action: 'AUDIT', rules: [{}] }, { 'no token': 200, valid: 200 }],
    [
      'a subject required',
      { rules: [{ from: [{ source: { requestPrincipals: [`${issuer}/alice`] } }] }] },
      { 'no token': 403, valid: 200 },
    ],
    [
      'a claim required',
      { rules: [{ when: [{ key: 'request.auth.claims[groups]', values: ['a', 'b'] }] }] },
      { 'no token': 403, valid: 200, 'without groups': 403 },
    ],
    [
      'a claim denied',
      { action: 'DENY', rules: [{ when: [{ key: 'request.auth.claims[status]', values: ['locked'] }] }] },
      { 'no token': 200, valid: 200, 'with status locked': 403 },
    ],
    [
      'a claim that must not be',
      { rules: [{ when: [{ key: 'request.auth.claims[status]', notValues: ['locked'] }] }] },
      { 'no token': 200, valid: 200 },
    ],
    [
      'an audience required',
      { rules: [{ when: [{ key: 'request.auth.audiences', values: ['us'] }] }] },
      { 'no token': 403, valid: 200 },
    ],
  ] as const)('%s', (_, spec, wanted) => {
    expect(withRules(spec)).toMatchObject(wanted);
  });

  test('all of a rule must hold, and one of the rules', () => {
    const spec = {
      rules: [
        { ...anybody, to: [{ operation: { paths: ['/a'], methods: ['GET'] } }] },
        { to: [{ operation: { paths: ['/b', '/c*'], notPaths: ['/c/d'] } }] },
      ],
    };
    expect(withRules(spec, { path: '/a' })).toMatchObject({ 'no token': 403, valid: 200 });
    expect(withRules(spec, { path: '/a', method: 'POST' })).toMatchObject({ valid: 403 });
    expect(withRules(spec, { path: '/c/e' })).toMatchObject({ 'no token': 200 });
    expect(withRules(spec, { path: '/c/d' })).toMatchObject({ valid: 403 });
  });

  test('DENY comes before ALLOW', () => {
    const both = [authorization({ rules: [{}] }), authorization({ action: 'DENY', rules: [{}] })];
    expect(codes(both)).toEqual({ 'no token': 403 });
  });

  test.each([
    [{ from: [{ source: { ipBlocks: ['10.0.0.0/8'] } }] }, '403?'],
    [{ from: [{ source: { principals: ['cluster.local/ns/foo/sa/default'] } }] }, '200?'],
    [{ from: [{ source: { principals: ['cluster.local/ns/foo/sa/web'] } }] }, '403?'],
    // curl sends this one; a header of one's own it does not.
    [{ when: [{ key: 'request.headers[user-agent]', values: ['y'] }] }, '403?'],
    [{ when: [{ key: 'request.headers[k-serving]', values: ['y'] }] }, 403],
    [{ when: [{ key: 'request.headers[k-serving]', notValues: ['bad*'] }] }, 200],
    // What is surely not so decides, whatever else there is.
    [{ ...anybody, when: [{ key: 'request.headers[user-agent]', values: ['y'] }] }, 403],
    [{ to: [{ operation: { ports: ['8080'] } }] }, 200],
    [{ to: [{ operation: { ports: ['9090'] } }] }, 403],
    [{ to: [{ operation: { hosts: ['a.example.com'] } }] }, '403?'],
  ])('what is not known is a doubt: %j', (rule, wanted) => {
    expect(withRules({ rules: [rule] })['no token']).toBe(wanted);
  });

  test.each([
    ['request.auth.claims[exp]', 'values', ['*'], 403],
    ['request.auth.claims[number]', 'values', ['5'], 403],
    ['request.auth.claims[yes]', 'notValues', ['true'], 200],
    ['request.auth.claims[iss]', 'values', [issuer], 200],
    ['request.auth.claims[scope]', 'values', ['read'], 200],
    ['request.auth.claims[scope]', 'values', ['read write'], 403],
  ])('%s with %s %j', (key, field, values, code) => {
    const claims = { sub: 'somebody', exp: 4_685_989_700, number: 5, yes: true, scope: 'read write' };
    const token = { name: 'all', issuer, claims, isInvalid: false, spec: {} };
    const request = { path: '/', method: 'GET', host: undefined, port: undefined, token };
    const { policies } = readPolicies([
      authentication({ issuer }),
      authorization({ rules: [{ when: [{ key, [field]: values }] }] }),
    ]);
    expect(judge(request, policies)).toEqual({ code, doubts: [] });
  });

  test('a principal that Istio takes apart at another place is a doubt', () => {
    expect(withRules({ rules: [{ from: [{ source: { requestPrincipals: ['https://*'] } }] }] }).valid).toBe(
      '403?',
    );
  });
});

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

test.each(['/', '/a', '/a/*', '/a*', '*.css', '*', '/a/{*}/b', '/a/{**}', '/a/{*}/{**}/c', '/a.b'])(
  'a path for %s is matched by it, and begins with a slash',
  (pattern) => {
    expect(pathFor(pattern)).toMatch(/^\//);
    expect(matchesPath(pattern, pathFor(pattern))).toBe(true);
  },
);

test('patterns are not regular expressions', () => {
  expect(matchesPath('/a.b/{*}', '/axb/c')).toBe(false);
  expect(matchesPath('/a/{*}', '/a/b/c')).toBe(false);
  expect(matchesText('a*', 'b')).toBe(false);
  expect(matchesText('*', '')).toBe(false);
});
