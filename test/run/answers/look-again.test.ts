/** Somebody else changes the mesh while answers come: they are no verdict, whether they look right or wrong. */
import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import type { KubeObject } from '../../../src/target/target.ts';
import { FakeTarget } from '../../support/fake-target.ts';
import { applyAuthentication, applyAuthorization, run, scenarioSource, sendStep } from '../support.ts';

const source = scenarioSource('looked-at', sendStep('s', '[200, 200]', applyAuthorization));
const name = 'AuthorizationPolicy foo/require';
const stranger: KubeObject = {
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'stranger', namespace: 'foo' },
  spec: { action: 'DENY', rules: [{}] },
};

/** Changes the mesh at the first request, and answers so from then on. */
function meddled(change: (target: FakeTarget) => void, status: number): FakeTarget {
  const target = new FakeTarget();
  let isDone = false;
  target.before = (method) => {
    if (method !== 'send' || isDone) return;
    isDone = true;
    change(target);
  };
  target.answer = () => status;
  return target;
}

describe.each([
  ['right', 200, 'the answer proves nothing: while the answers came, '],
  ['wrong', 403, 'status 403 instead of 200, but that proves nothing: while the answers came, '],
])('answers that are %s', (_, status, start) => {
  test.each<[string, (target: FakeTarget) => void, string]>([
    [
      'deletes one',
      ({ objects }) => objects.delete(name),
      `${name} was deleted, or does not hold for the same pods any more`,
    ],
    [
      'changes one',
      ({ objects }) => objects.set(name, { ...objects.get(name)!, spec: { rules: [] } }),
      `${name} was changed`,
    ],
    [
      'adds one',
      ({ objects }) => objects.set('AuthorizationPolicy foo/stranger', stranger),
      'AuthorizationPolicy foo/stranger was added',
    ],
  ])('prove nothing when somebody %s of the policies', async (_what, change, says) => {
    const { checks, exitCode } = await run([source], { target: meddled(change, status) });
    expect(checks).toHaveLength(2);
    for (const check of checks)
      expect(check).toMatchObject({
        state: 'error',
        code: 'E_UNPROVEN',
        message: `${start}${says}, and this run has not done that`,
        hint: 'Run it again while nobody else changes the mesh.',
      });
    expect(exitCode).toBe(4);
  });
});

test('a policy for others changes nothing', async () => {
  const other = { ...stranger, metadata: { name: 'stranger', namespace: 'bar' } };
  const change = ({ objects }: FakeTarget) => void objects.set('AuthorizationPolicy bar/stranger', other);
  const right = await run([source], { target: meddled(change, 200) });
  expect(right.checks.map(({ state }) => state)).toEqual(['passed', 'passed']);
  const wrong = await run([source], { target: meddled(change, 403) });
  expect(wrong.checks.map(({ state }) => state)).toEqual(['failed', 'failed']);
});

test.each<[string, (target: FakeTarget) => void, string]>([
  [
    'a pod is gone',
    (target) => {
      target.pods = target.pods.filter(({ name: pod }) => pod !== 'httpbin-1');
    },
    'pod foo/httpbin-1 has gone, or is not ready any more',
  ],
  [
    'a pod is not ready',
    (target) => {
      target.pods = target.pods.map((pod) => ({ ...pod, isReady: pod.name !== 'httpbin-1' }));
    },
    'pod foo/httpbin-1 has gone, or is not ready any more',
  ],
  [
    'an object of any kind was changed',
    (target) => {
      target.meddled = ['Secret foo/tls was changed'];
    },
    'Secret foo/tls was changed',
  ],
  [
    'a proxy has lost what it had',
    (target) => {
      target.without = () => true;
    },
    'proxy foo/httpbin-1 is not as it was: it has no RBAC policy ns[foo]-policy[require]-rule[0]',
  ],
])('wrong answers prove nothing when %s, and right ones do', async (_, change, says) => {
  const wrong = await run([source], { target: meddled(change, 403) });
  for (const check of wrong.checks)
    expect(check).toMatchObject({
      state: 'error',
      code: 'E_UNPROVEN',
      message: `status 403 instead of 200, but that proves nothing: while the answers came, ${says}, and this run has not done that`,
    });
  const right = await run([source], { target: meddled(change, 200) });
  expect(right.checks.map(({ state }) => state)).toEqual(['passed', 'passed']);
});

