/** Downloads one file to disk, computing its SHA-256 on the way. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Dispatcher } from 'undici';
import { HarnessError } from '../errors.ts';
import { pause, throwIfAborted, within } from '../wait.ts';
import { get, shown, Transient } from './http.ts';
import type { Limits } from './limits.ts';

export interface DownloadOptions {
  readonly through: Dispatcher;
  readonly limits: Limits;
  readonly report: (message: string) => void;
  readonly signal: AbortSignal;
}

/** The time between two messages about the progress, milliseconds. */
const progressMs = 5_000;

/**
 * Downloads `url` into `file`, which is created or overwritten, and returns its SHA-256 in hexadecimal.
 *
 * @throws HarnessError E_PROGRAM when every attempt failed or the file is too large; E_INTERRUPTED
 */
export async function download(url: string, file: string, options: DownloadOptions): Promise<string> {
  return attempts(url, options, async (signal) => {
    const { body, length } = await get(url, { ...options, signal });
    const handle = await open(file, 'w', 0o600);
    try {
      const hash = createHash('sha256');
      let bytes = 0;
      let told = Date.now();
      for await (const chunk of body as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > options.limits.maxBytes) throw tooLarge(url, options.limits.maxBytes);
        hash.update(chunk);
        await handle.writeFile(chunk);
        if (Date.now() - told >= progressMs) {
          told = Date.now();
          options.report(`${megabytes(bytes)}${length === undefined ? '' : ` of ${megabytes(length)}`}`);
        }
      }
      // On disk before the name is given to it: a crash must not leave an empty program.
      await handle.sync();
      return hash.digest('hex');
    } finally {
      await handle.close();
    }
  });
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

async function attempts<T>(
  url: string,
  options: DownloadOptions,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { limits } = options;
  for (let count = 1; ; count++) {
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
      options.report(`${message}; trying again`);
    } finally {
      limited.done();
    }
    await pause(limits.retryMs * 2 ** (count - 1), options.signal);
  }
}

function isDisk(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code !== undefined && ['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'ENOENT', 'EIO'].includes(code);
}

function tooLarge(url: string, maxBytes: number): HarnessError {
  return new HarnessError('E_PROGRAM', `${shown(url)} is larger than ${megabytes(maxBytes)}`);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
