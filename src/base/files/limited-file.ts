/** Reads files that somebody else may have made: no more than is allowed, and nothing that never ends. */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { sizeText } from './limits.ts';
import { fromStandardInput } from './standard-input.ts';

/** Why a file is not read, to be put behind its name: "is larger than 1 MiB". */
export class UnreadableFile extends Error {
  readonly hint: string;

  constructor(why: string, hint: string) {
    super(why);
    this.hint = hint;
  }
}

/**
 * The bytes of a file.
 *
 * @throws UnreadableFile when it is larger than `most` bytes, or no file but a device or a pipe, which may have no end;
 *   what the file system throws
 */
export function readLimited(file: string, most: number): Buffer {
  const given = fromStandardInput(file, most);
  if (given !== undefined) {
    if (given.length > most) throw tooLarge(most, given.length);
    return given;
  }
  // Opening a pipe would wait for somebody who writes to it.
  const descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) {
      const what = stat.isDirectory() ? 'a folder' : 'a device or a pipe';
      throw new UnreadableFile(`is ${what} and no file`, 'Name a file; save what a pipe gives to one first.');
    }
    if (stat.size > most) throw tooLarge(most, stat.size);
    // Some files of Linux have content although their size is 0, and others grow.
    const chunks: Buffer[] = [];
    for (let length = 0; ; ) {
      const chunk = Buffer.allocUnsafe(Math.min(Math.max(stat.size - length, 0) + 4096, 1 << 20));
      const read = readSync(descriptor, chunk);
      if (read === 0) return Buffer.concat(chunks);
      length += read;
      if (length > most) throw tooLarge(most, length);
      chunks.push(chunk.subarray(0, read));
    }
  } finally {
    closeSync(descriptor);
  }
}

function tooLarge(most: number, size: number): UnreadableFile {
  // Rounded they may be the same, and of what comes through a pipe no more is known.
  const much = sizeText(size) === sizeText(most) ? '' : `${sizeText(size)}, `;
  return new UnreadableFile(
    `has ${much}more than the ${sizeText(most)} that are read`,
    'See whether it is the right file; make several smaller ones of it.',
  );
}

/** The text of a file, without a byte order mark. @throws UnreadableFile as {@link readLimited}, and when it is not UTF-8 */
export function readLimitedText(file: string, most: number): string {
  const bytes = readLimited(file, most);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UnreadableFile('is not encoded in UTF-8', 'Save it as UTF-8.');
  }
}

/** Why a file could not be read, to be put behind its name, and what to do about it where that is known. */
export function whyUnreadable(thrown: unknown): { why: string; hint?: string } {
  if (thrown instanceof UnreadableFile) return { why: thrown.message, hint: thrown.hint };
  return { why: whyNot(thrown) };
}

/**
 * What a path leads to; or why that cannot be told, to be put behind its name: "does not exist". A path can be what none can
 * be, such as a link to itself, a name that is too long, or something below a file.
 */
export function lookAt(
  path: string,
): { readonly stat: Stats } | { readonly stat?: undefined; readonly why: string } {
  try {
    return { stat: statSync(path) };
  } catch (thrown) {
    return { why: whyNot(thrown) };
  }
}

/** What the file system has thrown, in words. */
function whyNot(thrown: unknown): string {
  const { code = String(thrown) } = thrown as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist';
  return code === 'ERR_INVALID_ARG_VALUE' ? 'cannot be a path' : `cannot be read (${code})`;
}
