/** For each rule the token that satisfies it, and the nearest that does not. */
import { describe, expect, test } from 'vitest';
import { issuer, rules, tokens, write } from '../support.ts';

const claim = (name: string, ...values: string[]) => ({ key: `request.auth.claims${name}`, values });
const principal = (name: string) => [{ source: { requestPrincipals: [name] } }];

describe('a rule’s token, and the nearest that it does not match', () => {
  test.each([
    ['a text', { when: [claim('[role]', 'admin', 'boss')] }, { role: 'admin' }, { role: 'adminx' }],
    ['a list, by a plural', { when: [claim('[groups]', 'a')] }, { groups: ['a'] }, { groups: ['ax'] }],
    ['words', { when: [claim('[scope]', 'a:b')] }, { scope: 'a:b' }, { scope: 'a:bx' }],
    [
      'a claim in a claim',
      { when: [claim('[realm][roles]', 'w')] },
      { realm: { roles: ['w'] } },
      { realm: { roles: ['wx'] } },
    ],
    ['the beginning', { when: [claim('[role]', 'ad*')] }, { role: 'adx' }, { role: 'xadx' }],
    ['the end', { when: [claim('[role]', '*min')] }, { role: 'xmin' }, { role: 'xminx' }],
    ['any value', { when: [claim('[role]', '*')] }, { role: 'x' }, { role: null }],
    [
      'true',
      { when: [claim('[email_verified]', 'true')] },
      { email_verified: 'true' },
      { email_verified: true },
    ],
    [
      'an audience',
      { when: [{ key: 'request.auth.audiences', values: ['us'] }] },
      { aud: ['us'] },
      { aud: ['usx'] },
    ],
    [
      'a presenter',
      { when: [{ key: 'request.auth.presenter', values: ['cli'] }] },
      { azp: 'cli' },
      { azp: 'clix' },
    ],
    ['a subject', { from: principal(`${issuer}/robot`) }, { sub: 'robot' }, { sub: 'robotx' }],
    ['subjects', { from: principal(`${issuer}/robot-*`) }, { sub: 'robot-x' }, { sub: 'xrobot-x' }],
  ])('%s', (_, rule, wanted, near) => {
    const { tokens: all, codes } = write([tokens(), rules([rule])]);
    const claims = Object.entries(all).map(([name, token]) => [name, token.claims] as const);
    const nameOf = (of: object) =>
      claims.find(([, each]) => JSON.stringify(each) === JSON.stringify(of))?.[0] ?? 'valid';
    expect(codes('/')).toMatchObject({ 'no token': 403, [nameOf(wanted)]: 200, [nameOf(near)]: 403 });
  });

  test('several at once: each nearest one lacks one thing', () => {
    const both = { when: [claim('[groups]', 'a'), claim('[groups]', 'b'), claim('[role]', 'r')] };
    const { codes } = write([tokens(), rules([both])]);
    expect(codes('/')).toMatchObject({
      'with groups a and b, role r': 200,
      'with groups ax, role r': 403,
      'with groups a and b, role rx': 403,
    });
  });

  test('a value that must not be there', () => {
    const rule = {
      from: principal('*'),
      when: [{ key: 'request.auth.claims[tenant]', notValues: ['blocked'] }],
    };
    expect(write([tokens(), rules([rule])]).codes('/')).toMatchObject({
      valid: 200,
      'with tenant blocked': 403,
      'without sub': 403,
    });
  });

  test('DENY', () => {
    const rule = { when: [claim('[status]', 'locked*')] };
    expect(write([tokens(), rules([rule], 'DENY')]).codes('/')).toMatchObject({
      'no token': 200,
      'with status lockedx': 403,
      'with status xlockedx': 200,
    });
  });
});

test('roles are told apart', () => {
  const { codes } = write([
    tokens(),
    rules([
      { to: [{ operation: { paths: ['/admin*'] } }], when: [claim('[role]', 'admin')] },
      { to: [{ operation: { notPaths: ['/admin*'] } }], when: [claim('[role]', 'reader')] },
    ]),
  ]);
  expect(codes('/admin/x')).toMatchObject({ 'with role admin': 200, 'with role reader': 403 });
  expect(codes('/anything-else')).toMatchObject({ 'with role admin': 403, 'with role reader': 200 });
});

test('what must be refused, and for another audience', () => {
  expect(write([tokens({ audiences: ['us'] }), rules([{ from: principal('*') }])]).codes('/')).toEqual({
    'no token': 403,
    valid: 200,
    'without sub': 403,
    expired: 401,
    tampered: 401,
    'wrong issuer': 401,
    'wrong audience': 403,
  });
});

test.each([
  [
    { fromHeaders: [{ name: 'x-token', prefix: 'T ' }] },
    'header x-token',
    { headers: { 'x-token': 'T ${tokens.valid}' } },
  ],
  [{ fromParams: ['t'] }, 'parameter t', { path: '${column}?t=${tokens.valid}' }],
  [{ fromCookies: ['c'] }, 'cookie c', { headers: { cookie: 'c=${tokens.valid}' } }],
])('%j: each token is put where it is looked for', (place, words, request) => {
  const { steps } = write([tokens(place), rules([{ from: principal('*') }])]);
  const step = steps.find(({ name }) => name.startsWith('with') && name.endsWith(`, valid in ${words}`));
  expect(step?.request).toMatchObject({ token: 'no token', ...request });
  expect(step?.expect).toEqual({ columns: ['/'], valid: [200] });
});

test('a rule without an issuer takes tokens of any, and the keys decide', () => {
  const any = {
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    metadata: { name: 'any', namespace: 'shop' },
  };
  const { codes, text } = write([
    { ...any, spec: { jwtRules: [{ jwksUri: 'https://a.example.com/keys' }] } },
  ]);
  expect(codes('/')).toMatchObject({ valid: 200, 'wrong issuer': 401 });
  // Istio takes a rule without an issuer only when it has a jwksUri.
  expect(text).toContain('- issuer: ${issuers.any-example-com.issuer}');
  expect(text).toContain('jwks: ${issuers.any-example-com.jwks} # yours: https://a.example.com/keys');
});

test('one unknown issuer is enough where several issuers share the usual place', () => {
  const { text } = write([tokens(), tokens({ issuer: 'https://other.example.com' }, { name: 'more' })]);
  expect(text.match(/^ {2}wrong issuer/gm)).toHaveLength(1);
});
