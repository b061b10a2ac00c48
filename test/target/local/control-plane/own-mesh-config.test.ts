import { describe, expect, test } from 'vitest';
import {
  isMeshConfig,
  mergedMeshConfig,
  ownMeshConfig,
  refuseWhatIsFixed,
} from '../../../../src/target/local/control-plane/own-mesh-config.ts';

const configMap = (mesh: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'istio', namespace: 'istio-system' },
  data: { mesh, ...more },
});

/** As istioctl installs it. */
const stock = `
defaultConfig:
  discoveryAddress: istiod.istio-system.svc:15012
  proxyMetadata: { ISTIO_META_DNS_CAPTURE: "true" }
defaultProviders: { metrics: [prometheus] }
enablePrometheusMerge: true
rootNamespace: istio-system
trustDomain: cluster.local
`;

describe('mesh settings of a local mesh', () => {
  test('are in one ConfigMap', () => {
    const key = { apiVersion: 'v1', kind: 'ConfigMap', name: 'istio', namespace: 'istio-system' };
    expect(isMeshConfig(key)).toBe(true);
    for (const other of [{ name: 'istio-1-31' }, { namespace: 'foo' }, { kind: 'Secret' }])
      expect(isMeshConfig({ ...key, ...other })).toBe(false);
  });

  test('may be those of a stock installation', () => {
    expect(() => refuseWhatIsFixed(configMap(stock, { meshNetworks: 'networks: {}' }))).not.toThrow();
    expect(() => refuseWhatIsFixed(configMap('pathNormalization: { normalization: NONE }'))).not.toThrow();
    expect(() => refuseWhatIsFixed({ ...configMap(''), data: undefined })).not.toThrow();
  });

  test.each([
    ['rootNamespace: other', 'rootNamespace (istiod takes it when it starts)'],
    ['trustDomain: other', 'trustDomain (certificates come from this tool)'],
    [
      'defaultConfig: { gatewayTopology: { numTrustedProxies: 1 } }',
      'defaultConfig.gatewayTopology.numTrustedProxies (proxies',
    ],
    ['default_config: { concurrency: 1 }', 'defaultConfig.concurrency (proxies'],
    [
      'defaultConfig: { proxyMetadata: { ISTIO_META_DNS_CAPTURE: "false" } }',
      'defaultConfig.proxyMetadata.ISTIO_META_DNS_CAPTURE (proxies',
    ],
    ['outboundTrafficPolicy: { mode: REGISTRY_ONLY }', 'outboundTrafficPolicy.mode ('],
    ['inboundTrafficPolicy: { mode: LOCALHOST }', 'inboundTrafficPolicy.mode ('],
    ['caCertificates: [{ pem: x }]', 'caCertificates ('],
    ['proxyListenPort: 15002', 'proxyListenPort ('],
  ])('are refused by the name of the field: %s', (mesh, named) => {
    expect(() => refuseWhatIsFixed(configMap(mesh))).toThrow(
      expect.objectContaining({
        code: 'E_UNPROVEN',
        message: expect.stringContaining(
          `ConfigMap istio-system/istio has mesh settings that a local mesh cannot follow: ${named}`,
        ),
      }),
    );
  });

  test('are of one network', () => {
    expect(() => refuseWhatIsFixed(configMap('', { meshNetworks: 'networks: { a: {} }' }))).toThrow(
      'meshNetworks',
    );
  });

  test('come below what a local mesh needs, which is said', () => {
    const own = ownMeshConfig('127.0.0.1:15012');
    const declared = {
      defaultProviders: { metrics: ['prometheus'] },
      accessLogFile: '/dev/stdout',
      trustDomainAliases: ['a'],
    };
    expect(mergedMeshConfig(declared, own)).toEqual({
      config: { ...own, trustDomainAliases: ['a'] },
      kept: ['defaultProviders'],
    });
    expect(mergedMeshConfig({}, own)).toEqual({ config: own, kept: [] });
    const asked = { defaultConfig: { discoveryAddress: 'x', gatewayTopology: { numTrustedProxies: 1 } } };
    expect(mergedMeshConfig(asked, own).config).toEqual({
      ...own,
      defaultConfig: { discoveryAddress: '127.0.0.1:15012', gatewayTopology: { numTrustedProxies: 1 } },
    });
  });
});
