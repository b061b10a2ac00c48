import { describe, expect, test } from 'vitest';
import { isHostOf, meshRoutes, routeByHost } from '../../../../src/target/local/network/host-routes.ts';
import type { Route } from '../../../../src/target/local/network/sender.ts';
import { identity, service } from '../support.ts';

const services = [
  service('my-gateway', [{ name: 'http2', port: 80, targetPort: 8080 }]),
  service('httpbin', [
    { name: 'http', port: 80 },
    { name: 'tcp-raw', port: 9000 },
  ]),
];
const resolver = {
  serviceFor: (host: string, namespace: string) =>
    services.find(({ metadata }) => host === `${metadata.name}.${metadata.namespace}` && namespace === 'foo'),
};

/** Where a request goes, and whether by the sidecar. */
const way = (url: string, host?: string, more: { proxy?: 'none'; routed?: string } = {}) => {
  let taken: unknown;
  const { proxy = 'sidecar', routed } = more;
  routeByHost(
    resolver,
    {
      identity: identity({ proxy }),
      outbound: { address: '127.99.0.21', socket: '/w.out' },
      clientPorts: [],
    },
    { url, headers: host === undefined ? [] : [['Host', host]] },
    (name) => name === routed,
    (to, client): Route => {
      taken = [client.identity.proxy, to];
      return { anywhere: true };
    },
  );
  return taken;
};

describe('a request from a pod with a sidecar', () => {
  const url = 'http://my-gateway.foo/x';

  test('goes through it when the sidecar knows its host', () => {
    expect(way(url)).toEqual(['sidecar', url]);
    expect(way(url, 'my-gateway.foo')).toEqual(['sidecar', url]);
    expect(way(url, 'httpbin.foo')).toEqual(['sidecar', url]);
    expect(way(url, 'HTTPBIN.foo:80')).toEqual(['sidecar', url]);
    expect(way(url, 'a.example.com', { routed: 'a.example.com' })).toEqual(['sidecar', url]);
  });

  test('goes to the address of its URL when the sidecar does not: as by PassthroughCluster', () => {
    expect(way(url, 'a.example.com')).toEqual(['none', url]);
    // The sidecar has no route for this Service on this port.
    expect(way('http://my-gateway.foo:81/x', 'httpbin.foo:81')).toEqual([
      'none',
      'http://my-gateway.foo:81/x',
    ]);
  });

  test('goes through it by its host also where the URL leads out of the mesh', () => {
    expect(way('http://192.0.2.1/x', 'httpbin.foo')).toEqual(['sidecar', 'http://httpbin.foo:80/']);
  });

  test('is refused for a port that is not HTTP, whatever other Services have on it', () => {
    expect(() => way('http://httpbin.foo:9000/')).toThrow(
      expect.objectContaining({
        code: 'E_SEND',
        message: expect.stringContaining('port 9000 of Service foo/httpbin is TCP'),
      }),
    );
    expect(way('http://httpbin.foo:9000/', undefined, { proxy: 'none' })).toEqual([
      'none',
      'http://httpbin.foo:9000/',
    ]);
  });
});

test('TLS, and a pod without a sidecar, go where the URL leads', () => {
  expect(way('https://my-gateway.foo/', 'a.example.com')).toEqual(['sidecar', 'https://my-gateway.foo/']);
  expect(way('http://my-gateway.foo/', 'httpbin.foo', { proxy: 'none' })).toEqual([
    'none',
    'http://my-gateway.foo/',
  ]);
});

test('VirtualServices route in sidecars unless they are for gateways only', () => {
  const virtualService = (spec: object) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'x' },
    spec,
  });
  expect(
    meshRoutes([
      virtualService({ hosts: ['a.test'] }),
      virtualService({ hosts: ['b.test'], gateways: ['foo/edge', 'mesh'] }),
      virtualService({ hosts: ['*'], gateways: ['edge'] }),
    ]),
  ).toEqual(['a.test', 'b.test']);
});

test.each([
  ['*', 'a.test', true],
  ['*.Test', 'a.test', true],
  ['*.test', 'test', false],
  ['A.test', 'a.test', true],
  ['b.test', 'a.test', false],
])('%s is the pattern of %s: %s', (pattern, host, expected) => {
  expect(isHostOf(pattern, host)).toBe(expected);
});