test('the next step that changes nothing has no proof either', async () => {
  const two = scenarioSource('two', `${sendStep('s', '[200, 200]', applyAuthorization)}${sendStep('then')}`);
  const { checks } = await run([two], {
    target: meddled(({ objects }) => void objects.delete(name), 200),
  });
  expect(checks.map(({ step, state, code }) => [step, state, code])).toEqual(
    ['s', 's', 'then', 'then'].map((step) => [step, 'error', 'E_UNPROVEN']),
  );
});

test('what others have done is the cause when there is no proof', async () => {
  const target = new FakeTarget();
  target.frozen = true;
  const silent = await run([source], { target });
  expect(silent.checks[0]?.message).toContain('the proxies did not take the change over');
  target.meddled = [`${name} was deleted`];
  const { checks } = await run([source], { target });
  for (const check of checks)
    expect(check).toMatchObject({
      state: 'error',
      code: 'E_UNPROVEN',
      message: `the answer proves nothing: before the proxies had it, ${name} was deleted, and this run has not done that`,
    });
});

test('what is gone is said once', async () => {
  const change = (target: FakeTarget) => {
    target.objects.delete(name);
    target.meddled = [`${name} was deleted`];
  };
  const { checks } = await run([source], { target: meddled(change, 403) });
  expect(checks[0]?.message).toContain(`while the answers came, ${name} was deleted, and this run`);
});

test('when nobody can say whether it is still so, there is no verdict', async () => {
  const target = new FakeTarget();
  target.answer = () => 403;
  target.before = (method) => {
    if (method === 'survey' && target.seen.length > 0) throw new HarnessError('E_KUBE', 'it is silent');
  };
  const { checks } = await run([source], { target });
  for (const check of checks)
    expect(check).toMatchObject({ state: 'error', code: 'E_KUBE', message: 'it is silent' });
});

describe('who fetched', () => {
  const fetching = (by: string, expect: string) =>
    scenarioSource(
      'fetching',
      `  - name: s\n${applyAuthentication}${expect}    fetched: { from: outside, by: ${by} }\n`,
      'keyServers: { outside: { serves: sample } }',
    );
  const asked = `    from: sleep.foo
    request: { url: "http://httpbin.foo:8000" }
    expect:
      columns: [no token]
      /headers: [200]
`;

  test.each([
    ['as expected', 'nobody'],
    ['otherwise', 'istiod'],
  ])('is no verdict after the policies were deleted, %s', async (_, by) => {
    const target = meddled(({ objects }) => void objects.delete('RequestAuthentication foo/jwt'), 200);
    const { checks } = await run([fetching(by, asked)], { target });
    expect(checks.find(({ kind }) => kind === 'fetched')).toMatchObject({
      state: 'error',
      code: 'E_UNPROVEN',
      actual: 'keys fetched by nobody',
      message: expect.stringContaining('what the access log shows proves nothing: while the answers came, '),
    });
  });

  test.each([
    ['as expected', 'nobody', 'the proxies did not take the change over'],
    ['otherwise', 'istiod', 'the proxies did not take the change over'],
  ])('is no verdict without proof, %s', async (_, by, says) => {
    const target = new FakeTarget();
    target.frozen = true;
    const { checks } = await run([fetching(by, asked)], { target });
    expect(checks.find(({ kind }) => kind === 'fetched')).toMatchObject({
      state: 'error',
      code: 'E_UNPROVEN',
      message: expect.stringContaining(says),
    });
  });
});
