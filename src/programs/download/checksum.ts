/** Reads the checksum files that projects publish beside their downloads. */
import { HarnessError } from '../../base/errors.ts';

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
