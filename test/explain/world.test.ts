import { expect, test } from 'vitest';
import { worldOf } from '../../src/explain/world.ts';
import type { KubeObject } from '../../src/target/target.ts';

const gateway = (metadata: object = {}): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'edge', namespace: 'foo', ...metadata },
  spec: { gatewayClassName: 'istio', infrastructure: { labels: { team: 'a' } } },
});
const madeOf = (object: KubeObject) => {
  const { pods, objects } = worldOf([object]);
  const [, ...made] = pods;
  return { pods: made, services: objects.filter(({ kind }) => kind === 'Service') };
};

test('a Gateway of the Gateway API has the pod that istiod makes of it, and a Service in front', () => {
  const { pods, services } = madeOf(gateway());
  const name = { 'gateway.networking.k8s.io/gateway-name': 'edge' };
  expect(pods).toMatchObject([
    {
      namespace: 'foo',
      name: 'edge-istio',
      proxy: 'gateway',
      serviceAccount: 'edge-istio',
      labels: { ...name, team: 'a', 'gateway.istio.io/managed': 'istio.io-gateway-controller' },
    },
  ]);
  expect(services).toMatchObject([
    { metadata: { name: 'edge-istio', namespace: 'foo' }, spec: { selector: name } },
  ]);
});

test('an annotation gives both another name', () => {
  const { pods, services } = madeOf(gateway({ annotations: { 'gateway.istio.io/name-override': 'front' } }));
  expect(pods.map((pod) => pod.name)).toEqual(['front']);
  expect(services.map(({ metadata }) => metadata.name)).toEqual(['front']);
});

test('a waypoint has the name of its Gateway, and policies hold for it by targetRefs alone', () => {
  const { pods, services } = madeOf({ ...gateway(), spec: { gatewayClassName: 'istio-waypoint' } });
  expect(pods).toMatchObject([
    {
      name: 'edge',
      serviceAccount: 'edge',
      labels: { 'gateway.istio.io/managed': 'istio.io-mesh-controller' },
    },
  ]);
  expect(services).toMatchObject([{ metadata: { name: 'edge' } }]);
});

test("a Gateway of Istio's own API has neither: its pods are somebody's", () => {
  const { pods, services } = madeOf({ ...gateway(), apiVersion: 'networking.istio.io/v1' });
  expect([...pods, ...services]).toEqual([]);
});
