import { expect, test } from 'vitest';
import { parseManifest } from '../../../src/programs/oci/manifest.ts';

const descriptor = {
  mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  digest: `sha256:${'0'.repeat(64)}`,
  size: 1,
};
const manifest = (layers: unknown) => Buffer.from(JSON.stringify({ config: descriptor, layers }));

test('an image of more layers than Docker makes is refused, for each of them is downloaded', () => {
  const layers = Array.from({ length: 128 }, () => descriptor);
  expect(parseManifest(manifest(layers), 'it')).toHaveProperty('layers.length', 128);
  expect(() => parseManifest(manifest([...layers, descriptor]), 'it')).toThrow(
    /^the manifest of it cannot be used: layers: .*128/,
  );
});

test.each([-1, 1.5, 2 ** 60, '1', null])('a layer with a size of %j is refused', (size) => {
  const bytes = manifest([{ ...descriptor, size }]);
  expect(() => parseManifest(bytes, 'it')).toThrow(/^the manifest of it cannot be used: layers.0.size/);
});
