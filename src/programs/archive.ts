/** Takes one file out of a tar.gz archive. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { list, type ReadEntry } from 'tar';
import { HarnessError } from '../errors.ts';

/**
 * Writes the regular file `member` of `archive` to `target`. Nothing else of the archive is written, so paths,
 * links and modes in it do not matter.
 *
 * @throws HarnessError E_PROGRAM when the archive is damaged, has no such file, or the file is larger than
 *   `maxBytes`
 */
export async function extractMember(
  archive: string,
  member: string,
  target: string,
  maxBytes: number,
): Promise<void> {
  let written: Promise<void> | undefined;
  let size = 0;
  const entry = (found: ReadEntry) => {
    if (written !== undefined || found.type !== 'File' || found.path.replace(/^\.\//, '') !== member) return;
    size = found.size;
    if (size <= maxBytes) written = pipeline(found, createWriteStream(target));
    // Observed below; without this a failure before `list` ends would count as unhandled.
    written?.catch(() => {});
  };
  try {
    await list({ file: archive, strict: true, onReadEntry: entry });
    await written;
  } catch (cause) {
    throw new HarnessError('E_PROGRAM', `cannot unpack ${member}: ${(cause as Error).message}`, { cause });
  }
  if (written === undefined) {
    throw new HarnessError(
      'E_PROGRAM',
      size > maxBytes
        ? `${member} in the archive is larger than ${maxBytes} bytes`
        : `the archive has no file ${member}`,
    );
  }
}
