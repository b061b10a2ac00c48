/** A run whose selection leaves nothing: said before a mesh is made or a report is touched. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { resultOf } from '../report/results.ts';
import * as runs from '../report/runs.ts';

const bin = resolve('src/cli/bin.mjs');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nothing-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** With no docker, no kubectl, and no program of the product's own. */
async function run(...args: string[]) {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [bin, 'run', ...args], {
    cwd: folder,
    reject: false,
    stdin: 'ignore',
    extendEnv: false,
    env: { PATH: '/nowhere', HOME: folder, JWT_E2E_NO_DOWNLOAD: 'true', JWT_E2E_NO_BUILD: 'true' },
    timeout: 50_000,
  });
  return { exitCode, stdout, stderr };
}

describe('jwt-e2e run', () => {
  test.each([
    ['--grep', ['--grep', 'nothinghere']],
    ['a last run that is of other scenarios', ['--last-failed']],
  ])('with %s says so, and leaves the last reports as they were', async (_, args) => {
    mkdirSync(join(folder, 'reports'));
    const result = resultOf(runs.failures);
    const scenarios = result.scenarios.map((each) => ({
      ...each,
      info: { ...each.info, id: `other-${each.info.id}` },
    }));
    const last = JSON.stringify({ ...result, scenarios });
    writeFileSync(join(folder, 'reports/results.json'), last);
    const { exitCode, stdout, stderr } = await run('--target', 'kind', ...args);
    expect(stderr).toContain('no scenario matches what was asked for (E_USAGE)\n  See what there is');
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(readdirSync(join(folder, 'reports'))).toEqual(['results.json']);
    expect(readFileSync(join(folder, 'reports/results.json'), 'utf8')).toBe(last);
  });

  test('makes no folder for reports either', async () => {
    expect((await run('--tag', 'no-such-tag')).exitCode).toBe(2);
    expect(existsSync(join(folder, 'reports'))).toBe(false);
  });
});
