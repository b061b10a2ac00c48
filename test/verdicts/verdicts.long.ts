/** No schedule of a mesh makes a verdict false: neither a pass nor a failure. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/base/kube-object.ts';
import { Pending } from '../../src/run/proof/pending.ts';
import { dice } from '../support/dice.ts';
import { LyingMesh, type Schedule } from './lying-mesh.ts';
import { type Judged, judged, type Step } from './support.ts';

/** Where evidence cannot be written: it would take more time than everything else. */
const nowhere = '/dev/null/artifacts';

const policy = (name: string, where: 'gateway' | 'httpbin' | 'foo', path: string): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace: where === 'gateway' ? 'istio-system' : 'foo' },
  spec: {
    ...(where === 'foo'
      ? {}
      : { selector: { matchLabels: where === 'gateway' ? { istio: 'ingressgateway' } : { app: where } } }),
    action: 'DENY',
    rules: [{ to: [{ operation: { paths: [path] } }] }],
  },
});
const authentication = (name: string, where: 'gateway' | 'httpbin' | 'foo', path: string): KubeObject => {
  const { apiVersion, metadata, spec } = policy(name, where, path);
  const { selector } = spec as { selector?: object };
  const jwtRules = [{ issuer: 'me', jwks: '{"keys":[]}', audiences: [path] }];
  return {
    apiVersion,
    kind: 'RequestAuthentication',
    metadata,
    spec: { ...(selector === undefined ? {} : { selector }), jwtRules },
  };
};
const fault: KubeObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'fault', namespace: 'foo' },
  spec: {
    hosts: ['httpbin.foo.svc.cluster.local'],
    http: [{ fault: { abort: { httpStatus: 418, percentage: { value: 100 } } } }],
  },
};

const objects = fc.oneof(
  fc
    .record({
      name: fc.constantFrom('p', 'q'),
      where: fc.constantFrom('gateway' as const, 'httpbin' as const, 'foo' as const),
      path: fc.constantFrom('/a', '/b'),
      make: fc.constantFrom(policy, authentication),
    })
    .map(({ make, name, where, path }) => make(name, where, path)),
  fc.constant(fault),
);
const steps = fc.array(
  fc.record({
    apply: fc.array(objects, { maxLength: 2 }),
    /** What is there is deleted with this step, if there is something. */
    clear: fc.boolean(),
    origin: fc.constantFrom(
      { kind: 'pod', app: 'sleep', namespace: 'foo' } as const,
      { kind: 'ingress' } as const,
    ),
    expect: fc.record({ '/a': fc.constantFrom(200, 403, 418), '/b': fc.constantFrom(200, 403) }),
  }),
  { minLength: 1, maxLength: 4 },
);

