/** Gateways by which no HTTP request can come in, and what is said of them. */
import { describe, expect, test } from 'vitest';
import { worldOf } from '../../src/explain/world.ts';
import { shutAt, shutBySpec, shutIn, shutText } from '../../src/policy/gateway-ports.ts';
import type { KubeObject } from '../../src/target/target.ts';

const object = (apiVersion: string, kind: string, name: string, spec: object): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'edge' },
  spec,
});
const ofIstio = (spec: object, name = 'gw') => object('networking.istio.io/v1', 'Gateway', name, spec);
const ofApi = (spec: object) => object('gateway.networking.k8s.io/v1', 'Gateway', 'gw', spec);
const server = (protocol: string, number = 80, mode?: string) => ({
  port: { number, name: 'p', protocol },
  hosts: ['*'],
  ...(mode === undefined ? {} : { tls: { mode } }),
});
const textOf = (shut: ReturnType<typeof shutBySpec>) => shut && shutText(shut);

test.each<[string, KubeObject, string | undefined]>([
  [
    'no servers',
    ofIstio({}),
    'Gateway edge/gw has no servers, so it opens no port. Write servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]',
  ],
  ['an empty list', ofIstio({ servers: [] }), 'Gateway edge/gw has no servers'],
  [
    'no listeners',
    ofApi({ gatewayClassName: 'istio' }),
    'Gateway edge/gw has no listeners, so it opens no port. Write listeners: [{ name: http, port: 80, protocol: HTTP }]',
  ],
  [
    'no HTTP',
    ofIstio({ servers: [server('TCP'), server('TLS', 443, 'PASSTHROUGH'), server('TCP', 81)] }),
    'Gateway edge/gw has servers for TCP and TLS (PASSTHROUGH) only, which carry no HTTP that policies could look at.',
  ],
  [
    'TLS that is passed on',
    ofIstio({ servers: [server('HTTPS', 443, 'PASSTHROUGH')] }),
    'HTTPS (PASSTHROUGH) only',
  ],
  [
    'listeners for others',
    ofApi({ listeners: [{ name: 'a', port: 1, protocol: 'UDP' }] }),
    'has listeners for UDP only',
  ],
  ['TLS that ends there', ofIstio({ servers: [server('TCP'), server('HTTPS', 443, 'SIMPLE')] }), undefined],
  ['gRPC, in small letters', ofIstio({ servers: [server('grpc')] }), undefined],
  ['a listener', ofApi({ listeners: [{ name: 'a', port: 80, protocol: 'HTTP' }] }), undefined],
])('%s', (_, gateway, text) => {
  if (text === undefined) expect(shutBySpec(gateway)).toBeUndefined();
  else expect(textOf(shutBySpec(gateway))).toContain(text);
});

describe('where workloads are known', () => {
  const deployment = object('apps/v1', 'Deployment', 'edge', {
    template: {
      metadata: { labels: { tier: 'edge' }, annotations: { 'inject.istio.io/templates': 'gateway' } },
    },
  });
  const service = object('v1', 'Service', 'edge', {
    selector: { tier: 'edge' },
    ports: [{ port: 80 }, { port: 443 }],
  });
  const gateway = (number: number) =>
    ofIstio({ selector: { tier: 'edge' }, servers: [server('HTTP', number)] });
  const shut = (...objects: KubeObject[]) => textOf(shutIn(objects[0] as KubeObject, worldOf(objects)));

  test('a port that the Service has not', () => {
    expect(shut(gateway(8080), deployment, service)).toBe(
      'Gateway edge/gw opens port 8080, and the Service of its gateway has only 80, 443. Write a port of the Service, such as port: { number: 80, name: http, protocol: HTTP }',
    );
    expect(shut(gateway(443), deployment, service)).toBeUndefined();
    // By another way than a Service it may be reached.
    expect(shut(gateway(8080), deployment)).toBeUndefined();
  });

  test('a selector that no workload has', () => {
    expect(shut(gateway(80), service)).toBe(
      'Gateway edge/gw selects tier=edge, and no workload has that, so nobody opens its ports. Write the labels of a gateway, such as selector: { istio: ingressgateway }',
    );
  });

  test('of several Gateways one that is open is enough, and none says nothing', () => {
    const closed = ofIstio({ selector: { tier: 'edge' } }, 'closed');
    const at = (...objects: KubeObject[]) =>
      textOf(
        shutAt({ namespace: 'edge', labels: { tier: 'edge' } }, { objects, rootNamespace: 'istio-system' }),
      );
    expect(at(closed)).toContain('Gateway edge/closed has no servers');
    expect(at(closed, gateway(80))).toBeUndefined();
    expect(at(service)).toBeUndefined();
  });
});
