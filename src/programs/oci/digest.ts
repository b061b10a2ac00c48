/** Digests of content as OCI writes them: `sha256:` and 64 hexadecimal digits. */
import { createHash } from 'node:crypto';

/** What every registry has to support; the specification's other algorithm, sha512, is not in use for images. */
export const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** The digest of some bytes. */
export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
