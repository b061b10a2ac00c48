import { describe, expect, test } from 'vitest';
import { providerRule } from '../../../src/run/explain/jwt-rules.ts';
import { lacks, type ProxyState } from '../../../src/run/proof/declared.ts';
import type { KubeObject, ProxyPolicies } from '../../../src/target/target.ts';
import { fakeProxy } from '../../support/fake-target.ts';

const keys = (kid: string) => [{ kty: 'RSA', kid }];
const jwks = (kid: string) => JSON.stringify({ keys: keys(kid) });

function authentication(name: string, ...jwtRules: object[]): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    metadata: { name, namespace: 'foo' },
    spec: { jwtRules },
  };
}

function authorization(
  name: string,
  spec: Record<string, unknown> = {},
  annotations?: Record<string, string>,
): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name, namespace: 'foo', ...(annotations === undefined ? {} : { annotations }) },
    spec,
  };
}

const provider = (issuer: string, more: Partial<ProxyPolicies['providers'][number]> = {}) => ({
  issuer,
  ...more,
});
const rbac = (name: string) => ({ name, action: 'ALLOW', rules: '{}' });

function state(declared: KubeObject[], policies: Partial<ProxyPolicies> = {}): ProxyState {
  return {
    proxy: fakeProxy,
    role: 'decides',
    declared,
    policies: { providers: [], rbac: [], markers: ['m'], rejected: [], ...policies },
  };
}

const missing = (of: ProxyState, fetch: 'istiod' | 'envoy' | 'hybrid' = 'istiod') => lacks(of, fetch);

describe('providers', () => {
  const inline = authentication('jwt', { issuer: 'a', jwks: jwks('1') });
  const remote = authentication('jwt', { issuer: 'a', jwksUri: 'http://keys.foo/jwks' });

  test('a rule has its provider, with the very keys', () => {
    expect(missing(state([inline], { providers: [provider('a', { keys: keys('1') })] }))).toEqual([]);
  });

  test.each([
    ['none', []],
    ['one of another issuer', [provider('b', { keys: keys('1') })]],
    ['one with old keys', [provider('a', { keys: keys('0') })]],
    ['one with more keys', [provider('a', { keys: [...keys('1'), ...keys('0')] })]],
    ['one without keys', [provider('a', { uri: 'http://x' })]],
  ])('%s is not enough', (_, providers) => {
    expect(missing(state([inline], { providers }))).toContain(
      'it has no provider for issuer a with the declared keys and fields',
    );
  });

  test('one of a policy that is gone is too many, also where another one has the same issuer', () => {
    const [left, gone] = [provider('a', { keys: keys('1') }), provider('a', { keys: keys('0') })];
    expect(missing(state([inline], { providers: [left, gone] }))).toEqual([
      'it still has a provider for issuer a with other keys or fields',
    ]);
    const asked = { ...left, rule: providerRule({ audiences: ['gone'] }) };
    expect(missing(state([inline], { providers: [left, asked] }))).toHaveLength(1);
    expect(missing(state([inline, remote], { providers: [left, provider('a', { keys: [] })] }))).toEqual([]);
  });

  test('one that nothing declares is too many', () => {
    expect(missing(state([], { providers: [provider('old')] }))).toEqual([
      'it still has a provider for issuer old',
    ]);
  });

  test.each([
    ['istiod', { keys: keys('any') }, []],
    [
      'istiod',
      { uri: 'http://keys.foo/jwks' },
      ['it has no provider for issuer a with the declared keys and fields'],
    ],
    ['envoy', { uri: 'http://keys.foo/jwks' }, []],
    [
      'envoy',
      { uri: 'http://other.foo/jwks' },
      ['it has no provider for issuer a with the declared keys and fields'],
    ],
    ['envoy', { keys: keys('any') }, ['it has no provider for issuer a with the declared keys and fields']],
    ['hybrid', { keys: keys('any') }, []],
    ['hybrid', { uri: 'http://keys.foo/jwks' }, []],
    [
      'hybrid',
      { uri: 'http://other.foo/jwks' },
      ['it has no provider for issuer a with the declared keys and fields'],
    ],
  ] as const)('keys by address: %s has %o', (fetch, has, expected) => {
    expect(missing(state([remote], { providers: [provider('a', has)] }), fetch)).toEqual(expected);
  });

  test('an empty text is no inline keys', () => {
    const empty = authentication('jwt', { issuer: 'a', jwks: '', jwksUri: 'http://keys.foo/jwks' });
    expect(missing(state([empty], { providers: [provider('a', { keys: keys('any') })] }))).toEqual([]);
  });

  test('without an address of its own a rule has what its issuer says, wherever that is', () => {
    const discovered = authentication('jwt', { issuer: 'a' });
    const of = (has: object) => missing(state([discovered], { providers: [provider('a', has)] }), 'envoy');
    expect(of({ uri: 'http://a/jwks' })).toEqual([]);
    expect(of({})).toHaveLength(1);
  });

  test('of two rules of one issuer each needs its own', () => {
    const both = authentication('jwt', { issuer: 'a', jwks: jwks('1') }, { issuer: 'a', jwks: jwks('2') });
    expect(missing(state([both], { providers: [provider('a', { keys: keys('1') })] }))).toHaveLength(1);
  });

  const fields = {
    audiences: ['x'],
    fromHeaders: [{ name: 'X-A', prefix: 'P ' }, { name: 'x-b' }],
    fromParams: ['q'],
    fromCookies: ['c'],
    forwardOriginalToken: true,
    outputPayloadToHeader: 'X-P',
    outputClaimToHeaders: [{ header: 'X-C', claim: 'sub' }],
  };
  const has = {
    audiences: ['x'],
    fromHeaders: [['x-a', 'P '] as const, ['x-b', ''] as const],
    fromParams: ['q'],
    fromCookies: ['c'],
    forwardOriginalToken: true,
    outputPayloadToHeader: 'x-p',
    outputClaimToHeaders: [['x-c', 'sub'] as const],
  };

  test('every field of a rule must be there as it is declared', () => {
    const declared = [authentication('jwt', { issuer: 'a', jwks: jwks('1'), ...fields })];
    const with_ = (rule: object) =>
      state(declared, { providers: [provider('a', { keys: keys('1'), rule: { ...has, ...rule } })] });
    expect(missing(with_({}))).toEqual([]);
    for (const name of Object.keys(has)) {
      const other = { forwardOriginalToken: false, outputPayloadToHeader: 'x-q' }[name] ?? [];
      expect(missing(with_({ [name]: other })), name).toHaveLength(1);
    }
  });

  test('a rule without an issuer has a provider without one', () => {
    const any = authentication('jwt', { jwks: jwks('1') });
    expect(missing(state([any], { providers: [provider('', { keys: keys('1') })] }))).toEqual([]);
    expect(missing(state([any]))).toEqual([
      'it has no provider for issuer (any) with the declared keys and fields',
    ]);
  });
});

