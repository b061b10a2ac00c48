import { describe, expect, test } from 'vitest';
import type { Request } from '../../../src/policy/input.ts';
import { routedByHttpRoute } from '../../../src/run/explain/http-routes.ts';
import type { KubeObject, Survey } from '../../../src/target/target.ts';
import { meshPod } from '../../support/mesh-pod.ts';

const gateway = meshPod('edge-istio', {
  proxy: 'gateway',
  labels: { 'gateway.networking.k8s.io/gateway-name': 'edge' },
});
const route = (name: string, spec: object, namespace = 'foo'): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name, namespace },
  spec: { parentRefs: [{ name: 'edge', namespace: 'foo' }], ...spec },
});
/** A rule that leads to the Service of this name. */
const to = (name: string, match?: object, more: object = {}) => ({
  ...(match === undefined ? {} : { matches: [match] }),
  backendRefs: [{ name, port: 8000 }],
  ...more,
});
const path = (type: string, value: string) => ({ path: { type, value } });

function find(objects: KubeObject[], sent: Partial<Request> = {}) {
  const survey = { objects } as unknown as Survey;
  const request: Request = {
    method: 'GET',
    authority: 'a.example.com',
    path: '/',
    headers: [],
    ...sent,
  } as Request;
  return routedByHttpRoute(request, gateway, survey);
}
/** Which Service the rules lead to. */
const leads = (rules: object[], sent: Partial<Request> = {}) => {
  const found = find([route('r', { rules })], sent);
  return found === null ? null : found?.host?.split('.')[0];
};

describe('a rule fits', () => {
  test.each([
    ['Exact', '/a', '/a', true],
    ['Exact', '/a', '/a?b=c', true],
    ['Exact', '/a', '/a/', false],
    ['PathPrefix', '/a', '/a', true],
    ['PathPrefix', '/a/', '/a', true],
    ['PathPrefix', '/a', '/a/b', true],
    ['PathPrefix', '/a', '/ab', false],
    ['PathPrefix', '/', '/any', true],
  ])('by a path: %s %s for %s: %s', (type, value, asked, expected) => {
    expect(leads([to('x', path(type, value))], { path: asked })).toBe(expected ? 'x' : null);
  });

  test('by method and headers, whose names may be written in any case', () => {
    const rules = [to('x', { method: 'POST', headers: [{ name: 'X-A', value: '1' }] })];
    expect(leads(rules, { method: 'POST', headers: [['x-a', '1']] })).toBe('x');
    expect(leads(rules, { method: 'GET', headers: [['x-a', '1']] })).toBeNull();
    expect(leads(rules, { method: 'POST', headers: [['x-a', '2']] })).toBeNull();
    expect(leads(rules, { method: 'POST' })).toBeNull();
  });

  test('without a match always', () => {
    expect(leads([to('x')], { path: '/any' })).toBe('x');
  });
});

test('of several rules the most specific one counts, wherever it stands', () => {
  const rules = [
    to('all'),
    to('short', path('PathPrefix', '/a')),
    to('long', path('PathPrefix', '/a/b')),
    to('posted', { ...path('PathPrefix', '/a'), method: 'POST' }),
    to('exact', path('Exact', '/a/b/c')),
  ];
  for (const [asked, method, expected] of [
    ['/', 'GET', 'all'],
    ['/a/x', 'GET', 'short'],
    ['/a/b/x', 'GET', 'long'],
    ['/a/x', 'POST', 'posted'],
    ['/a/b/x', 'POST', 'long'],
    ['/a/b/c', 'GET', 'exact'],
  ] as const)
    expect([asked, method, leads(rules, { path: asked, method })]).toEqual([asked, method, expected]);
});

test('only routes with the most specific host count, even when none of their rules fits', () => {
  const objects = [
    route('any', { rules: [to('any')] }),
    route('wild', { hostnames: ['*.example.com'], rules: [to('wild')] }),
    route('named', { hostnames: ['a.example.com'], rules: [to('named', path('Exact', '/x'))] }),
  ];
  const host = (authority: string, asked = '/x') => {
    const found = find(objects, { authority, path: asked });
    return found === null ? null : found?.host?.split('.')[0];
  };
  expect(host('a.example.com')).toBe('named');
  expect(host('a.example.com:8443')).toBe('named');
  expect(host('b.example.com')).toBe('wild');
  expect(host('b.example.org')).toBe('any');
  expect(host('a.example.com', '/y')).toBeNull();
});

test('routes of other gateways are not followed', () => {
  expect(find([route('r', { parentRefs: [{ name: 'other' }], rules: [to('x')] })])).toBeUndefined();
  expect(find([route('r', { parentRefs: [{ name: 'edge' }], rules: [to('x')] }, 'bar')])).toBeUndefined();
  expect(find([route('r', { hostnames: ['b.example.com'], rules: [to('x')] })])).toBeUndefined();
});

test('it says where the request goes, by the names of Kubernetes', () => {
  const rules = [to('x', undefined, { backendRefs: [{ name: 'x', namespace: 'bar', port: 81 }] })];
  expect(find([route('r', { rules })])).toMatchObject({
    host: 'x.bar.svc.cluster.local',
    port: 81,
    unknown: undefined,
  });
  expect(find([route('r', { rules: [{}] })])).toMatchObject({ host: undefined });
});

test('what is not understood is said', () => {
  const unknown = (rule: object) => find([route('r', { rules: [rule] })])?.unknown;
  expect(unknown(to('x', path('RegularExpression', '/a.*')))).toBe(
    'which rule of HTTPRoute foo/r it takes is not known here',
  );
  expect(unknown(to('x', { queryParams: [{ name: 'a', value: 'b' }] }))).toMatch(/^which rule/);
  expect(
    unknown(to('x', { headers: [{ type: 'RegularExpression', name: 'a', value: '.*' }] })),
  ).toBeDefined();
  expect(unknown(to('x', undefined, { filters: [{ type: 'URLRewrite' }] }))).toBe(
    'what URLRewrite of HTTPRoute foo/r makes of it is not known here',
  );
  expect(unknown(to('x', undefined, { filters: [{ type: 'ResponseHeaderModifier' }] }))).toBeUndefined();
});
