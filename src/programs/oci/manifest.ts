/** Image manifests and indexes, in the formats of OCI and of Docker (version 2, schema 2). */
import * as z from 'zod';
import { HarnessError } from '../../base/errors.ts';
import { archiveLimits } from '../download/download-limits.ts';
import { digestPattern } from './digest.ts';
import { parseJson } from './registry/parse-json.ts';

/** What is asked for, the newer formats first. */
export const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const layerType =
  /^application\/vnd\.(oci\.image\.layer(\.nondistributable)?\.v1\.tar|docker\.image\.rootfs\.(foreign\.)?diff\.tar)([+.](gzip|zstd))?$/;

const descriptor = z.object({
  mediaType: z.string().default(''),
  digest: z.string().regex(digestPattern, 'only digests of the form sha256:… are supported'),
  size: z.int().nonnegative(),
});

const indexEntry = descriptor.extend({
  platform: z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() }).optional(),
});

const index = z.object({ manifests: z.array(indexEntry) });
const manifest = z.object({
  config: descriptor,
  layers: z.array(descriptor).min(1).max(archiveLimits.layers),
});

/** Where content is: its digest and its size in bytes. */
export type Descriptor = z.output<typeof descriptor>;
export type IndexEntry = z.output<typeof indexEntry>;

/** An index lists builds of one image for several platforms; a manifest is one build. Lowest layer first. */
export type Manifest =
  | { readonly manifests: readonly IndexEntry[] }
  | { readonly config: Descriptor; readonly layers: readonly Descriptor[] };

/**
 * Reads a manifest or an index.
 *
 * @param from the image, for the messages
 * @throws HarnessError E_PROGRAM when it is neither
 */
export function parseManifest(bytes: Buffer, from: string): Manifest {
  const value = parseJson(bytes.toString('utf8'));
  const fields: object = typeof value === 'object' && value !== null ? value : {};
  const isIndex = 'manifests' in fields;
  // Both at once would mean one thing to this program and another to the next one that reads it.
  if (isIndex === 'layers' in fields) {
    const old = 'fsLayers' in fields;
    throw unusable(
      from,
      old ? 'it is in the format of before 2016, schema 1' : 'it has neither layers nor manifests, or both',
    );
  }
  const parsed = isIndex ? index.safeParse(value) : manifest.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw unusable(from, `${issue.path.join('.')}: ${issue.message}`);
  }
  if ('layers' in parsed.data) {
    const other = parsed.data.layers.find((layer) => !layerType.test(layer.mediaType));
    if (other !== undefined)
      throw unusable(from, `it has a layer of type ${JSON.stringify(other.mediaType)}`);
  }
  return parsed.data;
}

function unusable(from: string, why: string): HarnessError {
  return new HarnessError('E_PROGRAM', `the manifest of ${from} cannot be used: ${why}`, {
    hint: 'an image is needed that Docker could run; check its name and its tag',
  });
}
