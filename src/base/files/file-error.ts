/** What keeps files from being read and written: a disk that is full, a folder of another user. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { HarnessError } from '../errors.ts';

/** The name that the operating system has for what went wrong, such as ENOENT; undefined when it was something else. */
export function codeOf(thrown: unknown): string | undefined {
  const { code, syscall } = (thrown ?? {}) as NodeJS.ErrnoException;
  return typeof code === 'string' && syscall !== undefined ? code : undefined;
}

/**
 * The error for a file or folder that cannot be used.
 *
 * @param what it is, as a person calls it: "the report"
 */
export function fileError(
  what: string,
  path: string,
  thrown: unknown,
  options: { readonly hint?: string } = {},
): HarnessError {
  if (thrown instanceof HarnessError) return thrown;
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  return new HarnessError('E_FILE', `${what}, ${path}, cannot be read or written: ${why}`, {
    hint: isFull(thrown)
      ? `Make room on the disk of ${dirname(path)}, or let it be another folder.`
      : (options.hint ?? `See that this user may write to ${dirname(path)}, or let it be another folder.`),
    cause: thrown,
  });
}

/** Writes a file that only this user can read, in a folder of the same kind. @throws HarnessError E_FILE */
export function writePrivately(what: string, path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, text, { mode: 0o600 });
  } catch (thrown) {
    throw fileError(what, path, thrown);
  }
}

/** No room on the disk, or in the share of this user. */
export function isFull(thrown: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(thrown) ?? '');
}
