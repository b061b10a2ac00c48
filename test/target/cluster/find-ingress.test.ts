/** Where the target cluster finds the ingress gateway. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { expect, test } from 'vitest';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { defaultGateway } from '../../../src/target/cluster/cluster-settings.ts';
import { canReach, findIngress, gatewayLabels } from '../../../src/target/cluster/find-ingress.ts';
import { type FakeApi, failure } from '../../support/fake-api.ts';
import { unaborted } from '../../support/signals.ts';
import { useFakeApi } from '../../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
const signal = unaborted();
useFakeApi((started, connected) => {
  api = started;
  client = connected;
});

function putService(ports: object[], ingress: object[] = []): void {
  api.put({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'istio-ingressgateway', namespace: 'istio-system' },
    spec: { ports },
    status: { loadBalancer: { ingress } },
  });
}

function putNode(name: string, address: string): void {
  api.put({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    status: {
      addresses: [
        { type: 'Hostname', address: name },
        { type: 'InternalIP', address },
      ],
    },
  });
}

const http = { name: 'http2', port: 80, nodePort: 31_080 };
const status = { name: 'status-port', port: 15_021, nodePort: 31_021 };

/** Finds the gateway; only these addresses can be reached. */
function find(...reachable: string[]) {
  const reaches = async (host: string, port: number) => reachable.includes(`${host}:${port}`);
  return findIngress({ data: client, mesh: client }, defaultGateway, signal, reaches);
}

test.each([
  ['an address', [{ ip: '192.0.2.7' }], '192.0.2.7:80', 'http://192.0.2.7'],
  ['a name', [{ hostname: 'lb.example.com' }], 'lb.example.com:80', 'http://lb.example.com'],
  ['an IPv6 address', [{ ip: '2001:db8::1' }], '2001:db8::1:80', 'http://[2001:db8::1]'],
  ['a second address', [{ ip: '192.0.2.7' }, { ip: '192.0.2.8' }], '192.0.2.8:80', 'http://192.0.2.8'],
])('a load balancer with %s', async (_, ingress, reachable, url) => {
  putService([status, http], ingress);
  expect(await find(reachable)).toEqual({ url, from: 'load balancer' });
});

test('another port than 80, by its name', async () => {
  putService([status, { name: 'http-web', port: 8080 }], [{ ip: '192.0.2.7' }]);
  expect(await find('192.0.2.7:8080')).toEqual({ url: 'http://192.0.2.7:8080', from: 'load balancer' });
});

test('a node port, when there is no load balancer or it cannot be reached', async () => {
  putNode('one', '198.51.100.1');
  putNode('two', '198.51.100.2');
  const found = { url: 'http://198.51.100.2:31080', from: 'node port' };
  putService([http]);
  expect(await find('198.51.100.2:31080')).toEqual(found);
  putService([http], [{ ip: '192.0.2.7' }]);
  expect(await find('198.51.100.2:31080')).toEqual(found);
});

test('nothing that can be reached: what was tried is named', async () => {
  putNode('one', '198.51.100.1');
  putService([http], [{ ip: '192.0.2.7' }]);
  expect(await find()).toEqual({
    missing:
      'Service istio-system/istio-ingressgateway cannot be reached from here, tried 192.0.2.7:80, 198.51.100.1:31080: set --ingress URL',
  });
});

test('a user who may not list nodes', async () => {
  putService([http]);
  api.rule('GET', /nodes$/, failure(403, 'Forbidden', 'nodes is forbidden'));
  expect(await find()).toEqual({
    missing:
      'Service istio-system/istio-ingressgateway cannot be reached from here, tried node port 31080 (nodes may not be listed by this user): set --ingress URL',
  });
});

test.each([
  [
    'there is no Service',
    () => {},
    'there is no Service istio-system/istio-ingressgateway: set --ingress URL',
  ],
  [
    'it may not be read',
    () => api.rule('GET', /ingressgateway$/, failure(403, 'Forbidden', 'services is forbidden')),
    'Service istio-system/istio-ingressgateway may not be read by this user: set --ingress URL',
  ],
  [
    'it has no port for HTTP',
    () => putService([status]),
    'Service istio-system/istio-ingressgateway has no port for HTTP: set --ingress URL',
  ],
  [
    'it has no address yet',
    () => putService([{ name: 'http2', port: 80 }]),
    'Service istio-system/istio-ingressgateway has no address yet: set --ingress URL',
  ],
])('no address when %s', async (_, arrange, missing) => {
  arrange();
  expect(await find()).toEqual({ missing });
});

test('a port counts as reached when it listens, and when it refuses', async () => {
  const server: Server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(await canReach('127.0.0.1', port)).toBe(true);
  server.close();
  await once(server, 'close');
  // Until there is a Gateway resource, nothing listens behind the Service.
  expect(await canReach('127.0.0.1', port)).toBe(true);
  expect(await canReach('does-not-exist.invalid', port)).toBe(false);
});

test.each([
  ['its selector', { app: 'edge' }, { app: 'edge' }],
  ['nothing where it has none', undefined, undefined],
  ['nothing where it selects nothing', {}, undefined],
])('the Service of a gateway says by %s which pods it is', async (_, selector, expected) => {
  const gateway = { namespace: 'edge', name: 'web' };
  const clients = { data: client, mesh: client };
  expect(await gatewayLabels(clients, gateway, signal)).toBeUndefined();
  api.put({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: gateway,
    spec: { selector, ports: [{ port: 80 }] },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.9' }] } },
  });
  expect(await gatewayLabels(clients, gateway, signal)).toEqual(expected);
  expect(await findIngress(clients, gateway, signal, async () => true)).toEqual({
    url: 'http://192.0.2.9',
    from: 'load balancer',
  });
  api.rule('GET', /services\/web$/, failure(403, 'Forbidden', 'no'));
  expect(await gatewayLabels(clients, gateway, signal)).toBeUndefined();
});
