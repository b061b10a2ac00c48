/** What is known of meshes that are kept: a file for each, in the user's folder for state (XDG_STATE_HOME). */
import { spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Client } from 'undici';
import { HarnessError } from '../../../base/errors.ts';
import { moduleFile } from '../../../base/files/product-files.ts';
import { stateFolder } from '../../../base/files/state-folder.ts';
import { timeouts } from '../../../base/timeouts.ts';
import { pause, throwIfAborted, until } from '../../../base/wait.ts';
import { ClusterLock } from '../../kind/lock.ts';
import { configVariable, fromProblem, type HostConfig, type HostState, lettingGo } from './mesh-protocol.ts';

const program = moduleFile('target/local/host/host.mjs');

const prefix = 'local-';

/** The file of the mesh with this name. */
export function stateFileOf(name: string): string {
  return join(stateFolder(), `${prefix}${name}`, 'mesh.json');
}

/** Names of all meshes that are kept, or were. */
export function keptMeshes(): string[] {
  try {
    return readdirSync(stateFolder())
      .filter((entry) => entry.startsWith(prefix))
      .map((entry) => entry.slice(prefix.length));
  } catch {
    return [];
  }
}

/** Whoever finds the file finds it complete. */
export function writeState(file: string, state: HostState): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const part = `${file}.${process.pid}`;
  writeFileSync(part, JSON.stringify(state), { mode: 0o600 });
  renameSync(part, file);
}

/**
 * A mesh that is kept and answers. What a mesh that has ended by itself has left is removed.
 *
 * @param onEnded called when there was one, and it has ended by itself
 */
export async function findKept(
  name: string,
  signal: AbortSignal,
  onEnded: () => void = () => {},
): Promise<Extract<HostState, { socket: string }> | undefined> {
  const file = stateFileOf(name);
  const state = readState(file);
  if (state === undefined) return undefined;
  const answer = 'socket' in state ? await ask(state.socket, signal) : 'gone';
  if ('socket' in state && answer === 'here') return state;
  // A mesh that is only slow must not be forgotten: nobody could end it any more.
  if (answer === 'silent') {
    throwIfAborted(signal);
    throw isSilent(name, state);
  }
  rmSync(dirname(file), { recursive: true, force: true });
  if ('socket' in state) onEnded();
  return undefined;
}

/** What is wrong with a mesh whose process is there and does not answer. */
export function isSilent(name: string, { pid }: { readonly pid: number }): HarnessError {
  return new HarnessError('E_CLUSTER', `the local mesh "${name}" does not answer`, {
    hint: `End the process that keeps it, with all that it has started: kill -9 ${pid}`,
  });
}

/** A mesh that was just started. */
export interface Kept {
  readonly state: Extract<HostState, { socket: string }>;
  /** From now on the mesh outlives this process; until then it ends with it, however that ends. */
  readonly letGo: () => void;
}

function startLock(name: string): ClusterLock {
  return new ClusterLock(join(stateFolder(), `starting-${name}`), `local mesh "${name}"`);
}

/** Starts the process that keeps a mesh, and returns once the mesh is there. @throws HarnessError why it is not */
export async function startKept(config: Omit<HostConfig, 'stateFile'>, signal: AbortSignal): Promise<Kept> {
  const { name } = config;
  // Of two that start a mesh of the same name, each would remove what the other has written.
  const lock = startLock(name);
  lock.take();
  try {
    if ((await findKept(name, signal)) !== undefined) throw existsAlready(name);
    return await startAlone(config, signal);
  } finally {
    lock.release();
  }
}

export function existsAlready(name: string): HarnessError {
  return new HarnessError('E_CLUSTER', `a local mesh named "${name}" exists already`, {
    hint: `Use it with --reuse, end it with "jwt-e2e down --name ${name}", or choose another --name.`,
  });
}

