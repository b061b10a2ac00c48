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

test.each(['', 'a', '[a]', '{'])('%j is none', (text) => {
  expect(() => of(text)).toThrow('the annotation proxy.istio.io/config of the pod is no map in YAML');
});
