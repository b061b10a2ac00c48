import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { timeouts } from '../../../../src/base/timeouts.ts';
import {
  endKept,
  findKept,
  keptMeshes,
  startKept,
  stateFileOf,
  writeState,
} from '../../../../src/target/local/host/kept.ts';
import { Session } from '../../../../src/target/local/host/mesh-session.ts';
import { RemoteTarget } from '../../../../src/target/local/host/remote.ts';
import { unaborted } from '../../../support/signals.ts';
import { typescript } from '../../../support/typescript.ts';
import { ends, isRunning } from '../processes.ts';
import { hostConfig } from '../stub-target.ts';

let state: string;
const hosts: ChildProcess[] = [];
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'kept-'));
  vi.stubEnv('XDG_STATE_HOME', state);
});
afterEach(() => {
  for (const host of hosts.splice(0)) host.kill('SIGKILL');
  vi.unstubAllEnvs();
  rmSync(state, { recursive: true, force: true });
});

/** Starts a process that keeps a mesh. */
async function keep(name = 'dev') {
  const program = fileURLToPath(new URL('../host-process.ts', import.meta.url));
  const logFile = join(state, 'log');
  writeFileSync(logFile, '');
  const child = spawn(process.execPath, ['--import', typescript, program, name, logFile], {
    stdio: 'inherit',
  });
  hosts.push(child);
  await expect.poll(() => existsSync(stateFileOf(name)), { timeout: 40_000 }).toBe(true);
  const found = await findKept(name, unaborted());
  expect(found?.pid).toBe(child.pid);
  return { child, pid: child.pid!, socket: found!.socket, log: () => readFileSync(logFile, 'utf8') };
}
const folderOf = (name: string) => dirname(stateFileOf(name));
const begin = (socket: string, owner: boolean) =>
  Session.begin(socket, { runId: 'r', mesh: undefined, reason: '', owner }, () => {}, unaborted());

describe('a mesh that is kept', () => {
  test('stays when a run leaves it, or is interrupted while it asks; it is ended by its name', async () => {
    const { child, pid, socket, log } = await keep();
    (await begin(socket, false)).end();
    await expect.poll(log).toBe('begins r\nclear\n');
    child.kill('SIGSTOP');
    const aborted = new AbortController();
    const finding = findKept('dev', aborted.signal);
    aborted.abort('SIGINT');
    await expect(finding).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    child.kill('SIGCONT');
    expect(keptMeshes()).toEqual(['dev']);
    expect(await endKept('dev', unaborted())).toBe(true);
    expect(isRunning(pid)).toBe(false);
    expect(log()).toMatch(/clear\ndown\n$/);
    expect(existsSync(folderOf('dev'))).toBe(false);
    expect(keptMeshes()).toEqual([]);
    expect(await endKept('dev', unaborted())).toBe(false);
  });

  test('whose start was killed leaves nothing once it is ended, and one that is being started is let alone', async () => {
    const lock = join(state, 'istio-jwt-e2e', 'starting-dev');
    const left = (pid: number) => {
      mkdirSync(folderOf('dev'), { recursive: true });
      writeFileSync(join(folderOf('dev'), 'host.log'), 'Starting');
      writeFileSync(lock, JSON.stringify({ pid, since: Date.now() - 1000 }));
    };
    left(4_194_000);
    expect(await endKept('dev', unaborted())).toBe(false);
    expect([lock, folderOf('dev')].filter((path) => existsSync(path))).toEqual([]);
    left(process.ppid);
    expect(await endKept('dev', unaborted())).toBe(false);
    expect([lock, folderOf('dev')].filter((path) => !existsSync(path))).toEqual([]);
  });

  test('that was killed is an error for the run that uses it, which says what to do; then it is not found', async () => {
    const { child, pid } = await keep();
    const wanted = { istio: undefined, envoy: undefined };
    const base = { mesh: undefined, reason: '', runId: 'r', images: {}, folder: 'kind', wanted };
    const programs = () => Promise.reject(new Error('nothing is to be started'));
    const settings = { ...base, istiodEnv: {}, name: 'dev', keep: true, reuse: true, programs };
    const target = new RemoteTarget(settings, () => {});
    await target.up(unaborted());
    child.kill('SIGKILL');
    await ends(pid);
    await expect(target.prepare([], unaborted())).rejects.toMatchObject({
      code: 'E_CLUSTER',
      message: expect.stringMatching(/^the local mesh "dev" does not answer: /),
      hint: expect.stringContaining('jwt-e2e up --target local --name dev'),
    });
    await target.down(unaborted());
    expect(await findKept('dev', unaborted())).toBeUndefined();
    expect(existsSync(folderOf('dev'))).toBe(false);
  });

  test.each([
    ['that was killed', true],
    ['that never was', false],
  ])('%s is made anew, and what has become of it is said', async (_, killed) => {
    if (killed) {
      const { child, pid } = await keep();
      child.kill('SIGKILL');
      await ends(pid);
    }
    const base = { mesh: undefined, reason: '', runId: 'r', images: {}, folder: 'kind', istiodEnv: {} };
    const wanted = { istio: undefined, envoy: undefined };
    const programs = () => Promise.reject(new Error('it is started'));
    const settings = { ...base, wanted, name: 'dev', keep: true, reuse: true, programs };
    const said: string[] = [];
    const target = new RemoteTarget(settings, (event) => {
      if (event.type === 'warning') said.push(event.message);
    });
    await expect(target.up(unaborted())).rejects.toThrow('it is started');
    const message =
      'the local mesh "dev" that was kept has ended by itself, or was killed; another one is started';
    expect(said).toEqual(killed ? [message] : []);
  });

  test('for one run only ends with it, however that ends', async () => {
    const { socket, pid, log } = await keep();
    (await begin(socket, true)).end();
    await ends(pid);
    expect(log()).toBe('begins r\ndown\n');
  });

  test('is not forgotten when it cannot answer: who keeps it is named', async () => {
    const socket = join(state, 'host');
    const server = createServer((connection) => connection.destroy()).listen(socket);
    await once(server, 'listening');
    writeState(stateFileOf('dev'), {
      pid: process.pid,
      socket,
      istio: '1.31.0',
      envoy: '1.40.0',
      istiodEnv: {},
    });
    await expect(findKept('dev', unaborted())).rejects.toMatchObject({
      code: 'E_CLUSTER',
      message: 'the local mesh "dev" does not answer',
      hint: expect.stringContaining(String(process.pid)),
    });
    expect(existsSync(stateFileOf('dev'))).toBe(true);
    server.close();
  });
});

