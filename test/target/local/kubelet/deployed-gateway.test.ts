import { expect, test } from 'vitest';
import { proxyOf } from '../../../../src/policy/injected-proxy.ts';
import { deployedFor } from '../../../../src/target/local/kubelet/deployed-gateway.ts';
import { podSpecOf } from '../../../../src/target/local/kubelet/pod-spec.ts';
import type { KubeObject } from '../../../../src/target/target.ts';

const gateway = (spec: object = {}, metadata: object = {}): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'edge', namespace: 'foo', labels: { team: 'a' }, ...metadata },
  spec: {
    gatewayClassName: 'istio',
    listeners: [
      { name: 'http.one', port: 80, protocol: 'HTTP' },
      { name: 'two', port: 80, protocol: 'HTTP', hostname: 'two.test' },
      { name: 'other', port: 8081, protocol: 'HTTP' },
    ],
    ...spec,
  },
});

test('a Gateway gets a Deployment of a gateway and a Service with its ports, named and labelled as istiod does', () => {
  const [deployment, service, ...others] = deployedFor(gateway());
  expect(others).toEqual([]);
  const selector = { 'gateway.networking.k8s.io/gateway-name': 'edge' };
  expect(deployment).toMatchObject({
    kind: 'Deployment',
    metadata: { name: 'edge-istio', namespace: 'foo' },
    spec: { selector: { matchLabels: selector } },
  });
  const pod = podSpecOf(deployment!);
  expect(proxyOf(undefined, pod)).toBe('gateway');
  expect(pod).toMatchObject({ serviceAccount: 'edge-istio', labels: { ...selector, team: 'a' } });
  expect(service).toMatchObject({
    kind: 'Service',
    metadata: { name: 'edge-istio', namespace: 'foo' },
    spec: {
      selector,
      ports: [
        { name: 'http-one', port: 80, appProtocol: 'http' },
        { name: 'other', port: 8081, appProtocol: 'http' },
      ],
    },
  });
});

test('names, accounts and labels of its own are followed', () => {
  const annotations = {
    'gateway.istio.io/name-override': 'mine',
    'gateway.istio.io/service-account': 'door',
  };
  const [deployment] = deployedFor(gateway({ infrastructure: { labels: { team: 'b' } } }, { annotations }));
  expect(deployment?.metadata.name).toBe('mine');
  expect(podSpecOf(deployment!)).toMatchObject({ serviceAccount: 'door', labels: { team: 'b' } });
});

test('nothing is deployed for other objects, other classes, and a Service that is there already', () => {
  expect(deployedFor(gateway({ gatewayClassName: 'nginx' }))).toEqual([]);
  expect(deployedFor(gateway({ addresses: [{ type: 'Hostname', value: 'my-gateway.foo' }] }))).toEqual([]);
  expect(deployedFor({ ...gateway(), apiVersion: 'networking.istio.io/v1' })).toEqual([]);
});
