/** One folder for all temporary files of a run of tests, which goes with it, whatever a test has left or was killed with. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function setup(): () => void {
  const before = process.env.TMPDIR;
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-tests-'));
  // Some tests run programs as another user.
  chmodSync(folder, 0o755);
  // Workers inherit it, and what they start does.
  process.env.TMPDIR = folder;
  return () => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(folder, { recursive: true, force: true });
  };
}
