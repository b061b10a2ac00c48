/** The command line as people call it. What depends on the process is in main.long.ts. */
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { commandOptions } from '../../src/settings/options.ts';

const folder = mkdtempSync(join(tmpdir(), 'cli-'));

/** In this process. */
async function call(args: readonly string[]) {
  const texts = { stdout: '', stderr: '' };
  const record = (name: 'stdout' | 'stderr') =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      texts[name] += String(chunk);
      return true;
    });
  const spies = [record('stdout'), record('stderr')];
  try {
    const exitCode = await main(args);
    return { exitCode, stdout: texts.stdout, stderr: texts.stderr };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

afterEach(() => vi.unstubAllEnvs());

const commands = ['run', 'up', 'down', 'list', 'lint', 'schema', 'matrix'];

describe('help', () => {
  test('every command stands under what it is for', async () => {
    const { stdout } = await call(['--help']);
    const [, others = ''] = stdout.split('\nCommands:\n');
    expect(others.trim().split('\n')).toEqual([expect.stringMatching(/^help \[command\]/)]);
  });

  test('names every command', async () => {
    const { exitCode, stdout, stderr } = await call(['--help']);
    expect([exitCode, stderr]).toEqual([0, '']);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
  });

  test.each(commands)(
    'of %s has an example that begins with the command, and all its flags',
    async (command) => {
      const { exitCode, stdout } = await call([command, '--help']);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(
        new RegExp(`^Example:\\n  (?:source <\\()?(?:jwt-e2e|node src/cli/bin.mjs) ${command}\\b`, 'm'),
      );
      const options = Object.entries(commandOptions).find(([name]) => name === command)?.[1] ?? [];
      for (const { name } of options) expect(stdout).toContain(`--${name}`);
    },
  );

  test('of run says what exit codes mean, and how variables are called', async () => {
    const { stdout } = await call(['run', '--help']);
    for (const code of ['0 ', '1 ', '2 ', '3 ', '\n4 ', '129', '130', '143']) expect(stdout).toContain(code);
    expect(stdout).toContain('JWT_E2E_NODE_IMAGE');
    expect(stdout).toContain('jwt-e2e.yaml');
  });

  test('and the version are asked for, not mistakes', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    const { exitCode, stdout, stderr } = await call(['--version']);
    expect([exitCode, stdout, stderr]).toEqual([0, `${version}\n`, '']);
    expect((await call(['help', 'run'])).exitCode).toBe(0);
  });
});

describe('wrong usage ends with 2 and says what is wrong', () => {
  test.each([
    [['run', '--targets', 'kind'], "unknown option '--targets'", '(Did you mean --target?)'],
    [['runn'], "unknown command 'runn'", '(Did you mean run?)'],
    [['explain', '--to', 'a.b', 'curl', '-I', 'a.b'], "unknown option '-I'", 'Put the curl line in quotes'],
    [['run', '--target'], "option '--target <NAME>' argument missing", ''],
    [['up', 'extra'], 'too many arguments', ''],
    [[], 'Usage: jwt-e2e', ''],
    [['run', '--target', 'nowhere'], '--target cannot be "nowhere" (E_USAGE)', 'It is one of'],
    [['run', '--shard', '1 of 3'], '--shard must be such as 1/3, not "1 of 3" (E_USAGE)', ''],
    [['mutate', '--min-score', 'abc'], '--min-score must be a whole number from 0 to 100, not "abc"', ''],
    [
      ['explain', '--client', 'web', 'curl a.b'],
      '--client must be NAMESPACE/SERVICEACCOUNT, or outside, not',
      '',
    ],
    [['run', '--consecutive', '0'], '--consecutive must be a whole number from 1 to 1000', ''],
  ])('%j', async (args, message, hint) => {
    const { exitCode, stdout, stderr } = await call(args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
    expect(stdout).toBe('');
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('a variable that is wrong is named', async () => {
    vi.stubEnv('JWT_E2E_TARGET', 'nowhere');
    const { exitCode, stderr } = await call(['run']);
    expect([exitCode, stderr.split('\n')[0]]).toEqual([2, 'JWT_E2E_TARGET cannot be "nowhere" (E_USAGE)']);
  });

  test('a file without scenarios', async () => {
    const { exitCode, stderr } = await call(['run', 'does-not-exist.yaml']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('does-not-exist.yaml');
  });
});

test('an invalid scenario ends a run with 3, before anything is done', async () => {
  const file = join(folder, 'broken.yaml');
  writeFileSync(file, 'name: broken\ntitle: x\nstepz: []\n');
  const { exitCode, stderr } = await call(['run', file]);
  expect(exitCode).toBe(3);
  expect(stderr).toContain('broken.yaml:');
  expect(existsSync(join(folder, 'reports'))).toBe(false);
});
