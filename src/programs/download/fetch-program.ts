/** Fetches a program: download, check, unpack, put in place. */

import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { HarnessError } from '../../base/errors.ts';
import { throwIfAborted } from '../../base/wait.ts';
import { cacheName, flush, partialName, removeLeftovers } from '../cache.ts';
import type { ProgramPin } from '../pin.ts';
import { named, type Report } from '../report.ts';
import { extractMember } from './archive.ts';
import { type DownloadOptions, download, downloadText } from './download.ts';
import { defaultLimits, type Limits } from './download-limits.ts';
import { dispatcher, shown } from './http-get.ts';

export interface FetchOptions {
  readonly cacheDir: string;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly limits?: Limits | undefined;
}

/**
 * Downloads a program into the cache and returns its path. The program appears under its name only when its
 * SHA-256 is right and it is complete, by a rename; so any number of processes may do this at once.
 *
 * @throws HarnessError E_PROGRAM saying what went wrong; E_TIMEOUT; E_INTERRUPTED
 */
export async function fetchProgram(name: string, pin: ProgramPin, options: FetchOptions): Promise<string> {
  const limits = options.limits ?? defaultLimits;
  const through = dispatcher(limits);
  const report = named(`${name} ${pin.version}`, options.report);
  const http: DownloadOptions = { through, limits, report, signal: options.signal };
  const downloaded = partialName(options.cacheDir);
  const unpacked = partialName(options.cacheDir);
  try {
    await mkdir(options.cacheDir, { recursive: true, mode: 0o755 });
    await removeLeftovers(options.cacheDir);
    report(`downloading ${shown(pin.url)}`, 'step');
    // First the expected digest: without one there is no use in the download.
    const expected = pin.sha256 ?? (await publishedDigest(pin, http));
    const actual = await download(pin.url, downloaded, http);
    if (actual !== expected) throw wrongDigest(pin, expected, actual);
    if (pin.member !== undefined) {
      await extractMember(downloaded, pin.member, unpacked, { ...limits, signal: options.signal });
    }
    const program = pin.member === undefined ? downloaded : unpacked;
    throwIfAborted(options.signal);
    await chmod(program, 0o755);
    await flush(program);
    const target = join(options.cacheDir, cacheName(name, pin, actual));
    await rename(program, target);
    report(`SHA-256 is right, kept as ${target}`, 'step');
    return target;
  } catch (error) {
    throw explained(name, pin, options.cacheDir, error);
  } finally {
    // What cannot be removed is left for removeLeftovers; it must not hide the error.
    for (const file of [downloaded, unpacked]) await rm(file, { force: true }).catch(() => {});
    await through.destroy();
  }
}

async function publishedDigest(pin: ProgramPin, http: DownloadOptions): Promise<string> {
  const text = await downloadText(pin.checksumUrl, http);
  return checksumOf(text, basename(new URL(pin.url).pathname), shown(pin.checksumUrl));
}

function wrongDigest(pin: ProgramPin, expected: string, actual: string): HarnessError {
  const origin = pin.sha256 === undefined ? shown(pin.checksumUrl) : 'kind/versions.yaml';
  return new HarnessError('E_PROGRAM', `${shown(pin.url)} has a wrong SHA-256; it was not used`, {
    details: `expected ${expected} (from ${origin})\nactual   ${actual}`,
  });
}

/** Says what to do about it; a file system error becomes one that names the folder. */
function explained(name: string, pin: ProgramPin, cacheDir: string, error: unknown): HarnessError {
  if (error instanceof HarnessError && error.code === 'E_INTERRUPTED') return error;
  const own = error instanceof HarnessError ? error : undefined;
  const message = own?.message ?? `cannot write to ${cacheDir}: ${(error as Error).message}`;
  const hint = [
    own?.hint,
    'check the network and HTTPS_PROXY / NO_PROXY, set JWT_E2E_DOWNLOADS to a mirror of https://github.com,',
    `or install ${name} ${pin.version} and give its path with --${name} or JWT_E2E_${name.toUpperCase()}`,
  ];
  return new HarnessError(own?.code ?? 'E_PROGRAM', `cannot fetch ${name} ${pin.version}: ${message}`, {
    hint: hint.filter((part) => part !== undefined).join(' '),
    details: own?.details,
    cause: error,
  });
}

/**
 * The SHA-256 of `fileName` in the output format of sha256sum: a digest, then white space, then the file name,
 * possibly with `*` or a path before it. A file with nothing but one digest is right, too.
 *
 * @param text content of the checksum file
 * @param from where it comes from, for the message
 * @throws HarnessError E_PROGRAM when there is no digest for the file
 */
export function checksumOf(text: string, fileName: string, from: string): string {
  const entries = text
    .split(/\r?\n/)
    .map((line) => /^\s*([0-9a-fA-F]{64})(?:\s+\*?(\S+))?\s*$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => ({ digest: match[1]!.toLowerCase(), name: match[2]?.split('/').at(-1) }));
  const named = entries.find((entry) => entry.name === fileName);
  if (named !== undefined) return named.digest;
  if (entries.length === 1 && entries[0]!.name === undefined) return entries[0]!.digest;
  throw new HarnessError('E_PROGRAM', `${from} has no SHA-256 for ${fileName}`, {
    hint: 'it may be an error page of a mirror or proxy; open it to see',
    details: text.slice(0, 500),
  });
}
