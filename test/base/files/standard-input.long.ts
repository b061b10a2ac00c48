/** Scenarios from standard input, by the command line as people use it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/files/limits.ts';
import { productRoot } from '../../../src/base/files/product-files.ts';

const bin = join(productRoot, 'src/cli/bin.mjs');
const scenario = readFileSync(join(productRoot, 'scenarios/documented/require-jwt.yaml'), 'utf8');

const call = (args: readonly string[], input: string) =>
  execa(process.execPath, [bin, ...args], { input, reject: false });

describe('"-" is what comes through standard input', () => {
  test.each([
    [['lint', '-'], /^1 scenario, no mistakes$/],
    [['list', '-'], /^1 scenario, 6 checks with Istio /m],
    [['explain', '-'], /^6 requests: 0 expected otherwise than the policies say/m],
    [['run', '-', '--dry-run', '--target', 'kind'], /^ {2}run require-jwt: 6 checks$/m],
  ])('%j', async (args, says) => {
    const { stdout, stderr, exitCode } = await call(args, scenario);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(says);
  });

  test('and mistakes have their lines', async () => {
    const { stdout, exitCode } = await call(['lint', '-'], scenario.replace('steps:', 'stpes:'));
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/^-:\d+:1: unknown key "stpes"\n {2}\d+ \| stpes:\n/m);
  });

  test('and no more of it than of a file', async () => {
    const { stdout, exitCode } = await call(['lint', '-'], `#${'x'.repeat(limits.yamlBytes)}`);
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/^- has more than the 1 MiB that are read$/m);
  });

  test('which cannot be watched', async () => {
    const { stderr, exitCode } = await call(['run', '-', '--watch', '--target', 'local'], scenario);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--watch cannot watch "-"');
  });
});