describe('RBAC policies', () => {
  const three = authorization('p', { rules: [{}, {}, {}] });
  const has = (...indexes: number[]) => ({
    rbac: indexes.map((index) => rbac(`ns[foo]-policy[p]-rule[${index}]`)),
  });

  test('every rule must be there, and no more', () => {
    expect(missing(state([three], has(0, 1, 2)))).toEqual([]);
    expect(missing(state([three], has(0, 2)))).toEqual(['it has no RBAC policy ns[foo]-policy[p]-rule[1]']);
    expect(missing(state([three], has(0, 1, 2, 3)))).toEqual([
      'it still has the RBAC policy ns[foo]-policy[p]-rule[3]',
    ]);
  });

  test('of two policies the arrival of one does not prove the other', () => {
    expect(missing(state([three, authorization('q', { rules: [{}] })], has(0, 1, 2)))).toEqual([
      'it has no RBAC policy ns[foo]-policy[q]-rule[0]',
    ]);
  });

  test('a policy without rules has one that nothing matches, whatever its number', () => {
    const none = authorization('p');
    expect(missing(state([none], has(0)))).toEqual([]);
    expect(missing(state([none]))).toEqual(['it has no RBAC policy ns[foo]-policy[p]-…']);
  });

  test('one without a spec is such a policy', () => {
    const { spec: _, ...bare } = authorization('p');
    expect(missing(state([bare], has(0)))).toEqual([]);
    expect(missing(state([bare]))).toEqual(['it has no RBAC policy ns[foo]-policy[p]-…']);
  });

  test('rules are told by their whole number', () => {
    expect(missing(state([authorization('p', { rules: [{}] })], has(0, 10)))).toEqual([
      'it still has the RBAC policy ns[foo]-policy[p]-rule[10]',
    ]);
    const name = 'ns[foo]-policy[old]-of-another-istio';
    expect(missing(state([], { rbac: [rbac(name)] }))).toEqual([`it still has the RBAC policy ${name}`]);
  });

  test('those of others are too many; those that are no Istio names do not count', () => {
    const more = [rbac('ns[foo]-policy[old]-rule[0]'), rbac('my-own')];
    expect(missing(state([], { rbac: more }))).toEqual([
      'it still has the RBAC policy ns[foo]-policy[old]-rule[0]',
    ]);
  });

  test('names that begin alike are not taken for each other', () => {
    const longer = authorization('p-2', { rules: [{}] });
    expect(missing(state([longer], has(0)))).toHaveLength(2);
  });

  test.each(['true', 'TRUE', 'True', 't', 'T', '1'])('a dry run (%s) is not enforced', (value) => {
    expect(missing(state([authorization('p', { rules: [{}] }, { 'istio.io/dry-run': value })]))).toEqual([]);
  });

  test.each(['false', 'yes', 'tRUE', ''])('what Go does not read as true (%s) is enforced', (value) => {
    const policy = authorization('p', { rules: [{}] }, { 'istio.io/dry-run': value });
    expect(missing(state([policy]))).toEqual(['it has no RBAC policy ns[foo]-policy[p]-rule[0]']);
  });

  test('CUSTOM is enforced elsewhere', () => {
    expect(missing(state([authorization('p', { action: 'CUSTOM', rules: [{}] })]))).toEqual([]);
  });
});