describe('a file', () => {
  test('of a mesh that could not be started is removed', async () => {
    const error = { code: 'E_CLUSTER', message: 'no' } as const;
    writeState(stateFileOf('dev'), { pid: process.pid, error });
    expect(await findKept('dev', unaborted())).toBeUndefined();
    expect(existsSync(folderOf('dev'))).toBe(false);
  });

  test('that is none is not read', async () => {
    mkdirSync(folderOf('dev'), { recursive: true });
    writeFileSync(stateFileOf('dev'), '{"pid":');
    expect(await findKept('dev', unaborted())).toBeUndefined();
  });

  test('is never seen half written, and leaves no other beside it', () => {
    writeState(stateFileOf('dev'), { pid: 1, socket: '/a', istio: 'b', envoy: 'c', istiodEnv: {} });
    expect(readdirSync(folderOf('dev'))).toEqual(['mesh.json']);
  });
});

describe('a mesh that cannot be started', () => {
  const config = (programs: Partial<ReturnType<typeof hostConfig>['programs']> = {}) => {
    const { stateFile: _, ...rest } = hostConfig('dev', '');
    return { ...rest, programs: { ...rest.programs, ...programs } };
  };

  test('says why, as the process that was to keep it has seen it', async () => {
    await expect(startKept(config(), unaborted())).rejects.toMatchObject({
      code: 'E_PROGRAM',
      message: expect.stringMatching(/^etcd could not be started: .*ENOENT/),
      hint: expect.stringContaining('doctor'),
    });
    expect(existsSync(folderOf('dev'))).toBe(false);
  });

  test('is waited for as long as each of its parts may take, and the part that is slow is named', async () => {
    const { localStart } = timeouts;
    // In this process alone: the one that keeps the mesh has the usual limits for its parts.
    Object.assign(timeouts, { localStart: 1 });
    try {
      await expect(startKept(config(), unaborted())).rejects.toMatchObject({
        message: expect.stringMatching(/^etcd could not be started: /),
      });
    } finally {
      Object.assign(timeouts, { localStart });
    }
  });

  test('says how that process has ended, with its last lines', async () => {
    vi.stubEnv('NODE_OPTIONS', '--no-such-option');
    await expect(startKept(config(), unaborted())).rejects.toMatchObject({
      code: 'E_CLUSTER',
      message: 'the process that keeps the local mesh has ended: exit code 9',
      details: expect.stringContaining('--no-such-option'),
    });
    expect(existsSync(folderOf('dev'))).toBe(false);
  });

  test('leaves nothing running when its start is interrupted', async () => {
    const pidFile = join(state, 'pid');
    const program = join(state, 'hangs');
    writeFileSync(program, `#!/bin/sh\necho $$ > ${pidFile}\nexec sleep 60\n`, { mode: 0o700 });
    const aborted = new AbortController();
    const starting = startKept(config({ etcd: program, kubeApiserver: program }), aborted.signal);
    starting.catch(() => {});
    await expect
      .poll(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8'), { timeout: 40_000 })
      .toMatch(/\n/);
    aborted.abort('SIGINT');
    await expect(starting).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    await ends(Number(readFileSync(pidFile, 'utf8')));
    expect(existsSync(folderOf('dev'))).toBe(false);
  });
});
