import { describe, expect, test } from 'vitest';
import { changedForLater, mayHoldMeshConfig, needsIstiod, notTaken } from '../../src/target/mesh-config.ts';

/** Of a stock istiod: what /debug/mesh answers, but for fields that no test is about. */
const stock = {
  proxyListenPort: 15_001,
  connectTimeout: '10s',
  protocolDetectionTimeout: '0s',
  enableTracing: true,
  defaultConfig: { discoveryAddress: 'istiod.istio-system.svc:15012', drainDuration: '45s' },
  outboundTrafficPolicy: { mode: 'ALLOW_ANY' },
  inboundTrafficPolicy: {},
  enableAutoMtls: true,
  trustDomain: 'cluster.local',
  defaultServiceExportTo: ['*'],
  extensionProviders: [{ name: 'envoy', envoyFileAccessLog: { path: '/dev/stdout' } }],
};

test('mesh settings are in a ConfigMap of the root namespace', () => {
  const key = { apiVersion: 'v1', kind: 'ConfigMap', name: 'istio', namespace: 'istio-system' };
  expect(mayHoldMeshConfig(key, 'istio-system')).toBe(true);
  expect(mayHoldMeshConfig({ ...key, namespace: 'foo' }, 'istio-system')).toBe(false);
  expect(mayHoldMeshConfig({ ...key, kind: 'Secret' }, 'istio-system')).toBe(false);
});

describe('an istiod', () => {
  test.each<[string, object, object]>([
    ['nothing', {}, stock],
    [
      'a value',
      { pathNormalization: { normalization: 'NONE' } },
      { pathNormalization: { normalization: 'NONE' } },
    ],
    ['a field written as in .proto files', { trust_domain: 'cluster.local' }, stock],
    [
      'a name of a variable',
      { defaultConfig: { proxyMetadata: { A_b: '1' } } },
      { defaultConfig: { proxyMetadata: { A_b: '1' } } },
    ],
    [
      'what is left out because it is zero',
      { accessLogEncoding: 'TEXT', accessLogFile: '', enableTracing: false, proxyHttpPort: 0 },
      {},
    ],
    [
      'the first of an enumeration',
      { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } },
      { outboundTrafficPolicy: {} },
    ],
    [
      'a duration in other units',
      { connectTimeout: '1m30s', protocolDetectionTimeout: '100ms' },
      { connectTimeout: '90s', protocolDetectionTimeout: '0.100s' },
    ],
    ['a number as text', { proxyListenPort: '15001' }, stock],
    [
      'one of the elements of a list',
      { extensionProviders: [{ name: 'envoy', envoyFileAccessLog: {} }] },
      stock,
    ],
    ['nothing in a list', { trustDomainAliases: [] }, stock],
  ])('has taken %s', (_, declared, shown) => {
    expect(notTaken({ ...shown }, { ...declared }, {})).toEqual([]);
  });

  test.each<[string, object, string]>([
    ['another value', { trustDomain: 'other' }, 'it does not have trustDomain: other'],
    [
      'a value that is not there',
      { pathNormalization: { normalization: 'NONE' } },
      'it does not have pathNormalization.normalization: NONE',
    ],
    [
      'the first of an enumeration, where another one holds',
      { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } },
      'it does not have outboundTrafficPolicy.mode: REGISTRY_ONLY',
    ],
    ['false, where true holds', { enableAutoMtls: false }, 'it does not have enableAutoMtls: false'],
    [
      'a field that Istio does not know',
      { pathNormalisation: { normalization: 'NONE' } },
      'it does not have pathNormalisation.normalization: NONE',
    ],
    [
      'an element',
      { extensionProviders: [{ name: 'mine', envoyExtAuthzHttp: { port: 1 } }] },
      'it does not have extensionProviders: {"name":"mine","envoyExtAuthzHttp":{"port":1}}',
    ],
  ])('has not taken %s', (_, declared, message) => {
    expect(notTaken(stock, { ...declared }, {})).toEqual([message]);
  });

  test('must show no more what is not declared any more', () => {
    const before = {
      pathNormalization: { normalization: 'NONE' },
      trustDomainAliases: ['a', 'b'],
      // Istio's defaults stay, and what is zero was never to be seen.
      enableAutoMtls: true,
      trustDomain: 'cluster.local',
      defaultServiceExportTo: ['*'],
      accessLogEncoding: 'TEXT',
    };
    const shown = { ...stock, pathNormalization: { normalization: 'NONE' }, trustDomainAliases: ['a', 'b'] };
    expect(notTaken(shown, { trustDomainAliases: ['a'] }, before)).toEqual([
      'it still has pathNormalization.normalization: NONE',
      'it still has trustDomainAliases: b',
    ]);
    expect(notTaken({ ...stock, trustDomainAliases: ['a'] }, { trustDomainAliases: ['a'] }, before)).toEqual(
      [],
    );
    // One that has another value is looked for with that one alone.
    expect(notTaken({ connectTimeout: '1s' }, { connectTimeout: '1s' }, { connectTimeout: '1.0s' })).toEqual(
      [],
    );
  });
});

test('an element with more in it takes the place of one with less, and the other way round', () => {
  const less = { extensionProviders: [{ name: 'a', prometheus: {} }, { name: 'b' }] };
  const more = { extensionProviders: [{ name: 'a', prometheus: {}, zipkin: { port: 1 } }, { name: 'b' }] };
  expect(notTaken(more, more, less)).toEqual([]);
  expect(notTaken(less, more, less)).toEqual([
    'it does not have extensionProviders: {"name":"a","prometheus":{},"zipkin":{"port":1}}',
    'it still has extensionProviders: {"name":"a","prometheus":{}}',
  ]);
  expect(notTaken(less, less, more)).toEqual([]);
  expect(notTaken(more, less, more)).toEqual([
    'it still has extensionProviders: {"name":"a","prometheus":{},"zipkin":{"port":1}}',
  ]);
});

test('what holds only after a restart is named, where it has changed', () => {
  const before = { defaultConfig: { discoveryAddress: 'istiod.istio-system.svc:15012', concurrency: 2 } };
  expect(changedForLater(before, before)).toEqual([]);
  expect(changedForLater({}, before)).toEqual(['defaultConfig.concurrency']);
  expect(
    changedForLater({ ...before, rootNamespace: 'x', pathNormalization: { normalization: 'NONE' } }, before),
  ).toEqual(['rootNamespace']);
});

test('istiod has to start anew for what it takes only then, and not for what it hands to proxies', () => {
  expect(needsIstiod(['defaultConfig.gatewayTopology.numTrustedProxies'])).toBe(false);
  expect(needsIstiod(['defaultConfig.concurrency', 'trustDomain'])).toBe(true);
});
