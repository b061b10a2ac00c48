/** A scenario that comes through standard input, which can be read once and is asked for more than once. */
import { readSync } from 'node:fs';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { HarnessError } from '../errors.ts';

/** How it is named on the command line and in messages. */
export const standardInput = '-';

/** Where it seems to lie, so that paths in it are relative to the folder where one is. */
let place: string | undefined;
let bytes: Buffer | undefined;

/**
 * Makes it a file of that folder for those who read files.
 *
 * @returns its path
 * @throws HarnessError E_USAGE when it is a terminal
 */
export function takeStandardInput(cwd: string): string {
  if (bytes === undefined && isatty(0)) {
    throw new HarnessError('E_USAGE', '"-" stands for standard input, and that is a terminal', {
      hint: 'Send a scenario through it, such as with "cat scenario.yaml |" before the command.',
    });
  }
  place = join(cwd, standardInput);
  return place;
}

/** What came through it, when that is what the path stands for; at most one byte more than `most`. */
export function fromStandardInput(path: string, most: number): Buffer | undefined {
  if (path !== place) return undefined;
  bytes ??= readAll(most + 1);
  return bytes;
}

function readAll(most: number): Buffer {
  const chunks: Buffer[] = [];
  for (let length = 0; length < most; ) {
    const chunk = Buffer.allocUnsafe(64 * 1024);
    const read = readSome(chunk);
    if (read === 0) break;
    length += read;
    chunks.push(chunk.subarray(0, read));
  }
  return Buffer.concat(chunks);
}

/** Waits for whoever writes to it, which a pipe that does not block leaves to its reader. */
function readSome(chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(0, chunk);
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw thrown;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
