/** A process of the mesh: etcd, the API server, istiod, an Envoy, a key server. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, readFileSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { HarnessError } from '../../../base/errors.ts';
import type { Guardian } from './guardian.ts';

export interface PartStart {
  /** As messages name it, such as "istiod" or "Envoy of foo/httpbin". */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment: nothing of our own gets in unasked. */
  readonly env?: Readonly<Record<string, string>>;
  readonly folder: string;
  /** Takes standard output and error. */
  readonly logFile: string;
}

/** How many of its last lines explain the end of a part. */
const lastLines = 20;

/** With less room than this, in bytes, a part cannot work, nor write why. */
const leastRoom = 1 << 20;

/** From SIGTERM to SIGKILL, in milliseconds. */
const grace = 1000;

/**
 * Tells the guardian before it becomes the program: this process may be killed before it can. The guardian goes on reading
 * until the pipe is closed here as well.
 */
const tellGuardian = `trap '' PIPE; echo "+ $$" 2> /dev/null >&3; trap - PIPE; exec "$@" 3>&-`;

export class Part {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when the process has ended, with how. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #guardian: Guardian;
  #how: string | undefined;
  #stopping = false;

  /**
   * @param onEnd called when the process ends although nobody has stopped it
   * @throws HarnessError E_PROGRAM when it cannot be started
   */
  static async start(start: PartStart, guardian: Guardian, onEnd: (part: Part) => void): Promise<Part> {
    const refused = (thrown: unknown) =>
      new HarnessError('E_PROGRAM', `${start.name} could not be started: ${(thrown as Error).message}`, {
        hint: 'See what there is with "jwt-e2e doctor".',
        cause: thrown,
      });
    let log: number;
    try {
      if (start.program.includes('/')) accessSync(start.program, constants.X_OK);
      log = openSync(start.logFile, 'a', 0o600);
    } catch (thrown) {
      throw refused(thrown);
    }
    const child = spawn('/bin/sh', ['-c', tellGuardian, 'sh', start.program, ...start.args], {
      cwd: start.folder,
      env: { PATH: process.env.PATH, HOME: start.folder, ...start.env },
      stdio: ['ignore', log, log, guardian.input],
      detached: true,
    });
    closeSync(log);
    if (child.pid !== undefined) guardian.add(child.pid);
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => reject(refused(error)));
    });
    return new Part(start, child, guardian, onEnd);
  }

  private constructor(
    start: PartStart,
    child: ChildProcess,
    guardian: Guardian,
    onEnd: (part: Part) => void,
  ) {
    this.name = start.name;
    this.pid = child.pid ?? 0;
    this.logFile = start.logFile;
    this.#child = child;
    this.#guardian = guardian;
    this.ended = new Promise((resolve) => {
      const done = (code: number | null, signal: NodeJS.Signals | null) => {
        if (this.#how !== undefined) return;
        this.#how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
        guardian.remove(this.pid);
        resolve(this.#how);
        if (!this.#stopping) onEnd(this);
      };
      child.once('exit', done);
      if (child.exitCode !== null || child.signalCode !== null) done(child.exitCode, child.signalCode);
    });
    // It must not keep this process running once everything else is done.
    child.unref();
  }

  get running(): boolean {
    return this.#how === undefined;
  }

  /** Why it is not running, with its last lines. */
  failure(): HarnessError {
    const details = this.tail();
    const folder = dirname(this.logFile);
    const about =
      details === '' ? 'it has written nothing that could explain it.' : 'its last lines are below.';
    return new HarnessError('E_CLUSTER', `${this.name} of the local mesh ${this.#how ?? 'does not answer'}`, {
      hint: isFull(folder)
        ? `No space left in ${folder}: make room there, or name another folder with TMPDIR.`
        : `Without it there is no verdict; ${about}`,
      details: details === '' ? undefined : details,
    });
  }

  /** Its last lines. */
  tail(count = lastLines): string {
    return this.log().trimEnd().split('\n').slice(-count).join('\n');
  }

  log(): string {
    try {
      return readFileSync(this.logFile, 'utf8');
    } catch {
      return '';
    }
  }

  /** SIGTERM, and SIGKILL when that does not help; returns when it has ended. @param kill SIGKILL at once */
  async stop(kill = false): Promise<void> {
    if (this.#how !== undefined) return;
    this.#stopping = true;
    // Now its end is worth waiting for.
    this.#child.ref();
    this.#child.kill(kill ? 'SIGKILL' : 'SIGTERM');
    const later = setTimeout(() => this.#child.kill('SIGKILL'), grace);
    await this.ended;
    clearTimeout(later);
    this.#guardian.remove(this.pid);
  }
}

function isFull(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < leastRoom;
  } catch {
    return false;
  }
}
