import { expect, test } from 'vitest';
import { intentOf } from '../../src/run/intent.ts';
import { planOf } from '../plan/support.ts';
import { scenarioOf } from '../scenario/support.ts';
import { applyAuthorization, scenarioSource, sendStep } from './support.ts';

const intent = (...sources: string[]) => intentOf(planOf(sources.map((source) => scenarioOf(source))).groups);

test('a target learns what scenarios use, apply and delete, and nothing of those that are skipped', () => {
  const step = sendStep('s', '[200, 200]', applyAuthorization).replace(
    '    from:',
    '    delete: [{ apiVersion: v1, kind: ConfigMap, name: old, namespace: foo }]\n    from:',
  );
  const other = scenarioSource('b', sendStep('t')).replace(
    'apps: [httpbin, sleep]',
    'apps: [bookinfo, sleep]',
  );
  const skipped = scenarioSource('c', step, 'when: { istio: "<1" }').replace('apps: [httpbin', 'apps: [lua');
  expect(intent(scenarioSource('a', step), other, skipped)).toEqual({
    apps: ['bookinfo', 'httpbin', 'sleep'],
    keyServers: false,
    throughIngress: false,
    gatewayNamespaces: [],
    apply: [expect.objectContaining({ kind: 'AuthorizationPolicy' })],
    delete: [expect.objectContaining({ kind: 'ConfigMap', name: 'old' })],
  });
});

test('whether anything goes through the ingress is known', () => {
  const through = sendStep('s')
    .replace('from: sleep.foo', 'through: ingress')
    .replace(/ {4}request:.*\n/, '');
  expect(intent(scenarioSource('a', sendStep('s')), scenarioSource('b', through)).throughIngress).toBe(true);
  const server = (where: string) =>
    scenarioSource('c', sendStep('s'), `keyServers: { k: { serves: sample, where: ${where} } }`);
  expect(intent(server('external')).keyServers).toBe(true);
  expect(intent(server('in-cluster')).keyServers).toBe(false);
  expect(intent()).toEqual({
    apps: [],
    keyServers: false,
    throughIngress: false,
    gatewayNamespaces: [],
    apply: [],
    delete: [],
  });
});

test('in which namespaces other gateways are that something goes through', () => {
  const through = (gateway: string) =>
    sendStep('s')
      .replace('from: sleep.foo', `through: gateway ${gateway}`)
      .replace(/ {4}request:.*\n/, '');
  const found = intent(
    scenarioSource('a', through('foo/edge')),
    scenarioSource('b', through('bar/edge')),
    scenarioSource('c', through('foo/other')),
  );
  expect(found).toMatchObject({ throughIngress: false, gatewayNamespaces: ['bar', 'foo'] });
});
