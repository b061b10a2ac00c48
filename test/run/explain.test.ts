/** What is said about a wrong answer, from what selects the proxies and from Envoy's own words. */
import { describe, expect, test } from 'vitest';
import type { PlannedStep } from '../../src/plan/types.ts';
import { explain, inPlace, type WrongAnswer } from '../../src/run/explain.ts';
import type { Snapshot } from '../../src/run/hold.ts';
import type { StepState } from '../../src/run/state.ts';
import type { KubeObject } from '../../src/target/target.ts';

function policy(kind: string, namespace: string, name: string, spec: object = {}): KubeObject {
  return { apiVersion: 'security.istio.io/v1', kind, metadata: { namespace, name }, spec };
}

const authentication = policy('RequestAuthentication', 'foo', 'jwt-example', {
  jwtRules: [{ issuer: 'testing@secure.istio.io', jwksUri: 'http://keys.example/jwks' }],
});
const authorization = policy('AuthorizationPolicy', 'foo', 'require-jwt');

function snapshot(declared: KubeObject[], rbac: [name: string, action: string][] = []): Snapshot {
  const policies = {
    providers: [],
    rbac: rbac.map(([name, action]) => ({ name, action, rules: '' })),
    fingerprint: { jwt: '', rbac: '', clusters: '' },
    rejected: [],
  };
  const proxy = { namespace: 'foo', pod: 'httpbin-1', labels: { app: 'httpbin' }, kind: 'sidecar' as const };
  return new Map([['foo/httpbin-1', { proxy, declared, policies }]]);
}

function cause(more: Partial<WrongAnswer>): string | undefined {
  const nothing = { expected: 403, status: 200, body: '', issuer: undefined, applied: [] };
  return explain({ ...nothing, snapshot: snapshot([]), ...more });
}

describe('policies', () => {
  test('that were applied and select nothing are named', () => {
    const elsewhere = policy('AuthorizationPolicy', 'default', 'require-jwt');
    const applied = [authentication, elsewhere];
    expect(cause({ applied, snapshot: snapshot([authentication]) })).toBe(
      'AuthorizationPolicy default/require-jwt selects none of the proxies that decide about this request: see namespace and selector',
    );
    expect(cause({ applied, snapshot: snapshot([]) })).toMatch(
      /^RequestAuthentication foo\/jwt-example and AuthorizationPolicy default\/require-jwt select none/,
    );
  });

  test('that name their target, and other objects, select nothing by labels', () => {
    const spec = { targetRefs: [{ kind: 'Gateway', name: 'gw' }] };
    const applied = [policy('AuthorizationPolicy', 'foo', 'x', spec), policy('ConfigMap', 'foo', 'y')];
    expect(cause({ applied, expected: 200, status: 500 })).toBeUndefined();
  });

  test('that are missing altogether are named by their kind', () => {
    expect(cause({ expected: 403 })).toBe('no AuthorizationPolicy selects foo/httpbin-1');
    expect(cause({ expected: 401 })).toBe('no RequestAuthentication selects foo/httpbin-1');
    expect(cause({ expected: 403, snapshot: snapshot([authorization]) })).toBeUndefined();
    expect(cause({ expected: 200, status: 404 })).toBeUndefined();
    expect(cause({ expected: 403, status: 403, body: 'other' })).toBeUndefined();
  });

  test('are not asked for when no proxy decides', () => {
    expect(cause({ snapshot: new Map(), applied: [authorization] })).toBeUndefined();
  });
});

describe('what Envoy answers', () => {
  const held = snapshot([authentication, authorization]);
  const answer = (status: number, body: string, more: Partial<WrongAnswer> = {}) =>
    cause({ expected: 200, status, body, snapshot: held, ...more });

  test('an unknown issuer: both are named', () => {
    expect(answer(401, 'Jwt issuer is not configured', { issuer: 'testing@secure.istio.com' })).toBe(
      'iss of the token is testing@secure.istio.com, and the policies are for testing@secure.istio.io',
    );
    expect(answer(401, 'Jwt issuer is not configured')).toBeUndefined();
  });

  test.each(['Jwks remote fetch is failed', 'Jwt verification fails'])('%s: the URI is named', (body) => {
    expect(answer(401, body)).toBe(
      'the proxy may not have the keys of http://keys.example/jwks: see istiod-jwks.txt of the evidence',
    );
    const inline = policy('RequestAuthentication', 'foo', 'x', { jwtRules: [{ issuer: 'a', jwks: '{}' }] });
    expect(answer(401, body, { snapshot: snapshot([inline]) })).toBeUndefined();
  });

  test('access denied: the policies that may deny are named', () => {
    const denied = (...rbac: [string, string][]) =>
      answer(403, 'RBAC: access denied', { snapshot: snapshot([authorization], rbac) });
    expect(denied(['a', 'DENY'])).toBe('a denies it');
    expect(denied(['b', 'ALLOW'], ['c', 'ALLOW'])).toBe('none of b, c allows it');
    expect(denied(['a', 'DENY'], ['b', 'ALLOW'])).toBe('a denies it, or none of b allows it');
    expect(denied()).toBeUndefined();
  });
});

test('what is in place is what was applied up to the step and not deleted', () => {
  const place = { file: 'x.yaml', line: 1, column: 1 };
  const step = (apply: KubeObject[], remove: KubeObject[] = []) =>
    ({
      apply: apply.map((manifest) => ({ manifest, place })),
      delete: remove.map(({ apiVersion, kind, metadata }) => ({ apiVersion, kind, ...metadata })),
    }) as unknown as PlannedStep;
  const named = policy('RequestAuthentication', 'foo', '$' + '{n}');
  const steps = [
    step([named, authorization]),
    step([authentication], [authorization]),
    step([authorization]),
  ];
  const state = { scenario: { steps }, context: { names: { n: 'filled-in' } } } as unknown as StepState;
  const names = (index: number) => inPlace(steps[index]!, state).map(({ metadata }) => metadata.name);
  expect(names(0)).toEqual(['filled-in', 'require-jwt']);
  expect(names(1)).toEqual(['filled-in', 'jwt-example']);
  expect(names(2)).toEqual(['filled-in', 'jwt-example', 'require-jwt']);
});
