/** The command line in a process of its own: signals, lost output, the end. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test, vi } from 'vitest';
import { variableOf } from '../../src/settings/options.ts';

const bin = resolve('src/cli/bin.mjs');
const folder = mkdtempSync(join(tmpdir(), 'cli-'));
const hasScript = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;

interface CallOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly nodeArgs?: readonly string[];
}

function start(args: readonly string[], { cwd = folder, env = {}, nodeArgs = [] }: CallOptions = {}) {
  return execa(process.execPath, [...nodeArgs, bin, ...args], {
    cwd,
    reject: false,
    stdin: 'ignore',
    extendEnv: false,
    env: { PATH: process.env.PATH ?? '', HOME: folder, XDG_CACHE_HOME: join(folder, 'cache'), ...env },
    timeout: 50_000,
  });
}

async function callProcess(args: readonly string[], options: CallOptions = {}) {
  const { exitCode, stdout, stderr } = await start(args, options);
  return { exitCode, stdout, stderr };
}

test('the version is all that is written', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(await callProcess(['--version'])).toEqual({ exitCode: 0, stdout: version, stderr: '' });
});

describe('wrong usage ends with 2 and says what is wrong', () => {
  test('a mistake in jwt-e2e.yaml has its place', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'cli-settings-'));
    writeFileSync(join(cwd, 'jwt-e2e.yaml'), 'hub: x\ntarge: kind\n');
    const { exitCode, stderr } = await callProcess(['list'], { cwd });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /^jwt-e2e\.yaml:2:1: there is no setting "targe" \(E_SETTINGS\)\n {2}Did you mean target\?/,
    );
  });
});

/** A scenario that is right, and quick to prepare. */
const scenario = join(folder, 'small.yaml');
writeFileSync(
  scenario,
  `name: small
title: Answers
source: { document: none, section: none }
steps:
  - name: one
    through: ingress
    expect: { columns: [no token], /: [200] }
`,
);

describe('a run without a mesh', () => {
  test('ends with 4, says what is missing, and leaves its reports', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'cli-run-'));
    const { exitCode, stdout } = await callProcess(['run', scenario, '--docker', '/no/such/docker'], {
      cwd,
    });
    expect(exitCode).toBe(4);
    expect(stdout).toContain('no Docker engine answers');
    const results = JSON.parse(readFileSync(join(cwd, 'reports/results.json'), 'utf8')) as {
      exitCode: number;
      run: { problem: { code: string } };
    };
    expect(results).toMatchObject({ exitCode: 4, run: { problem: { code: 'E_DOCKER' } } });
    expect(readFileSync(join(cwd, 'reports/junit.xml'), 'utf8')).toContain('E_DOCKER');
  });

  test('settings reach it through variables', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'cli-env-'));
    const env = {
      [variableOf('docker')]: '/no/such/docker',
      [variableOf('junit')]: join(cwd, 'own.xml'),
      [variableOf('json')]: join(cwd, 'own.json'),
    };
    expect((await callProcess(['run', scenario], { cwd, env })).exitCode).toBe(4);
    expect(existsSync(join(cwd, 'own.xml')) && existsSync(join(cwd, 'own.json'))).toBe(true);
  });
});

