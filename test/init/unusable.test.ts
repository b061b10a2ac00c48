/** What cannot be in a scenario is named with the reason, and what only looks like it is taken. */
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/base/kube-object.ts';
import { planFor } from '../../src/init/first-plan.ts';
import { policy, rules, tokens, write } from './support.ts';

const gateway = (name: string, gatewayClassName: string): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name, namespace: 'shop' },
  spec: { gatewayClassName, listeners: [] },
});
const forGateway = (name: string) =>
  policy(
    'AuthorizationPolicy',
    { targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name }], rules: [{}] },
    { name: 'way' },
  );
const byLabel = (name: string) =>
  policy(
    'AuthorizationPolicy',
    { selector: { matchLabels: { 'gateway.networking.k8s.io/gateway-name': name } }, rules: [{}] },
    { name: 'way' },
  );
const leftOut = (...objects: KubeObject[]) =>
  planFor([tokens(), ...objects], undefined, 'here').leftOut.filter(({ what }) => /way$/.test(what));

describe('waypoints, which are no way into the mesh', () => {
  const isFor = 'it is for Gateway shop/NAME, which is a waypoint; meshes of scenarios have sidecars';
  const selects =
    'it selects Gateway shop/NAME by its labels, and a waypoint takes policies with targetRefs alone';
  test.each([
    [
      'by the class of the Gateway',
      [forGateway('inner'), gateway('inner', 'istio-waypoint')],
      isFor,
      'inner',
    ],
    ['by the name that istioctl gives', [forGateway('waypoint')], isFor, 'waypoint'],
    ['by labels', [byLabel('inner'), gateway('inner', 'istio-waypoint')], selects, 'inner'],
  ])('are found %s', (_, objects, why, name) => {
    expect(leftOut(...objects)).toContainEqual({
      what: 'AuthorizationPolicy shop/way',
      why: why.replace('NAME', name),
    });
  });

  test('are none of another class, whatever their name', () => {
    expect(leftOut(forGateway('waypoint'), gateway('waypoint', 'istio'))).toEqual([]);
    expect(leftOut(forGateway('edge'))).toEqual([]);
  });
});

test('fields that only newer versions of Istio know are carried over', () => {
  const { text, codes } = write([
    tokens({ presence: 'OPTIONAL' }),
    rules([{ from: [{ source: { trustDomains: ['cluster.local'], requestPrincipals: ['*'] } }] }]),
  ]);
  expect(text).toContain('trustDomains: [cluster.local]');
  expect(text).toContain('presence: OPTIONAL');
  expect(codes('/')).toMatchObject({ 'no token': 403 });
  expect(Object.values(codes('/'))).toContain(200);
});

test('that a namespace is in ambient mode is said, as its workloads have sidecars here', () => {
  const home = (labels: Record<string, string>): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop', labels },
  });
  const told = (mode: string) =>
    planFor([tokens(), home({ 'istio.io/dataplane-mode': mode })], undefined, 'here').leftOut;
  expect(told('none')).toEqual([]);
  expect(told('ambient')).toEqual([
    {
      what: 'ambient mode of Namespace shop',
      why: 'workloads have sidecars here, which compare methods, paths and tokens; a ztunnel compares none of them',
    },
  ]);
});
