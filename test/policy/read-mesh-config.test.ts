import { describe, expect, test } from 'vitest';
import {
  lastMeshConfigOf,
  meshConfigMap,
  meshConfigName,
  meshConfigOf,
  meshWith,
} from '../../src/policy/read-mesh-config.ts';

const configMap = (data?: object) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'istio', namespace: 'istio-system' },
  ...(data === undefined ? {} : { data }),
});

describe('the settings of a ConfigMap', () => {
  test.each([
    [undefined, {}],
    [configMap(), {}],
    [configMap({}), {}],
    [configMap({ mesh: '' }), {}],
    [configMap({ mesh: 'trustDomain: a.b\nx: [1]' }), { trustDomain: 'a.b', x: [1] }],
  ])('%j', (object, config) => {
    expect(meshConfigOf(object)).toEqual(config);
  });

  test.each(['- a', 'text', 'a: ['])('that are no map are no settings: %s', (mesh) => {
    expect(() => meshConfigOf(configMap({ mesh }))).toThrow(
      expect.objectContaining({
        code: 'E_UNPROVEN',
        message: expect.stringMatching(
          /^ConfigMap istio-system\/istio has mesh settings that istiod cannot read: ./,
        ),
      }),
    );
    expect(lastMeshConfigOf(configMap({ mesh }))).toEqual({});
  });

  test('are in one whose name says the revision', () => {
    expect([undefined, '', 'default', '1-31'].map(meshConfigName)).toEqual([
      'istio',
      'istio',
      'istio',
      'istio-1-31',
    ]);
  });
});

describe('the mesh in which objects are', () => {
  const mesh = (...maps: ReturnType<typeof configMap>[]) => meshWith(maps, 'istio-system');

  test('is a stock one when nothing is said, or nothing that istiod understands', () => {
    const stock = { pathNormalization: 'BASE', trustDomains: ['cluster.local'] };
    for (const text of ['', '- a', 'pathNormalization: { normalization: SOME }', 'pathNormalization: NONE'])
      expect(mesh(configMap({ mesh: text }))).toMatchObject(stock);
    expect(mesh()).toMatchObject(stock);
    // That of another namespace is no istiod's.
    const elsewhere = {
      ...configMap({ mesh: 'trustDomain: a' }),
      metadata: { name: 'istio', namespace: 'foo' },
    };
    expect(mesh(elsewhere)).toMatchObject(stock);
  });

  test('is as the last ConfigMap says', () => {
    const config = {
      pathNormalization: { normalization: 'DECODE_AND_MERGE_SLASHES' },
      trustDomain: 'mine',
      trustDomainAliases: ['old', 'older'],
    };
    const first = configMap({ mesh: 'pathNormalization: { normalization: NONE }' });
    expect(meshWith([first, meshConfigMap(config)], 'istio-system')).toMatchObject({
      rootNamespace: 'istio-system',
      pathNormalization: 'DECODE_AND_MERGE_SLASHES',
      trustDomains: ['mine', 'old', 'older'],
    });
  });
});
