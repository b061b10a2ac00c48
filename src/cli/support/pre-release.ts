/** Finds the pre-release of Istio that is worth a test: one of what comes after all known releases. */
import { compare, gt, parse } from 'semver';
import type { Limits } from '../../programs/download/download-limits.ts';
import { defaultLimits } from '../../programs/download/download-limits.ts';
import { imageTags } from '../../programs/oci/image.ts';
import type { Versions } from '../../programs/versions.ts';

/** A list of tags is small: what takes longer than this is no answer. Milliseconds. */
const limits: Limits = { ...defaultLimits, downloadMs: 30_000 };

/** Builds for distroless images and the like have further parts. */
const preRelease = /^\d+\.\d+\.\d+-(alpha|beta|rc)\.\d+$/;

/**
 * The newest pre-release among `tags` of something that is newer than all of `releases` and not released itself.
 * Undefined between the release of a minor version and the first alpha of the next one.
 */
export function newestPreRelease(tags: readonly string[], releases: readonly string[]): string | undefined {
  const isReleased = new Set(tags);
  return tags
    .filter((tag) => {
      if (!preRelease.test(tag) || !releases.every((release) => gt(tag, release))) return false;
      const { major, minor, patch } = parse(tag)!;
      return !isReleased.has(`${major}.${minor}.${patch}`);
    })
    .sort(compare)
    .at(-1);
}

/**
 * Asks the registry of the images for {@link newestPreRelease}. The registry and not a list of releases, because a
 * version without images cannot be tested.
 *
 * @param hub registry and folder, such as docker.io/istio
 * @throws HarnessError E_PROGRAM when the registry does not say; E_TIMEOUT; E_INTERRUPTED
 */
export async function findPreRelease(
  versions: Versions,
  hub: string,
  { signal, ...more }: { readonly signal: AbortSignal; readonly limits?: Limits },
): Promise<string | undefined> {
  const tags = await imageTags({ image: `${hub}/pilot`, signal, limits: more.limits ?? limits });
  return newestPreRelease(
    tags,
    versions.istio.releases.map(({ version }) => version),
  );
}
