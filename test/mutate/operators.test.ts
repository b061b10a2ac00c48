import { expect, test } from 'vitest';
import { mutantsOf } from '../../src/mutate/operators.ts';
import type { KubeObject, MeshPod } from '../../src/target/target.ts';

const pod = (namespace: string, app: string): MeshPod => ({
  namespace,
  name: app,
  labels: { app },
  isReady: true,
  proxy: 'sidecar',
});
const surroundings = {
  rootNamespace: 'istio-system',
  pods: [pod('istio-system', 'gateway'), pod('foo', 'sleep'), pod('foo', 'httpbin'), pod('bar', 'httpbin')],
};

function policy(kind: string, spec: object, namespace = 'foo'): KubeObject {
  return { apiVersion: 'security.istio.io/v1', kind, metadata: { name: 'p', namespace }, spec };
}

/** The changes of a policy, and what it is then. */
function changesOf(object: KubeObject): Record<string, unknown> {
  return Object.fromEntries(
    mutantsOf(object, surroundings).map(({ change, object: changed }) => [
      change,
      changed === undefined
        ? undefined
        : changed.metadata.namespace === object.metadata.namespace
          ? changed.spec
          : changed.metadata.namespace,
    ]),
  );
}

test('a policy is left out, and attached elsewhere', () => {
  const selector = { matchLabels: { app: 'httpbin' } };
  expect(changesOf(policy('RequestAuthentication', { selector, jwtRules: [] }))).toEqual({
    'left out': undefined,
    'without its selector': { jwtRules: [] },
    'with the selector app: sleep': { selector: { matchLabels: { app: 'sleep' } }, jwtRules: [] },
    'in namespace bar': 'bar',
    'in the root namespace istio-system': 'istio-system',
  });
  expect(Object.keys(changesOf(policy('RequestAuthentication', {}, 'istio-system')))).toEqual([
    'left out',
    'in namespace foo',
  ]);
  const refs = { targetRefs: [{ kind: 'Gateway', name: 'g' }] };
  expect(changesOf(policy('RequestAuthentication', refs))['without its targetRefs']).toEqual({});
});

test('of a selector with several labels each is left out', () => {
  const selector = { matchLabels: { app: 'httpbin', version: 'v1' } };
  const changes = changesOf(policy('RequestAuthentication', { selector }));
  expect(changes['with a selector without the label app']).toEqual({
    selector: { matchLabels: { version: 'v1' } },
  });
  expect(changes['with a selector without the label version']).toEqual({
    selector: { matchLabels: { app: 'httpbin' } },
  });
});

test('an AuthorizationPolicy loses rules, fields and values, and has them negated or wider', () => {
  const rules = [
    {
      from: [{ source: { requestPrincipals: ['*'], namespaces: ['foo', 'bar'] } }],
      to: [{ operation: { paths: ['/a', '/b*'], methods: ['GET'] } }],
      when: [{ key: 'request.auth.claims[groups]', values: ['admin'] }],
    },
    { to: [{ operation: { notPaths: ['/c'] } }] },
  ];
  expect(Object.keys(changesOf(policy('AuthorizationPolicy', { action: 'DENY', rules })))).toEqual([
    'left out',
    'with action ALLOW',
    'without rule 1',
    'rule 1 without its `from`',
    'rule 1 without `requestPrincipals`',
    'rule 1 with `notRequestPrincipals` in place of `requestPrincipals`',
    'rule 1 without `namespaces`',
    'rule 1 with `notNamespaces` in place of `namespaces`',
    'rule 1 without foo in `namespaces`',
    'rule 1 without bar in `namespaces`',
    'rule 1 with foo* for foo in `namespaces`',
    'rule 1 with bar* for bar in `namespaces`',
    'rule 1 without its `to`',
    'rule 1 without `paths`',
    'rule 1 with `notPaths` in place of `paths`',
    'rule 1 without /a in `paths`',
    'rule 1 without /b* in `paths`',
    'rule 1 with /a* for /a in `paths`',
    'rule 1 with /b for /b* in `paths`',
    'rule 1 without `methods`',
    'rule 1 with `notMethods` in place of `methods`',
    'rule 1 without its `when`',
    'rule 1 with `notValues` in place of `values` of request.auth.claims[groups]',
    'rule 1 with admin* for admin in `request.auth.claims[groups]`',
    'without rule 2',
    'rule 2 without its `to`',
    'rule 2 with `paths` in place of `notPaths`',
    'rule 2 with /c* for /c in `notPaths`',
    'in namespace bar',
    'in the root namespace istio-system',
  ]);
});

