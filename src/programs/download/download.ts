/** Downloads one file to disk, computing its SHA-256 on the way. */

import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Dispatcher } from 'undici';
import { HarnessError } from '../../base/errors.ts';
import { pause, throwIfAborted, within } from '../../base/wait.ts';
import type { Report } from '../report.ts';
import type { Limits } from './download-limits.ts';
import { type Answer, get, shown } from './http-get.ts';
import { Transient } from './transient.ts';

export interface DownloadOptions {
  readonly through: Dispatcher;
  readonly limits: Limits;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** The time between two messages about the progress, milliseconds. */
const progressMs = 500;

/** The longest wait before another attempt, whatever the server asks for, milliseconds. */
const longestWaitMs = 60_000;

/** What was written to a file. */
export interface Saved {
  /** In hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Downloads `url` into `file`, which is created or overwritten, and returns its SHA-256 in hexadecimal.
 *
 * @throws HarnessError E_PROGRAM when every attempt failed or the file is too large; E_INTERRUPTED
 */
export async function download(url: string, file: string, options: DownloadOptions): Promise<string> {
  return attempts(url, options, async (signal) => {
    const answer = await get(url, { ...options, signal });
    const saved = await save(answer, file, {
      maxBytes: options.limits.maxBytes,
      what: `downloading ${shown(url)}`,
      report: options.report,
    });
    return saved.sha256;
  });
}

/**
 * Writes the body of an answer to `file`, which is created or overwritten. It is on disk when this returns.
 *
 * @param options.what the messages about the progress say it is
 * @param options.of how many bytes are expected, for these messages
 * @throws HarnessError E_PROGRAM when the body has more than `maxBytes`; whatever the connection or the disk throws
 */
export async function save(
  answer: Answer,
  file: string,
  options: { maxBytes: number; of?: number | undefined; what: string; report: Report },
): Promise<Saved> {
  const of = options.of ?? answer.length;
  const handle = await open(file, 'w', 0o600);
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    let told = Date.now();
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > options.maxBytes) throw tooLarge(answer.url.href, options.maxBytes);
      hash.update(chunk);
      await handle.writeFile(chunk);
      if (Date.now() - told >= progressMs) {
        told = Date.now();
        options.report(options.what, { done: bytes, total: of, unit: 'bytes' });
      }
    }
    // On disk before the name is given to it: a crash must not leave an empty program.
    await handle.sync();
    return { sha256: hash.digest('hex'), bytes };
  } finally {
    await handle.close();
  }
}

/** Downloads a small text file, at most 64 KiB. Throws like {@link download}. */
export async function downloadText(url: string, options: DownloadOptions): Promise<string> {
  return attempts(url, options, async (signal) => {
    const { body } = await get(url, { ...options, signal });
    let text = '';
    for await (const chunk of body as AsyncIterable<Buffer>) {
      text += chunk.toString('utf8');
      if (text.length > 64 * 1024) throw tooLarge(url, 64 * 1024);
    }
    return text;
  });
}

/**
 * Calls `attempt` until it succeeds or fails for good, `limits.attempts` times at most. Its signal has the deadline of
 * one attempt.
 *
 * @throws HarnessError E_PROGRAM when every attempt failed; E_TIMEOUT when one took longer than `limits.downloadMs`;
 *   E_INTERRUPTED
 */
export async function attempts<T>(
  url: string,
  options: DownloadOptions,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { limits } = options;
  for (let count = 1; ; count++) {
    let wait = limits.retryMs * 2 ** (count - 1);
    throwIfAborted(options.signal);
    const limited = within(limits.downloadMs, options.signal, `downloading ${shown(url)}`);
    try {
      return await attempt(limited.signal);
    } catch (error) {
      throwIfAborted(limited.signal);
      // What is thrown while a body is read comes from the connection, unless it is one of ours.
      if (error instanceof HarnessError || isDisk(error)) throw error;
      const message =
        error instanceof Transient ? error.message : `${shown(url)}: ${(error as Error).message}`;
      if (count >= limits.attempts) {
        throw new HarnessError('E_PROGRAM', `download failed ${count} times: ${message}`, { cause: error });
      }
      // A server that asks for an hour would be waited for by nobody.
      if (error instanceof Transient) wait = Math.max(wait, Math.min(error.afterMs, longestWaitMs));
      options.report(`${message}; trying again`);
    } finally {
      limited.done();
    }
    await pause(wait, options.signal);
  }
}

function isDisk(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code !== undefined && ['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'ENOENT', 'EIO'].includes(code);
}

function tooLarge(url: string, maxBytes: number): HarnessError {
  const size = maxBytes < 1_000_000 ? `${maxBytes} bytes` : megabytes(maxBytes);
  return new HarnessError('E_PROGRAM', `${shown(url)} is larger than ${size}`);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