/** Steps that delete only what is there. */
function stepsOf(drafts: typeof steps extends fc.Arbitrary<infer T> ? T : never): Step[] {
  const there = new Map<string, KubeObject>();
  return drafts.map(({ clear, apply, ...step }) => {
    const gone = clear ? [...there.values()] : [];
    for (const each of gone) there.delete(keyOf(each));
    for (const each of apply) there.set(keyOf(each), each);
    return { ...step, apply, delete: gone };
  });
}
const keyOf = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.namespace}/${metadata.name}`;

const upTo = (max: number) => fc.integer({ min: 0, max });
const three = (max: number) => fc.tuple(upTo(max), upTo(max), upTo(max));

/** What real meshes do that work: everything comes, sooner or later. */
const working = {
  debounce: fc.integer({ min: 10, max: 3_000 }),
  listeners: three(4_000),
  routes: three(2_000),
  authenticationLag: upTo(800),
  routeLag: upTo(9),
  deaf: fc.constant(undefined),
  rejecting: fc.constant(undefined),
  drains: three(3),
  drainEvery: fc.integer({ min: 1, max: 4 }),
  bare: fc.constant(false),
  lost: fc.array(upTo(12), { maxLength: 2 }).map((list) => new Set(list)),
  stall: fc.record({ before: upTo(10), ms: fc.constantFrom(0, 0, 0, 1_000, 25_000, 90_000) }),
  clockSkew: fc.constantFrom(0, -3_600_000, 2_000, 3_600_000),
  roll: fc.integer().map((seed) => dice(seed)),
};
const proxy = fc.constantFrom(undefined, 0, 1, 2);
const schedules = fc.oneof(
  fc.record(working),
  fc.record({ ...working, deaf: proxy, rejecting: proxy, bare: fc.boolean() }),
) as fc.Arbitrary<Schedule>;

const say = ({ check, settled, expected }: Judged) =>
  `${check.state} ${check.code ?? ''} in ${check.step} ${check.row}: expected ${expected}, and the mesh answers ${settled ?? 'now so, now so'}; ${check.message ?? ''}`;

/** 2,000 in .ci/run, where VERDICT_RUNS says so. */
const numRuns = Number(process.env.VERDICT_RUNS ?? 200);

test('no pass is false and no failure is false, whatever the mesh does', { timeout: 600_000 }, async () => {
  const seen = { passed: 0, failed: 0, error: 0 };
  await fc.assert(
    fc.asyncProperty(schedules, steps, async (schedule, drafts) => {
      const mesh = new LyingMesh(schedule);
      for (const each of await judged(mesh, stepsOf(drafts), nowhere)) {
        const { check, settled, expected } = each;
        if (check.state === 'passed') expect(settled, say(each)).toBe(expected);
        if (check.state === 'failed' && check.code !== 'E_NACK')
          expect(settled, say(each)).not.toBe(expected);
        if (check.code === 'E_NACK') expect(schedule.rejecting, say(each)).toBeDefined();
        if (check.state in seen) seen[check.state as keyof typeof seen] += 1;
      }
    }),
    { numRuns, seed: 20261128 },
  );
  // All kinds of verdicts were among them.
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(numRuns / 20);
});

test('a mesh that works gets a verdict, and the right one', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.record(working) as fc.Arbitrary<Schedule>, steps, async (schedule, drafts) => {
      const mesh = new LyingMesh(schedule);
      for (const each of await judged(mesh, stepsOf(drafts), nowhere)) {
        expect(each.check.state, say(each)).toBe(each.settled === each.expected ? 'passed' : 'failed');
      }
    }),
    { numRuns, seed: 9 },
  );
});

test('what a scenario before has left on its way does not change a verdict', {
  timeout: 600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record(working) as fc.Arbitrary<Schedule>,
      steps,
      steps,
      async (schedule, first, second) => {
        const mesh = new LyingMesh(schedule);
        const pending = new Pending();
        await judged(mesh, stepsOf(first), nowhere, pending);
        for (const each of await judged(mesh, stepsOf(second), nowhere, pending)) {
          expect(each.check.state, say(each)).toBe(each.settled === each.expected ? 'passed' : 'failed');
        }
      },
    ),
    { numRuns: Math.ceil(numRuns / 3), seed: 3 },
  );
});

test('nothing is passed or failed while somebody else changes policies', { timeout: 600_000 }, async () => {
  const theirs = authentication('theirs', 'foo', '/c');
  const seen = { deleted: 0, added: 0, changed: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.record(working) as fc.Arbitrary<Schedule>,
      steps,
      fc.constantFrom('deleted' as const, 'added' as const, 'changed' as const),
      fc.nat(),
      async (schedule, drafts, what, index) => {
        const mesh = new LyingMesh(schedule);
        mesh.meddle = (objects) => {
          const policies = [...objects].filter(([, { kind }]) => kind !== 'VirtualService');
          const [name, policy] = policies[index % Math.max(1, policies.length)] ?? [];
          if (what === 'added' || name === undefined || policy === undefined)
            objects.set(keyOf(theirs), theirs as KubeObject);
          else if (what === 'deleted') objects.delete(name);
          else objects.set(name, { ...policy, spec: { ...(policy.spec as object), more: true } });
          seen[what] += 1;
        };
        const all = await judged(mesh, stepsOf(drafts), nowhere);
        const [first] = all;
        for (const { check } of all.filter(({ check: { step } }) => step === first?.check.step))
          expect(check).toMatchObject({ state: 'error', code: 'E_UNPROVEN' });
        for (const each of all.filter(({ check: { state } }) => state === 'passed' || state === 'failed'))
          expect(each.check.state, say(each)).toBe(each.settled === each.expected ? 'passed' : 'failed');
      },
    ),
    { numRuns: Math.ceil(numRuns / 3), seed: 5 },
  );
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(numRuns / 20);
});
