/** `down --all`, with an engine that is a double: the real one may have clusters of others. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { downCommand } from '../../../../src/cli/commands/down/down.ts';
import { downLine } from '../../../../src/cli/commands/run/run-command.ts';
import type { Values } from '../../../../src/settings/settings.ts';
import { recorder } from '../../../scenario/support.ts';
import { type FakeKind, fakeKind } from '../../../support/fake-kind.ts';

let folder: string;
let state: string;
let fake: FakeKind;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'down-'));
  state = join(folder, 'istio-jwt-e2e');
  fake = fakeKind(folder);
  vi.stubEnv('XDG_STATE_HOME', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A cluster that a run has made. */
function made(name: string): void {
  mkdirSync(join(state, name), { recursive: true });
  for (const file of ['cluster.yaml', 'kubeconfig']) writeFileSync(join(state, name, file), '');
  fake.addCluster(name);
}

async function down(values: Values) {
  const { io, stdout, stderr } = recorder();
  const programs = { kind: fake.kind, docker: fake.docker };
  const exitCode = await downCommand({ ...programs, ...values }, { ...io, env: process.env, cwd: folder });
  return { exitCode, stdout: stdout(), stderr: stderr() };
}

describe('down --all', () => {
  test('deletes clusters of every name, their key servers, and those of clusters that are gone', async () => {
    made('one');
    made('two');
    fake.addContainer('one', 'r1');
    fake.addContainer('gone', 'r2');
    const { exitCode, stdout, stderr } = await down({ all: true });
    expect(stdout.trimEnd().split('\n').sort()).toEqual([
      'deleted kind cluster "one", and 1 key server',
      'deleted kind cluster "two"',
      'removed 1 key server of kind cluster "gone", which is gone',
    ]);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect([fake.clusters(), fake.containers(), readdirSync(state)]).toEqual([[], [], []]);
  });

  test('touches no cluster that it does not know, and says so when that has key servers of ours', async () => {
    made('mine');
    fake.addCluster('of-others');
    fake.addCluster('of-another-user');
    fake.addContainer('of-another-user', 'r1');
    const { exitCode, stdout } = await down({ all: true });
    expect(exitCode).toBe(0);
    expect(fake.clusters()).toEqual(['of-another-user', 'of-others']);
    expect(fake.containers()).toEqual(['of-another-user.r1']);
    expect(stdout).toContain(`left kind cluster "of-another-user": it is not known in ${state}`);
    expect(stdout).not.toContain('of-others');
  });

  test('removes all that it can, and ends with 4 when a run uses one', async () => {
    for (const name of ['a', 'busy', 'c']) made(name);
    const other = spawn('sleep', ['60']);
    try {
      writeFileSync(join(state, 'busy', 'lock'), JSON.stringify({ pid: other.pid, since: Date.now() }));
      const { exitCode, stdout, stderr } = await down({ all: true });
      expect(exitCode).toBe(4);
      expect(fake.clusters()).toEqual(['busy']);
      expect(stderr).toContain(`kind cluster "busy" is in use by process ${other.pid}`);
      expect(stdout).toBe('deleted kind cluster "a"\ndeleted kind cluster "c"\n');
    } finally {
      other.kill('SIGKILL');
    }
  });

  test('says that there is nothing, and needs no engine and no kind then', async () => {
    const missing = { docker: '/no/such/docker', kind: '/no/such/kind' };
    const { exitCode, stdout, stderr } = await down({ all: true, ...missing });
    expect([exitCode, stdout, stderr]).toEqual([
      0,
      'there is nothing of istio-jwt-e2e on this machine\n',
      '',
    ]);
    made('one');
    const without = await down({ all: true, ...missing });
    expect([without.exitCode, without.stdout]).toEqual([4, '']);
    expect(without.stderr).toMatch(/\(E_(DOCKER|PROGRAM)\)/);
    expect(existsSync(join(state, 'one'))).toBe(true);
  });

  test('is not for the target cluster', async () => {
    await expect(down({ all: true, target: 'cluster' })).rejects.toMatchObject({ code: 'E_USAGE' });
  });
});

test('down of one name leaves the others', async () => {
  made('one');
  made('two');
  const { stdout } = await down({ name: 'one', target: 'kind' });
  expect(stdout).toBe('deleted kind cluster "one"\n');
  expect([fake.clusters(), readdirSync(state)]).toEqual([['two'], ['two']]);
});

test('a cluster that the settings file names is nothing to down of another target', async () => {
  made('mine');
  const named = { name: 'mine', context: 'theirs', kubeconfig: '/no/such/file' };
  expect((await down({ ...named, target: 'local' })).stdout).toBe('there is no local mesh "mine"\n');
  expect((await down({ ...named, target: 'kind' })).stdout).toBe('deleted kind cluster "mine"\n');
  await expect(down(named)).rejects.toMatchObject({ code: 'E_SETTINGS' });
});

test.each([
  [{}, 'jwt-e2e down --name jwt-e2e'],
  [{ target: 'local', name: 'x' }, 'jwt-e2e down --name x'],
  [{ context: 'my prod' }, "jwt-e2e down --target cluster --context 'my prod'"],
  [
    { target: 'cluster', context: 'a', kubeconfig: 'b' },
    'jwt-e2e down --target cluster --context a --kubeconfig b',
  ],
  [{ target: 'local', context: 'a', name: 'x' }, 'jwt-e2e down --target local --name x'],
  [{ target: 'kind', context: 'a' }, 'jwt-e2e down --target kind --name jwt-e2e'],
])('what a run with %j keeps is removed with %s', (values, line) => {
  expect(downLine(values)).toBe(line);
});

describe('down of a name that there is not', () => {
  test('says so, and needs no kind', async () => {
    made('other');
    const nothing = { name: 'none', kind: '/no/such/kind' };
    expect(await down(nothing)).toEqual({
      exitCode: 0,
      stdout: 'there is no local mesh "none", and no kind cluster "none"\n',
      stderr: '',
    });
    expect((await down({ ...nothing, target: 'kind' })).stdout).toBe('there is no kind cluster "none"\n');
    const { stdout } = await down({ ...nothing, docker: '/no/such/docker' });
    expect(stdout).toBe(
      'there is no local mesh "none", and no Docker engine answers that could have a kind cluster\n',
    );
  });

  test('deletes a cluster of this name that somebody else has made, and key servers of one that is gone', async () => {
    fake.addCluster('theirs');
    fake.addContainer('gone', 'r1');
    expect((await down({ name: 'theirs' })).stdout).toBe('deleted kind cluster "theirs"\n');
    expect((await down({ name: 'gone' })).stdout).toBe(
      'removed 1 key server of kind cluster "gone", which is gone\n',
    );
    expect([fake.clusters(), fake.containers()]).toEqual([[], []]);
  });
});
