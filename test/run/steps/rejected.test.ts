import { expect, test } from 'vitest';
import { FakeTarget } from '../../support/fake-target.ts';
import { applyAuthorization, run, scenarioSource, sendStep } from '../support.ts';

/** Envoy refuses whatever comes with the second step, for this reason, and goes on with what it has. */
function rejecting(reason: string): FakeTarget {
  const target = new FakeTarget();
  target.before = (method) => {
    if (method === 'apply') target.rejected = [reason];
  };
  return target;
}

const rejected = `${applyAuthorization}    rejected: invalid local jwks\n`;
const steps = sendStep('before') + sendStep('bad', '[200, 200]', rejected);
const outcome = async (target: FakeTarget, text = steps) => {
  const { checks, exitCode } = await run([scenarioSource('nack', text)], { target });
  return { exitCode, told: checks.map(({ state, column, kind }) => `${kind} ${column} ${state}`), checks };
};

test('what a proxy must reject is rejected, and what it had before goes on, with its proof', async () => {
  const { exitCode, told, checks } = await outcome(rejecting('listener: invalid local jwks: no kty'));
  expect(told).toEqual([
    'request no token passed',
    'request valid passed',
    'apply rejected passed',
    'request no token passed',
    'request valid passed',
  ]);
  expect(exitCode).toBe(0);
  expect(checks[2]).toMatchObject({
    id: 'nack/bad/AuthorizationPolicy require/rejected',
    expected: 'rejected by a proxy: invalid local jwks',
    actual: expect.stringContaining('no kty'),
  });
  expect(checks[3]?.proof).toContain('since then: foo/httpbin');
});

test('wrong answers of what goes on fail, though the proxy has not what is declared', async () => {
  const text = sendStep('before') + sendStep('bad', '[403, 200]', rejected);
  const { told } = await outcome(rejecting('invalid local jwks'), text);
  expect(told.slice(2)).toEqual(['apply rejected passed', 'request no token failed', 'request valid passed']);
});

test('another reason is a failure, of its requests too', async () => {
  const { exitCode, told, checks } = await outcome(rejecting('too many listeners'));
  expect(told.slice(2)).toEqual(['apply rejected failed', 'request no token failed', 'request valid failed']);
  expect(checks[2]?.message).toBe('a proxy rejected it for another reason');
  expect(exitCode).toBe(1);
});

test('what is accepted should have been rejected', async () => {
  const { told, checks } = await outcome(new FakeTarget());
  expect(told.slice(2)).toEqual(['apply rejected failed', 'request no token passed', 'request valid passed']);
  expect(checks[2]?.message).toBe('every proxy accepted what one should reject');
});

test('without a step before, nobody knows what goes on', async () => {
  const { told, checks } = await outcome(
    rejecting('invalid local jwks'),
    sendStep('bad', '[200, 200]', rejected),
  );
  expect(told).toEqual(['apply rejected passed', 'request no token error', 'request valid error']);
  expect(checks[1]).toMatchObject({ code: 'E_UNPROVEN', hint: expect.stringContaining('a step before') });
});

test('one of its checks alone still has its proof', async () => {
  const { grepStep } = await import('../../../src/plan/select.ts');
  const { planStep } = await import('../../../src/plan/expand.ts');
  const { scenarioOf } = await import('../../scenario/support.ts');
  const facts = { id: 'm', target: 'local', istio: '1.32.0', fetch: 'istiod', reason: 'a test' } as const;
  const step = planStep(
    scenarioOf(scenarioSource('nack', steps)),
    'nack',
    1,
    { facts, fetch: 'istiod' },
    new Map(),
  );
  const one = grepStep(step, (text) => text.includes('valid'));
  expect(one.checks.map(({ column }) => column)).toEqual(['rejected', 'valid']);
  expect(one.apply).toHaveLength(1);
  expect(grepStep(step, () => false)).toMatchObject({ checks: [], apply: [] });
});
