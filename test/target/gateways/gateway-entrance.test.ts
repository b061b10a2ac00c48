import { describe, expect, test } from 'vitest';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { findEntrance } from '../../../src/target/gateways/gateway-entrance.ts';
import type { GatewayEntry, KubeObject } from '../../../src/target/target.ts';
import type { FakeApi } from '../../support/fake-api.ts';
import { unaborted } from '../../support/signals.ts';
import { useFakeApi } from '../../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
useFakeApi((started, connected) => {
  api = started;
  client = connected;
});

const object = (
  apiVersion: string,
  kind: string,
  name: string,
  spec: object,
  namespace = 'foo',
): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace },
  spec,
});
const edge = (...listeners: [port: number, protocol: string][]) =>
  object('gateway.networking.k8s.io/v1', 'Gateway', 'edge', {
    gatewayClassName: 'istio',
    listeners: listeners.map(([port, protocol], index) => ({ name: `l${index}`, port, protocol })),
  });
const mine = (...servers: [number: number, protocol: string][]) =>
  object('networking.istio.io/v1', 'Gateway', 'mine', {
    selector: { istio: 'ingressgateway' },
    servers: servers.map(([number, protocol]) => ({ port: { number, protocol } })),
  });
const service = (name: string, selector: object, ports: object[], namespace = 'foo') =>
  object('v1', 'Service', name, { selector, ports }, namespace);
function pod(name: string, labels: Record<string, string>, namespace = 'foo', isReady = true): KubeObject {
  const ports = [{ name: 'web', containerPort: 8080 }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: { containers: [{ name: 'istio-proxy', ports }] },
    status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  };
}
const ofEdge = { 'gateway.networking.k8s.io/gateway-name': 'edge' };
const ofIstio = { istio: 'ingressgateway' };

const find = (entry: Partial<GatewayEntry> = {}) =>
  findEntrance({ data: client, mesh: client }, { namespace: 'foo', name: 'edge', ...entry }, unaborted());
const put = (...objects: KubeObject[]) => objects.map((each) => api.put(each));

describe('of the Gateway API', () => {
  test('is a ready pod of the Gateway, at its first listener for HTTP', async () => {
    put(
      edge([443, 'HTTPS'], [80, 'HTTP'], [81, 'HTTP']),
      pod('late', ofEdge, 'foo', false),
      pod('p', ofEdge),
    );
    expect(await find()).toEqual({ namespace: 'foo', pod: 'p', port: 80 });
    expect(await find({ port: 81 })).toMatchObject({ port: 81 });
  });

  test('is no pod of a Gateway of this name elsewhere', async () => {
    put(edge([80, 'HTTP']), pod('p', ofEdge, 'bar'));
    await expect(find()).rejects.toMatchObject({
      code: 'E_SEND',
      message: 'no pod of Gateway foo/edge is ready',
      hint: expect.stringContaining('class'),
    });
  });
});

describe("of Istio's API", () => {
  const name = 'mine';

  test('is a pod with the labels of its selector, in any namespace, at the port that the Service leads to', async () => {
    put(mine([80, 'HTTP'], [8443, 'HTTPS']), pod('gw', ofIstio, 'istio-system'));
    expect(await find({ name })).toEqual({ namespace: 'istio-system', pod: 'gw', port: 80 });
    put(service('gw', ofIstio, [{ port: 80, targetPort: 8081 }], 'istio-system'));
    expect(await find({ name })).toMatchObject({ port: 8081 });
    expect(await find({ name, port: 8443 })).toMatchObject({ port: 8443 });
    put(service('gw', ofIstio, [{ port: 80, targetPort: 'web' }], 'istio-system'));
    expect(await find({ name })).toMatchObject({ port: 8080 });
  });

  test('has no pod when none has the labels', async () => {
    put(mine([80, 'HTTP']), pod('gw', { istio: 'other' }));
    await expect(find({ name })).rejects.toMatchObject({ hint: expect.stringContaining('selector') });
  });
});

test('for HTTPS it is at the first listener for that', async () => {
  put(edge([80, 'HTTP'], [443, 'HTTPS']), pod('p', ofEdge));
  expect(await find({ tls: { ca: '' } })).toMatchObject({ port: 443 });
  expect(await find({ tls: { ca: '' }, port: 80 })).toMatchObject({ port: 80 });
  put(edge([80, 'HTTP']));
  await expect(find({ tls: { ca: '' } })).rejects.toThrow('Gateway foo/edge has no listener for HTTPS');
});

describe('it cannot be found, and an error says why:', () => {
  test('nobody has applied the Gateway', async () => {
    await expect(find()).rejects.toThrow('there is no Gateway foo/edge');
  });

  test('there are two of the name', async () => {
    put(edge([80, 'HTTP']), { ...mine([80, 'HTTP']), metadata: { name: 'edge', namespace: 'foo' } });
    await expect(find()).rejects.toThrow(
      'Gateway foo/edge is there twice: one of Istio and one of the Gateway API',
    );
  });

  test('it has no such listener', async () => {
    put(edge([443, 'HTTPS']), pod('p', ofEdge));
    const hint = 'Its listeners: 443 (HTTPS).';
    await expect(find()).rejects.toMatchObject({
      message: 'Gateway foo/edge has no listener for HTTP',
      hint,
    });
    await expect(find({ port: 80 })).rejects.toMatchObject({
      message: 'Gateway foo/edge has no listener on port 80',
      hint,
    });
  });
});

test('it is found where there is no Gateway API', async () => {
  api.resources.delete('gateway.networking.k8s.io/v1');
  put(mine([80, 'HTTP']), pod('gw', ofIstio));
  expect(await find({ name: 'mine' })).toMatchObject({ pod: 'gw' });
});
