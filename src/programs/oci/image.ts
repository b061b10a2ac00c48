/** Takes files out of container images, from the registry and without a container engine. */

import { dirname } from 'node:path';
import { HarnessError } from '../../base/errors.ts';
import { throwIfAborted } from '../../base/wait.ts';
import { defaultLimits, type Limits } from '../download/download-limits.ts';
import { dispatcher } from '../download/http-get.ts';
import { Transient } from '../download/transient.ts';
import type { Platform } from '../platform.ts';
import { named, type Report } from '../report.ts';
import { checkBuild, chooseBuild } from './choose-build.ts';
import { digestPattern } from './digest.ts';
import { type Descriptor, parseManifest } from './manifest.ts';
import { formatReference, parseReference, type Reference } from './registry/reference.ts';
import { wrongDigest } from './registry/refusal.ts';
import { Registry } from './registry/registry.ts';
import { unpackFiles } from './unpack.ts';

interface ImageFile {
  /** Absolute path in the image, such as /usr/local/bin/envoy. Links are followed. */
  readonly path: string;
  /** File to create or to replace. */
  readonly target: string;
}

export interface ImageFetch {
  /** Such as docker.io/istio/pilot:1.31.1 or localhost:5000/istio/pilot@sha256:… */
  readonly image: string;
  readonly platform: Platform;
  /**
   * The expected digest, sha256:…, of the image's index or of the manifest for the platform; it is what is asked for,
   * wherever the tag leads today. Without one, the registry's answer for the tag decides.
   */
  readonly digest?: string | undefined;
  readonly files: readonly ImageFile[];
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly limits?: Limits | undefined;
}

/**
 * Writes files of an image. Layers are downloaded from the uppermost on, and only as far as needed. Each file appears
 * under its name by a rename, when it is complete and the digest of its layer was right; so any number of processes
 * may do this at once.
 *
 * @returns the digest of the index or manifest that the reference stands for, which can be used to pin the image
 * @throws HarnessError E_SETTINGS for what is no reference; E_PROGRAM saying what went wrong; E_TIMEOUT; E_INTERRUPTED
 */
export async function fetchFromImage(fetch: ImageFetch): Promise<{ digest: string }> {
  return withRegistry(fetch, fetch.report, async ({ registry, report, limits, image }) => {
    const { digest, layers } = await image();
    report(`downloading (${digest})`, 'step');
    try {
      await unpackFiles(registry, layers, fetch.files, { limits, signal: fetch.signal });
    } catch (error) {
      if (error instanceof HarnessError) throw error;
      const folders = [...new Set(fetch.files.map((file) => dirname(file.target)))].join(', ');
      throw new HarnessError('E_PROGRAM', `cannot write to ${folders}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    report('digests are right', 'step');
    return { digest };
  });
}

/**
 * Whether an image can be had for a platform, found out without downloading its layers.
 *
 * @returns the digest as {@link fetchFromImage} does, or one line that says why not
 * @throws HarnessError E_INTERRUPTED only
 */
export async function imageExists(
  question: Pick<ImageFetch, 'image' | 'platform' | 'digest' | 'signal' | 'limits'>,
): Promise<{ digest: string } | { problem: string }> {
  try {
    const { digest } = await withRegistry(
      question,
      () => {},
      ({ image }) => image(),
    );
    return { digest };
  } catch (error) {
    throwIfAborted(question.signal);
    if (!(error instanceof HarnessError)) throw error;
    return { problem: error.message };
  }
}

/**
 * The tags of an image's repository.
 *
 * @param image any reference to it; its own tag does not matter
 * @throws HarnessError as {@link fetchFromImage} does
 */
export async function imageTags(
  question: Pick<ImageFetch, 'image' | 'signal' | 'limits'>,
): Promise<string[]> {
  // Tags are the same for all platforms.
  const any = { ...question, platform: 'linux-amd64' as const };
  return withRegistry(
    any,
    () => {},
    ({ registry }) => registry.tags(),
  );
}

interface Session {
  readonly registry: Registry;
  readonly limits: Limits;
  readonly report: Report;
  readonly image: () => Promise<ResolvedImage>;
}

/** Gives `work` a registry to talk to, closes its connections afterwards, and names the image in messages. */
async function withRegistry<T>(
  fetch: Pick<ImageFetch, 'image' | 'platform' | 'digest' | 'signal' | 'limits'>,
  report: Report,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const reference = parseReference(fetch.image);
  const limits = fetch.limits ?? defaultLimits;
  const through = dispatcher(limits);
  const say = named(formatReference(reference), report);
  const registry = new Registry(reference, { through, limits, report: say, signal: fetch.signal });
  const image = () => resolveImage(registry, reference, fetch.platform, fetch.digest);
  try {
    return await work({ registry, limits, report: say, image });
  } catch (error) {
    throw explained(reference, error);
  } finally {
    await through.destroy();
  }
}

function explained(reference: Reference, error: unknown): unknown {
  if (!(error instanceof HarnessError) || error.code === 'E_INTERRUPTED') return error;
  const isBusy = error.cause instanceof Transient && error.cause.status === 429;
  const hint = isBusy
    ? `registries allow more to those who log in: docker login ${reference.registry}; or wait, or use a mirror as the hub`
    : 'check the network, HTTPS_PROXY / NO_PROXY and the hub';
  return new HarnessError(error.code, `cannot fetch ${formatReference(reference)}: ${error.message}`, {
    hint: error.hint ?? hint,
    details: error.details,
    cause: error,
  });
}

interface ResolvedImage {
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
async function resolveImage(
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
