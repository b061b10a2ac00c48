/** Everything several times over, on one mesh. */
import { describe, expect, test } from 'vitest';
import { idOnce } from '../../src/base/events.ts';
import { plan } from '../../src/plan/plan.ts';
import { ResultModel } from '../../src/report/model.ts';
import { repetitions } from '../../src/run/run-all.ts';
import { scenarioOf } from '../scenario/support.ts';
import { FakeTarget } from '../support/fake-target.ts';
import { applyAuthentication, run, scenarioSource, sendStep } from './support.ts';

const resultOf = (events: Awaited<ReturnType<typeof run>>['events']) => {
  const model = new ResultModel();
  for (const event of events) model.add(event);
  return model.result();
};

test('each scenario runs as often as asked for, with the same keys, and the mesh is set up once', async () => {
  const target = new FakeTarget();
  const tokens = new Set<string>();
  target.answer = ({ headers }) => {
    const [, token] = headers.find(([name]) => name.toLowerCase() === 'authorization') ?? [];
    if (token !== undefined) tokens.add(JSON.parse(atob(token.split(' ')[1]!.split('.')[0]!)).kid);
    return 200;
  };
  const { events, exitCode } = await run([scenarioSource('x', sendStep('s'))], { target, repeat: 3 });
  expect(exitCode).toBe(0);
  const result = resultOf(events);
  expect(result.scenarios.map(({ info }) => info.id)).toEqual(['x#1', 'x#2', 'x#3']);
  expect(result.counts.passed).toBe(6);
  expect(result.flaky).toEqual([]);
  expect(tokens.size).toBe(1);
  expect(target.calls.filter((call) => call.startsWith('up'))).toHaveLength(1);
});

test('a check that does not always pass is flaky, one that never does is not', async () => {
  const target = new FakeTarget();
  let sent = 0;
  target.answer = ({ headers }) => {
    if (headers.some(([name]) => name.toLowerCase() === 'authorization')) return 500;
    sent += 1;
    // Wrong in the second repetition, for as long as it asks.
    return target.calls.filter((call) => call.startsWith('undo')).length === 1 ? 503 : 200;
  };
  const { events, exitCode } = await run([scenarioSource('x', sendStep('s'))], { target, repeat: 3 });
  expect(exitCode).toBe(1);
  expect(sent).toBeGreaterThan(6);
  expect(resultOf(events).flaky).toEqual([
    { mesh: 'fake mesh', check: 'x/s//headers/no token', runs: 3, passed: 2 },
  ]);
});

test('with --fail-fast the first failure is the last repetition', async () => {
  const target = new FakeTarget();
  target.answer = () => 500;
  const { events } = await run([scenarioSource('x', sendStep('s'))], { target, repeat: 3, failFast: true });
  expect(resultOf(events).scenarios.map(({ info }) => info.id)).toEqual(['x#1']);
});

describe('istiod keeps keys of scenarios', () => {
  const apply = applyAuthentication.replace('jwks: "${issuers.sample.jwks}"', 'jwksUri: "http://keys/jwks"');
  const source = scenarioSource('x', sendStep('s', '[200, 200]', apply));

  test('so a target learns that they are used, and each repetition begins without them', async () => {
    const target = new FakeTarget();
    await run([source], { target, repeat: 2 });
    const calls = target.calls.filter((call) => /^(setIstiod|keysUsed|send)/.test(call));
    expect(calls.map((call) => call.split(' ')[0])).toEqual([
      'setIstiod',
      'keysUsed',
      'send',
      'setIstiod',
      'keysUsed',
      'send',
    ]);
  });

  test('also when the scenario was cut off', async () => {
    const target = new FakeTarget();
    const controller = new AbortController();
    target.before = (method) => {
      if (method === 'send') controller.abort('SIGINT');
    };
    await run([source], { target, signal: controller.signal });
    expect(target.calls).toContain('keysUsed');
  });

  test('but not when all keys are inline', async () => {
    const target = new FakeTarget();
    await run([scenarioSource('x', sendStep('s', '[200, 200]', applyAuthentication))], { target });
    expect(target.calls).not.toContain('keysUsed');
    expect(target.calls).not.toContain('setIstiod istiod');
  });
});

describe('the plan of a repetition', () => {
  const facts = {
    id: 'fake',
    target: 'fake',
    reason: 'asked for',
    istio: '1.31.1',
    fetch: 'istiod',
  } as const;

  const scenario = scenarioOf(`name: twice
title: Twice
source: { document: FAQ, section: Sample }
mesh: { fetch: [istiod, envoy] }
apps: [httpbin]
issuers: { sample: { issuer: me, algorithm: ES256 } }
tokens: { valid: { issuer: sample, claims: { sub: me } } }
steps:
  - name: a step
    from: sleep.foo
    request: { url: "http://httpbin.foo:8000" }
    expect: { columns: [/headers], no token: [200], valid: [200] }
`);
  const groups = () => plan([scenario], facts, new Map(), { canSwitchFetch: true }).groups;

  test('once leaves everything as it is', () => {
    const planned = groups();
    expect(repetitions(planned, 1)).toEqual([planned]);
  });

  test('each time has ids of its own, of scenarios and of checks, and the groups as they were', () => {
    const times = repetitions(groups(), 3);
    const ids = times.map((each) => each.flatMap(({ scenarios }) => scenarios.map(({ info }) => info.id)));
    expect(ids).toEqual([
      ['twice@istiod#1', 'twice@envoy#1'],
      ['twice@istiod#2', 'twice@envoy#2'],
      ['twice@istiod#3', 'twice@envoy#3'],
    ]);
    expect(times.every((each) => each.map(({ fetch }) => fetch).join() === 'istiod,envoy')).toBe(true);
    const checks = times
      .flat()
      .flatMap(({ scenarios }) => scenarios.flatMap(({ steps }) => steps[0]!.checks));
    expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length);
    expect(checks[0]?.id).toBe('twice@istiod#1/a step/no token//headers');
  });

  test('the id of once is found again', () => {
    const [, second] = repetitions(groups(), 12);
    const info = second![0]!.scenarios[0]!.info;
    expect(idOnce(info)).toBe('twice@istiod');
    expect(idOnce({ id: 'twice#2' })).toBe('twice#2');
    const tenth = repetitions(groups(), 12)[9]![0]!.scenarios[0]!.info;
    expect([tenth.id, idOnce(tenth)]).toEqual(['twice@istiod#10', 'twice@istiod']);
  });
});
