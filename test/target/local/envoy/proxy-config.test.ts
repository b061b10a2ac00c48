import { expect, test } from 'vitest';
import { proxyConfigOf } from '../../../../src/target/local/envoy/proxy-config.ts';

const of = (text: string) => proxyConfigOf({ 'proxy.istio.io/config': text });

test('settings of a pod for its proxy, in YAML or JSON', () => {
  expect(proxyConfigOf({ other: 'a' })).toBeUndefined();
  expect(of('gatewayTopology:\n  numTrustedProxies: 2\n')).toEqual({
    gatewayTopology: { numTrustedProxies: 2 },
  });
  expect(of('{"concurrency":2}')).toEqual({ concurrency: 2 });
});

test('fields of the pod take the place of those of the mesh, and only of headers those that it says', () => {
  const own = (text: string, mesh: Record<string, unknown>) =>
    proxyConfigOf({ 'proxy.istio.io/config': text }, mesh);
  const mesh = {
    gatewayTopology: { numTrustedProxies: 1, forwardClientCertDetails: 'SANITIZE' },
    proxyHeaders: {
      server: { value: 'mesh' },
      forwardedClientCert: 'SANITIZE',
      xForwardedHost: { enabled: true },
    },
  };
  expect(own('gatewayTopology: { numTrustedProxies: 2 }', mesh)).toEqual({
    ...mesh,
    gatewayTopology: { numTrustedProxies: 2 },
  });
  expect(own('proxyHeaders: { server: { value: own } }', mesh)).toEqual({
    ...mesh,
    proxyHeaders: { server: { value: 'own' }, forwardedClientCert: 'SANITIZE' },
  });
  expect(own('proxyHeaders: {}', {})).toEqual({ proxyHeaders: {} });
  expect(proxyConfigOf({}, mesh)).toBeUndefined();
});

test.each(['', 'a', '[a]', '{'])('%j is none', (text) => {
  expect(() => of(text)).toThrow('the annotation proxy.istio.io/config of the pod is no map in YAML');
});
