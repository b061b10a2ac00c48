/** `jwt-e2e matrix`: the jobs of a CI matrix, from kind/versions.yaml. */
import { compare, gt, parse } from 'semver';
import { asHarnessError, exitCodes, HarnessError } from '../../base/errors.ts';
import { harmlessJson, oneLine, own } from '../../base/harmless.ts';
import { versionsFile } from '../../engine/product.ts';
import { defaultLimits } from '../../programs/download/download-limits.ts';
import { imageTags } from '../../programs/oci/image.ts';
import { matrix } from '../../programs/release-matrix.ts';
import { loadVersions, type Versions } from '../../programs/versions.ts';
import type { Values } from '../../settings/settings.ts';
import { flag, hubOf, text } from '../../settings/typed.ts';
import type { Io } from '../support/io.ts';
import { withSignals } from '../support/signals.ts';

/** Versions become parts of names of files and of artifacts. */
const version = /^\d+\.\d+(\.\d+)?(-[0-9A-Za-z][0-9A-Za-z.-]*)?$/;

/** Builds for distroless images and the like have further parts. */
const plainPreRelease = /^\d+\.\d+\.\d+-(alpha|beta|rc)\.\d+$/;

/** A list of tags is small: what takes longer than this is no answer. Milliseconds. */
const tagLimits = { ...defaultLimits, downloadMs: 30_000 };

/**
 * Prints the jobs as JSON on one line. A version of Istio that the file does not have becomes an experimental job. When
 * no pre-release can be found out, standard error says why and the others are printed: a registry that does not answer
 * must not keep the releases from being tested.
 *
 * @throws HarnessError E_USAGE for what is no version; E_INTERRUPTED
 */
export async function matrixCommand(values: Values, io: Io): Promise<number> {
  const versions = loadVersions(versionsFile);
  const wanted = wantedOf(values);
  const known = new Set(versions.istio.releases.map((release) => release.version));
  const others = wanted?.filter((istio) => !known.has(istio)) ?? [];
  if (flag(values, 'pre-release') && wanted === undefined)
    others.push(...(await preRelease(values, versions, io)));
  const jobs = matrix(versions, others).filter(({ istio }) => wanted?.includes(istio) ?? true);
  io.stdout.write(`${harmlessJson(jobs)}\n`);
  return exitCodes.passed;
}

function wantedOf(values: Values): string[] | undefined {
  const wanted = text(values, 'istio')
    ?.split(',')
    .map((each) => each.trim())
    .filter(Boolean);
  for (const istio of wanted ?? []) {
    if (version.test(istio)) continue;
    throw new HarnessError('E_USAGE', `--istio: "${istio}" is no version of Istio`, {
      hint: 'write it in full, such as 1.31.1 or 1.32.0-rc.0',
    });
  }
  // A matrix without jobs would be a workflow that tests nothing.
  if (wanted?.length === 0) {
    throw new HarnessError('E_USAGE', '--istio names no version', {
      hint: 'Write versions with commas between them, such as 1.31.1,1.30.5, or leave --istio out for all that are known.',
    });
  }
  return wanted === undefined ? undefined : [...new Set(wanted)];
}

async function preRelease(values: Values, versions: Versions, io: Io): Promise<string[]> {
  const hub = hubOf(values, versions);
  try {
    const found = await withSignals((signal) => findPreRelease(versions, hub, signal), 'Nothing was done.');
    return found === undefined ? [] : [found];
  } catch (thrown) {
    const error = asHarnessError(thrown);
    if (error.code === 'E_INTERRUPTED') throw error;
    const message = `no pre-release of Istio is tested: ${error.message}`;
    // GitHub shows this on the page of the run; everybody else reads it in the log.
    io.stderr.write(`${io.env.GITHUB_ACTIONS === 'true' ? own('::warning::') : ''}${oneLine(message)}\n`);
    return [];
  }
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
  signal: AbortSignal,
): Promise<string | undefined> {
  const tags = await imageTags({ image: `${hub}/pilot`, signal, limits: tagLimits });
  return newestPreRelease(
    tags,
    versions.istio.releases.map(({ version }) => version),
  );
}

/**
 * The newest pre-release among `tags` of something that is newer than all of `releases` and not released itself.
 * Undefined between the release of a minor version and the first alpha of the next one.
 */
export function newestPreRelease(tags: readonly string[], releases: readonly string[]): string | undefined {
  const isReleased = new Set(tags);
  return tags
    .filter((tag) => {
      if (!plainPreRelease.test(tag) || !releases.every((release) => gt(tag, release))) return false;
      const { major, minor, patch } = parse(tag)!;
      return !isReleased.has(`${major}.${minor}.${patch}`);
    })
    .sort(compare)
    .at(-1);
}
