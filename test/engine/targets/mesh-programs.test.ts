import { expect, test } from 'vitest';
import { meshVersions } from '../../../src/engine/targets/mesh-programs.ts';

test.each([[{ envoy: '1.40.0,1.40.0' }], [{ istio: '1.30.3,1.30.3', envoy: '1.38.0' }]])(
  'a mesh that is named twice is refused: %o',
  (values) => {
    expect(() => meshVersions(values)).toThrow('--istio and --envoy name the same mesh twice');
  },
);

test('meshes that share one of the versions are not the same', () => {
  expect(meshVersions({ istio: '1.30.3,1.30.3', envoy: '1.38.0,1.40.0' })).toEqual([
    { istio: '1.30.3', envoy: '1.38.0' },
    { istio: '1.30.3', envoy: '1.40.0' },
  ]);
});
