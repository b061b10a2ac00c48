/** That no request is answered otherwise is said only when it is so: hundreds of requests by chance do not find one. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { worldOf } from '../../src/explain/world.ts';
import { classVerify } from '../../src/mutate/classes/token-classes.ts';
import { mutantsOf } from '../../src/mutate/operators.ts';
import { differenceOf } from '../../src/mutate/witness.ts';
import { decidingOf } from '../../src/run/explain/hops.ts';
import { hopsFor, type ModelStep } from '../../src/run/explain/predict.ts';
import type { HttpRequest, KubeObject, Survey } from '../../src/target/target.ts';
import { cases, issuers, type RequestPlan, type TokenPlan } from '../policy/real/generate.ts';
import { sentOf } from '../policy/real/tokens.ts';

const origin = { kind: 'pod', app: 'sleep', namespace: 'foo' } as const;
const workload = (app: string, port?: number): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: app, namespace: 'foo' },
  spec: {
    template: {
      metadata: { labels: { app } },
      spec: { containers: [{ ports: port === undefined ? [] : [{ containerPort: port }] }] },
    },
  },
});
const base: KubeObject[] = [
  {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'foo', labels: { 'istio-injection': 'enabled' } },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'httpbin', namespace: 'foo' },
    spec: { selector: { app: 'httpbin' }, ports: [{ name: 'http', port: 8000, targetPort: 8080 }] },
  },
  workload('httpbin', 8080),
  workload('sleep'),
];
const request = { id: '', method: 'GET', url: 'http://httpbin.foo:8000/anything', headers: [] };
const steps = [{ asked: [{ origin, request }] }] as unknown as ModelStep[];
const verify = classVerify(new Map());

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function tokenOf({ issuer, key, header, claims, broken }: TokenPlan): string {
  if (broken === 'empty' || broken === 'garbage') return broken === 'empty' ? '' : 'some.invalid.token';
  const signature = Buffer.from(broken === 'no' ? `keys-${key}` : 'nobody').toString('base64url');
  const parts = [
    encoded({ alg: 'RS256', ...header }),
    encoded({ iss: issuers[issuer], ...claims }),
    signature,
  ];
  return parts.slice(0, broken === 'sections' ? 2 : 3).join('.');
}

function requestOf(plan: RequestPlan): HttpRequest {
  const { path, headers } = sentOf(plan, tokenOf);
  const all: [string, string][] = [['Host', plan.host], ...headers.map(([a, b]): [string, string] => [a, b])];
  return { id: '', method: plan.method, url: `http://httpbin.foo:8000${path}`, headers: all };
}

function withKeys(policy: KubeObject): KubeObject {
  const { jwtRules, ...spec } = policy.spec as { jwtRules?: { issuer: (typeof issuers)[number] }[] };
  if (jwtRules === undefined) return policy;
  const signed = jwtRules.map((rule) => ({ ...rule, jwks: `keys-${issuers.indexOf(rule.issuer)}` }));
  return { ...policy, spec: { ...spec, jwtRules: signed } };
}

function answerOf(request: HttpRequest, survey: Survey): string {
  const { status, body, headers, path } = decidingOf(hopsFor(origin, request, survey, verify))!.answer;
  return JSON.stringify(status === 200 ? [headers, path] : [status, body]);
}

/** How many sets of policies; they are the same every time. */
const runs = Number(process.env.MUTATE_RUNS ?? 1);

test('a mistake that is said to change nothing changes no answer to hundreds of requests', {
  timeout: 120_000 + runs * 30_000,
}, () => {
  const counts = { equivalent: 0, witnessed: 0, undecided: 0 };
  const more = fc.array(cases, { minLength: 12, maxLength: 12 });
  for (const [{ policies }, others] of fc.sample(fc.tuple(cases, more), { numRuns: runs, seed: 7 })) {
    const objects = policies.map(withKeys);
    const survey = worldOf([...base, ...objects]);
    const original = { survey, steps, failures: new Map<string, string>(), answers: new Map() };
    const requests = others.flatMap((each) => each.requests).map(requestOf);
    const before = requests.map((request) => answerOf(request, survey));
    for (const policy of objects)
      for (const { object, change } of mutantsOf(policy, survey)) {
        const changed = objects.flatMap((each) => (each === policy ? (object ?? []) : each));
        const mistaken = worldOf([...base, ...changed]);
        const { witness, gap } = differenceOf(original, mistaken, [
          policy,
          ...(object === undefined ? [] : [object]),
        ]);
        const kind = witness !== undefined ? 'witnessed' : gap !== undefined ? 'undecided' : 'equivalent';
        counts[kind] += 1;
        if (kind !== 'equivalent') continue;
        const at = requests.findIndex((request, index) => answerOf(request, mistaken) !== before[index]);
        expect(at === -1 ? undefined : { change, policy, objects, request: requests[at] }).toBeUndefined();
      }
  }
  expect(counts.equivalent).toBeGreaterThan(0);
  expect(counts.witnessed).toBeGreaterThan(0);
});

test('a policy that is not what it was is noticed, whatever was changed', () => {
  const rules = [{ to: [{ operation: { paths: ['/a'] } }] }];
  const policy = (spec: object): KubeObject => ({
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'p', namespace: 'foo' },
    spec,
  });
  const survey = worldOf([...base, policy({ rules })]);
  const original = { survey, steps, failures: new Map<string, string>(), answers: new Map() };
  const found = (spec: object) =>
    differenceOf(original, worldOf([...base, policy(spec)]), [policy({ rules }), policy(spec)]).witness;
  expect(found({ rules })).toBeUndefined();
  expect(found({ rules: [...rules, ...rules] })).toBeUndefined();
  expect(found({ rules, action: 'DENY' })?.request).toBe(
    'GET http://httpbin.foo:8000/anything from sleep.foo, without a token',
  );
  expect(found({ rules: [{ to: [{ operation: { paths: ['/a', '*z/b'] } }] }] })).toEqual({
    request: 'GET http://httpbin.foo:8000/otherz/b from sleep.foo, without a token',
    answer: '403 RBAC: access denied',
    mistaken: 'it passes',
  });
  expect(found({ rules: [{ to: [{ operation: { paths: ['/a'], methods: ['GET'] } }] }] })?.request).toBe(
    'POST http://httpbin.foo:8000/a from sleep.foo, without a token',
  );
  expect(
    found({ rules: [{ to: [{ operation: { paths: ['/a'], hosts: ['a.example.com'] } }] }] })?.request,
  ).toBe('GET http://httpbin.foo:8000/a from sleep.foo, without a token');
});