describe('signals', () => {
  /** A docker that never answers, and notes that it was called. */
  const hanging = (cwd: string) => {
    const program = join(cwd, 'docker');
    writeFileSync(program, `#!/bin/sh\necho called >> "${cwd}/called"\nexec sleep 60\n`);
    chmodSync(program, 0o755);
    return program;
  };
  const untilCalled = async (cwd: string) => {
    while (!existsSync(join(cwd, 'called'))) await new Promise((resolve) => setTimeout(resolve, 50));
  };

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends a run with %d and with its reports', async (signal, code) => {
    const cwd = mkdtempSync(join(tmpdir(), 'cli-signal-'));
    const running = start(['run', scenario, '--docker', hanging(cwd)], { cwd });
    await untilCalled(cwd);
    running.kill(signal);
    const { exitCode, stderr } = await running;
    expect(exitCode).toBe(code);
    expect(stderr).toContain(`${signal}: cleaning up; once more ends at once.`);
    const results = readFileSync(join(cwd, 'reports/results.json'), 'utf8');
    expect(JSON.parse(results)).toMatchObject({ exitCode: code, run: { state: 'interrupted' } });
  });

  test.skipIf(!hasScript)('a terminal that is gone ends a run with 129 and with its reports', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'cli-terminal-'));
    const line = `'${process.execPath}' '${bin}' run '${scenario}' --docker '${hanging(cwd)}'`;
    const env = { PATH: process.env.PATH ?? '', HOME: folder, TERM: 'xterm-256color' };
    const terminal = spawn('script', ['-qec', line, '/dev/null'], { cwd, env, stdio: 'ignore' });
    await untilCalled(cwd);
    terminal.kill('SIGKILL');
    const results = () => JSON.parse(readFileSync(join(cwd, 'reports/results.json'), 'utf8')) as object;
    await vi.waitFor(
      () => expect(results()).toMatchObject({ exitCode: 129, run: { state: 'interrupted' } }),
      20_000,
    );
  });
});

describe.skipIf(process.platform !== 'linux')('output that cannot be written', () => {
  test('is no verdict', async () => {
    const lost = spawn(process.execPath, [bin, 'schema'], {
      cwd: folder,
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    });
    let told = '';
    lost.stderr?.on('data', (chunk) => {
      told += String(chunk);
    });
    const [exitCode] = (await once(lost, 'close')) as [number];
    expect([exitCode, told]).toEqual([4, expect.stringMatching(/^jwt-e2e: output is lost: ENOSPC[^\n]*\n$/)]);
  });

  test('does not keep a run from its end and its reports', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'cli-full-'));
    const full = openSync('/dev/full', 'w');
    const lost = spawn(process.execPath, [bin, 'run', scenario, '--docker', '/no/such/docker'], {
      cwd,
      env: { PATH: process.env.PATH, HOME: folder },
      stdio: ['ignore', full, full],
    });
    expect(await once(lost, 'close')).toEqual([4, null]);
    const results = JSON.parse(readFileSync(join(cwd, 'reports/results.json'), 'utf8')) as object;
    expect(results).toMatchObject({ exitCode: 4, run: { state: 'finished' } });
  });
});

test('keys that are still to be made do not hold up the end', async () => {
  const many = join(folder, 'many.yaml');
  const issuers = Array.from({ length: 60 }, (_, index) => `  i${index}: { issuer: i${index} }`).join('\n');
  writeFileSync(many, readFileSync(scenario, 'utf8').replace('steps:', `issuers:\n${issuers}\nsteps:`));
  const time = async (file: string) => {
    const started = Date.now();
    expect((await callProcess(['run', file, '--docker', '/no/such/docker'])).exitCode).toBe(4);
    return Date.now() - started;
  };
  // Sixty RSA keys take longer than everything else that a run without a mesh does.
  const [one, sixty] = [await time(scenario), await time(many)];
  expect(sixty).toBeLessThan(one * 2 + 2000);
});

test('whoever stops reading the output does not break the command', async () => {
  const { stdout, exitCode } = await execa(
    'sh',
    ['-c', `"$1" "$2" run --help 2>&1 | head -1`, 'sh', process.execPath, bin],
    {
      reject: false,
    },
  );
  expect(stdout).toMatch(/^Usage: \S.* run /);
  expect(stdout).not.toContain('EPIPE');
  expect(exitCode).toBe(0);
});

test('a mistake of the product ends with 4 and not with 1, which means that a check failed', async () => {
  const trouble = `data:text/javascript,const t = setInterval(() => {
    if (process.listenerCount('uncaughtException') === 0) return;
    clearInterval(t);
    Promise.reject(new Error('trouble'));
  }, 5)`;
  const { exitCode, stderr } = await callProcess(['lint'], {
    nodeArgs: ['--import', trouble],
    cwd: resolve('.'),
  });
  expect(exitCode).toBe(4);
  expect(stderr).toContain('a mistake in jwt-e2e itself');
  expect(stderr).toContain('trouble');
});
