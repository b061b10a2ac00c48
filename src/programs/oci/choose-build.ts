/** Which build of an image fits a machine. */
import * as z from 'zod';
import { HarnessError } from '../../base/errors.ts';
import type { Platform } from '../platform.ts';
import type { IndexEntry } from './manifest.ts';
import { parseJson } from './registry/parse-json.ts';

/** The variants that every processor of the architecture can run; an index may leave them out. */
const variants: Readonly<Record<string, string>> = { amd64: 'v1', arm64: 'v8' };

/**
 * The entry of an index for `platform`.
 *
 * @param from the image, for the messages
 * @throws HarnessError E_PROGRAM when there is none
 */
export function chooseBuild(entries: readonly IndexEntry[], platform: Platform, from: string): IndexEntry {
  const { os, architecture } = needed(platform);
  const found = entries.find(
    (entry) =>
      entry.platform?.os === os &&
      entry.platform.architecture === architecture &&
      (entry.platform.variant || variants[architecture]) === variants[architecture],
  );
  if (found !== undefined) return found;
  // Attestations stand in indexes, too, for the platform unknown/unknown.
  const known = entries.flatMap(({ platform: it }) =>
    it === undefined || it.os === 'unknown' ? [] : [name(it)],
  );
  throw noBuild(from, platform, known);
}

const imageConfig = z.object({
  os: z.string(),
  architecture: z.string(),
  variant: z.string().optional(),
});

/**
 * Checks that an image that comes without an index fits `platform`.
 *
 * @param config its configuration, which says what it was built for
 * @throws HarnessError E_PROGRAM when it was built for something else, or does not say so
 */
export function checkBuild(config: Buffer, platform: Platform, from: string): void {
  const parsed = imageConfig.safeParse(parseJson(config.toString('utf8')));
  if (!parsed.success) {
    throw new HarnessError('E_PROGRAM', `the configuration of ${from} does not say what it was built for`, {
      hint: 'an image is needed that Docker could run; check its name and its tag',
    });
  }
  const { os, architecture } = needed(platform);
  if (parsed.data.os === os && parsed.data.architecture === architecture) return;
  throw noBuild(from, platform, [name(parsed.data)]);
}

function needed(platform: Platform): { os: string; architecture: string } {
  const [os = '', architecture = ''] = platform.split('-');
  return { os, architecture };
}

function name({ os, architecture, variant }: NonNullable<IndexEntry['platform']>): string {
  return [os, architecture, ...(variant ? [variant] : [])].join('/');
}

function noBuild(from: string, platform: Platform, known: readonly string[]): HarnessError {
  const { os, architecture } = needed(platform);
  return new HarnessError('E_PROGRAM', `${from} has no build for ${os}/${architecture}`, {
    hint: known.length === 0 ? 'its index names no platform' : `there is ${known.join(', ')}`,
  });
}