test('a rule without its only field matches everything, and a policy without its only rule nothing', () => {
  const rules = [{ from: [{ source: { requestPrincipals: ['*'] } }] }];
  const allow = changesOf(policy('AuthorizationPolicy', { rules }));
  expect(allow['its rule without its `from`']).toEqual({ rules: [{}] });
  expect(allow['without its rule']).toEqual({ rules: [] });
  // A DENY without rules is as none, and Istio does not take it.
  expect(changesOf(policy('AuthorizationPolicy', { action: 'DENY', rules }))).not.toHaveProperty([
    'without its rule',
  ]);
  expect(changesOf(policy('AuthorizationPolicy', {}))).not.toHaveProperty(['with action DENY']);
});

test('an entry of a list is altered where it is', () => {
  const rules = [
    {
      from: [{ source: { namespaces: ['a'] } }, { source: { namespaces: ['b'] } }],
      when: [{ key: 'destination.port', values: ['80'], notValues: ['81'] }],
    },
  ];
  const changes = changesOf(policy('AuthorizationPolicy', { rules }));
  expect(changes['its rule with b* for b in `namespaces` in `from[1]`']).toEqual({
    rules: [
      { from: [{ source: { namespaces: ['a'] } }, { source: { namespaces: ['b*'] } }], when: rules[0]?.when },
    ],
  });
  expect(changes['its rule without `notValues` of destination.port']).toEqual({
    rules: [{ from: rules[0]?.from, when: [{ key: 'destination.port', values: ['80'] }] }],
  });
});

test('a RequestAuthentication takes other tokens, from other places', () => {
  const jwtRules = [
    {
      issuer: 'a',
      jwksUri: 'http://keys',
      audiences: ['one', 'two'],
      fromHeaders: [{ name: 'x', prefix: 'Token ' }, { name: 'y' }],
      fromCookies: ['c'],
      forwardOriginalToken: true,
    },
    { issuer: 'b', jwks: '{}', fromHeaders: [], forwardOriginalToken: false },
  ];
  expect(Object.keys(changesOf(policy('RequestAuthentication', { jwtRules })))).toEqual([
    'left out',
    'without rule 1 (a)',
    'rule 1 (a) for the issuer a-other',
    'rule 1 (a) without its issuer',
    'rule 1 (a) without its `audiences`',
    'rule 1 (a) without its `fromHeaders`',
    'rule 1 (a) without its `fromCookies`',
    'rule 1 (a) without its `forwardOriginalToken`',
    'rule 1 (a) without one in `audiences`',
    'rule 1 (a) without two in `audiences`',
    'rule 1 (a) without x in `fromHeaders`',
    'rule 1 (a) without y in `fromHeaders`',
    'rule 1 (a) without the prefix of x in `fromHeaders`',
    'without rule 2 (b)',
    'rule 2 (b) for the issuer b-other',
    'in namespace bar',
    'in the root namespace istio-system',
  ]);
});

test('no mistake leaves the policy as it is, and the policy stays as it was', () => {
  const object = policy('AuthorizationPolicy', {
    rules: [{ from: [{ source: { notNamespaces: ['foo', 'foo'] } }] }],
  });
  const before = structuredClone(object);
  const mutants = mutantsOf(object, surroundings);
  expect(object).toEqual(before);
  const texts = mutants.map((each) => JSON.stringify(each.object));
  expect(new Set([...texts, JSON.stringify(object)]).size).toBe(texts.length + 1);
});
