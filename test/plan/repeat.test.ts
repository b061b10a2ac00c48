import { expect, test } from 'vitest';
import { idOnce } from '../../src/base/events.ts';
import { plan } from '../../src/plan/plan.ts';
import { repetitions } from '../../src/plan/repeat.ts';
import { scenarioOf } from '../scenario/support.ts';

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
  const checks = times.flat().flatMap(({ scenarios }) => scenarios.flatMap(({ steps }) => steps[0]!.checks));
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
