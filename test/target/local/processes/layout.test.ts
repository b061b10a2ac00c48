import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { makeFolder } from '../../../../src/target/local/processes/layout.ts';

const made: string[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});
const make = (): string => {
  const folder = makeFolder();
  made.push(folder);
  return folder;
};

test('each mesh has a folder of its own, which only its owner can read', () => {
  const [one, other] = [make(), make()];
  expect(one).not.toBe(other);
  expect(statSync(one).mode & 0o777).toBe(0o700);
  expect(dirname(one)).toBe(tmpdir());
});

test('paths of sockets fit, however long the folder for temporary files is', () => {
  const base = mkdtempSync('/tmp/long-');
  made.push(base);
  for (let length = 55; length <= 75; length++) {
    const long = join(base, 'x'.repeat(length - base.length - 1));
    mkdirSync(long);
    vi.stubEnv('TMPDIR', long);
    const folder = make();
    expect(Buffer.byteLength(join(folder, 's'.repeat(24)))).toBeLessThanOrEqual(107);
    expect(dirname(folder)).toBe(length + 15 <= 80 ? long : '/tmp');
  }
});
