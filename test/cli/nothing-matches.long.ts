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
import { expectMatch, runSettings } from '../../src/engine/run-settings.ts';
import type { Selection } from '../../src/plan/select.ts';
import { loadScenarios } from '../../src/scenario/load.ts';
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

describe('what can match', () => {
  const loaded = loadScenarios(
    ['require-jwt', 'jwks-external-https'].map((name) => `scenarios/documented/${name}.yaml`),
    { cwd: process.cwd() },
  );
  const scenarios = loaded.scenarios.map((each) => ({ ...each, tags: ['keys', each.name] }));
  const modes = scenarios.flatMap(({ mesh }) => mesh?.fetch ?? [undefined]).length;
  const requireJwt = scenarios.find(({ name }) => name === 'require-jwt')!;
  const step = requireJwt.steps[0]!.name;
  test.each<[Selection, boolean]>([
    [{}, true],
    [{ grep: '' }, true],
    [{ grep: 'REQUIRE-jwt' }, true],
    [{ grep: requireJwt.title.toUpperCase() }, true],
    [{ grep: step.toUpperCase() }, true],
    [{ grep: `require-jwt/${step}/no token` }, true],
    [{ grep: 'jwks-external-https@envoy' }, true],
    [{ grep: 'nothinghere' }, false],
    [{ tags: ['nothinghere'] }, false],
    [{ tags: ['require-jwt'] }, true],
    [{ skipTags: ['require-jwt'] }, true],
    [{ skipTags: ['keys'] }, false],
    [{ profile: 'extended' }, false],
    [{ only: new Set(['jwks-external-https@istiod']) }, true],
    [{ only: new Set(['jwks-external-https']) }, false],
    [{ only: new Set(['require-jwt']), grep: 'external' }, false],
    [{ shard: { index: modes, count: 9 } }, true],
  ])('%j: %s', (selection, expected) => {
    const look = () => expectMatch({ ...runSettings({}), selection }, scenarios);
    if (expected) expect(look).not.toThrow();
    else expect(look).toThrow(expect.objectContaining({ message: 'no scenario matches what was asked for' }));
  });

  test.each([
    [{}, modes, `there are ${modes} scenarios to share`, `Use at most ${modes} shards.`],
    [{ grep: 'require-jwt' }, 1, 'there is one scenario to share', 'Use at most one shard.'],
  ])('with %j there is nothing for shard %i + 1', (selection, count, message, hint) => {
    const shard = { index: count + 1, count: 9 };
    expect(() => expectMatch({ ...runSettings({}), selection: { ...selection, shard } }, scenarios)).toThrow(
      expect.objectContaining({
        code: 'E_USAGE',
        message: `shard ${count + 1}/9 is empty: ${message}`,
        hint,
      }),
    );
  });
});
