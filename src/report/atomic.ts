/** Writing report files so that a reader never sees half of one. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { HarnessError } from '../base/errors.ts';
import { isFull } from '../base/files/file-error.ts';

/**
 * Writes a temporary file in the same folder and renames it over `file`, making the folder if needed. Synchronous,
 * so that the file is there when the next event is handled, whatever kills the process afterwards.
 *
 * @throws HarnessError E_SETTINGS when the file cannot be written
 */
export function writeAtomically(file: string, content: string): void {
  const folder = path.dirname(file);
  const temporary = path.join(folder, `.${path.basename(file)}.${process.pid}.tmp`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(temporary, content);
    renameSync(temporary, file);
  } catch (cause) {
    remove(temporary);
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new HarnessError('E_SETTINGS', `cannot write ${file}: ${code}`, {
      hint: isFull(cause)
        ? `make room on the disk of ${folder}`
        : 'name a file in a folder that can be written to',
      cause,
    });
  }
}

/** The reason why the file could not be written matters, not that nothing is left to remove. */
function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Where nothing can be written nothing can be removed, such as below a file that is no folder.
  }
}
