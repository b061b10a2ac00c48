/** Finds out which layers an image has on a platform. */
import { HarnessError } from '../../base/errors.ts';
import type { Platform } from '../platform.ts';
import { checkBuild, chooseBuild } from './choose-build.ts';
import { digestPattern } from './digest.ts';
import { type Descriptor, parseManifest } from './manifest.ts';
import { formatReference, type Reference } from './registry/reference.ts';
import { wrongDigest } from './registry/refusal.ts';
import type { Registry } from './registry/registry.ts';

export interface ResolvedImage {
  /** Of the index or manifest that the reference stands for. */
  readonly digest: string;
  /** The lowest first. */
  readonly layers: readonly Descriptor[];
}

/** The specification allows an index in an index; more levels than this are a mistake or a trap. */
const maxIndexes = 3;

/**
 * Asks the registry for the manifest that fits `platform`.
 *
 * @param pin the digest that the index or the manifest must have
 * @throws HarnessError E_SETTINGS for a pin that is no digest; E_PROGRAM when there is no such image, none for the
 *   platform, or its digest is another; E_TIMEOUT; E_INTERRUPTED
 */
export async function resolveImage(
  registry: Registry,
  reference: Reference,
  platform: Platform,
  pin: string | undefined,
): Promise<ResolvedImage> {
  if (pin !== undefined && !digestPattern.test(pin)) {
    throw new HarnessError('E_SETTINGS', `the expected digest is ${JSON.stringify(pin)}`, {
      hint: 'write sha256: and 64 hexadecimal digits in lower case',
    });
  }
  const from = formatReference(reference);
  const digests: string[] = [];
  let next = reference.digest ?? pin ?? reference.tag!;
  for (let level = 0; level <= maxIndexes; level++) {
    const { bytes, digest } = await registry.manifest(next);
    digests.push(digest);
    const manifest = parseManifest(bytes, from);
    if ('manifests' in manifest) {
      next = chooseBuild(manifest.manifests, platform, from).digest;
      continue;
    }
    if (pin !== undefined && !digests.includes(pin)) throw wrongDigest(from, pin, digests.join(', '));
    // An index said what this was built for; without one, the configuration does.
    if (level === 0) checkBuild(await registry.blob(manifest.config), platform, from);
    return { digest: digests[0]!, layers: manifest.layers };
  }
  throw new HarnessError('E_PROGRAM', `${from} has indexes in indexes, more than ${maxIndexes} levels`);
}
