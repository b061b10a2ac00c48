/** The files of a mesh, in a folder that only its owner can read and that is deleted with it. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The path of a Unix socket has at most 107 bytes (unix(7)); names of sockets in the folder have up to 24. */
const longestFolder = 80;

/** Makes the folder, in the folder for temporary files, or in /tmp when that has too long a name. */
export function makeFolder(): string {
  const base = tmpdir();
  const prefix = 'jwt-e2e-';
  const fits = Buffer.byteLength(base) + prefix.length + 7 <= longestFolder;
  return mkdtempSync(join(fits ? base : '/tmp', prefix));
}