async function startAlone(config: Omit<HostConfig, 'stateFile'>, signal: AbortSignal): Promise<Kept> {
  const stateFile = stateFileOf(config.name);
  rmSync(dirname(stateFile), { recursive: true, force: true });
  mkdirSync(dirname(stateFile), { recursive: true, mode: 0o700 });
  const logFile = join(dirname(stateFile), 'host.log');
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(process.execPath, [program], {
    detached: true,
    stdio: ['pipe', log, log],
    env: { ...process.env, [configVariable]: JSON.stringify({ ...config, stateFile }) },
  });
  closeSync(log);
  let ended: string | undefined;
  child.once('exit', (code, name) => {
    ended = name === null ? `exit code ${code}` : name;
  });
  child.once('error', (error) => {
    ended = error.message;
  });
  // It may have ended when it is told something.
  child.stdin?.on('error', () => {});
  try {
    const state = await until(
      'the local mesh starting',
      async () => {
        const found = readState(stateFile);
        if (found !== undefined) return { found };
        if (ended === undefined) return 'it has not said so yet';
        throw new HarnessError('E_CLUSTER', `the process that keeps the local mesh has ended: ${ended}`, {
          details: tailOf(logFile),
        });
      },
      // Each part has a limit of its own, whose error names it; this one is for a process that says nothing any more.
      {
        timeoutMs: timeouts.localMesh,
        intervalMs: 25,
        signal,
        code: 'E_CLUSTER',
        hint: `Its log: ${logFile}`,
      },
    );
    if ('error' in state.found) throw fromProblem(state.found.error);
    child.unref();
    return { state: state.found, letGo: () => void child.stdin?.end(lettingGo) };
  } catch (thrown) {
    child.kill('SIGTERM');
    rmSync(dirname(stateFile), { recursive: true, force: true });
    throw thrown;
  }
}

/** Ends a mesh that is kept; false when there is none. */
export async function endKept(name: string, signal: AbortSignal): Promise<boolean> {
  const state = await findKept(name, signal);
  if (state === undefined) {
    clearStart(name);
    return false;
  }
  const client = new Client('http://mesh', { socketPath: state.socket });
  try {
    const body = JSON.stringify({ name: 'end', args: [] });
    await (await client.request({ method: 'POST', path: '/', body, signal })).body.dump();
  } catch {
    // It has ended meanwhile, or the signal is aborted: both are seen below.
  } finally {
    await client.destroy();
  }
  await until('the local mesh ending', async () => (isRunning(state.pid) ? 'it still runs' : true), {
    timeoutMs: timeouts.cleanUp,
    intervalMs: 20,
    signal,
    code: 'E_CLUSTER',
  });
  rmSync(dirname(stateFileOf(name)), { recursive: true, force: true });
  return true;
}

/** What a start has left that was killed; one that goes on is let alone. */
function clearStart(name: string): void {
  const lock = startLock(name);
  try {
    lock.take();
  } catch {
    return;
  }
  rmSync(dirname(stateFileOf(name)), { recursive: true, force: true });
  lock.release();
}

function readState(file: string): HostState | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as HostState;
  } catch {
    return undefined;
  }
}

/** How long a process that is being ended may still take connections, in milliseconds. */
const endingMs = 1000;

/** Whether somebody listens on the socket, and answers. */
async function ask(socketPath: string, signal: AbortSignal): Promise<'here' | 'gone' | 'silent'> {
  const body = JSON.stringify({ name: 'memory', args: [] });
  const began = performance.now();
  for (;;) {
    const client = new Client('http://mesh', { socketPath, connect: { timeout: 2000 } });
    try {
      const response = await client.request({
        method: 'POST',
        path: '/',
        body,
        signal,
        headersTimeout: 5000,
      });
      await response.body.dump();
      return 'here';
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      if (code === 'ECONNREFUSED' || code === 'ENOENT') return 'gone';
      if (signal.aborted || performance.now() - began > endingMs) return 'silent';
    } finally {
      await client.destroy();
    }
    await pause(20, signal).catch(() => {});
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function tailOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-20).join('\n');
  } catch {
    return '';
  }
}
