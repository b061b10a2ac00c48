/**
 * Keeps two processes from using a cluster at the same time: each would delete the policies of the other, and take the
 * answers to its own for proof. A file names the process that uses the cluster; that of a process which was killed is
 * taken over.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { dirname } from 'node:path';
import { HarnessError } from '../../errors.ts';

interface Holder {
  readonly pid: number;
  /** Since when, milliseconds since the epoch. */
  readonly since: number;
}

export class ClusterLock {
  readonly #file: string;
  readonly #what: string;
  #own: string | undefined;
  readonly #atExit = () => this.release();

  /** @param what is locked, as messages name it: `kind cluster "jwt-e2e"` */
  constructor(file: string, what: string) {
    this.#file = file;
    this.#what = what;
  }

  /** Takes the lock, until it is released or this process ends. @throws HarnessError E_CLUSTER when another has it */
  take(): void {
    const own = JSON.stringify({ pid: process.pid, since: Date.now() } satisfies Holder);
    for (;;) {
      if (this.#create(own)) {
        this.#own = own;
        process.once('exit', this.#atExit);
        return;
      }
      const text = read(this.#file);
      if (text === undefined) continue;
      const holder = parse(text);
      if (holder !== undefined && isRunning(holder)) throw this.#inUse(holder);
      this.#clear(text);
    }
  }

  /** Gives it back; does nothing when it was not taken. */
  release(): void {
    if (this.#own === undefined) return;
    process.off('exit', this.#atExit);
    if (read(this.#file) === this.#own) rmSync(this.#file, { force: true });
    this.#own = undefined;
    try {
      // Only when there is nothing else in it: no cluster was made.
      rmdirSync(dirname(this.#file));
    } catch {}
  }

  /** By a link, so that whoever finds the file finds it complete. */
  #create(content: string): boolean {
    const own = `${this.#file}.${process.pid}`;
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
      writeFileSync(own, content, { mode: 0o600 });
    } catch (thrown) {
      throw new HarnessError(
        'E_SETTINGS',
        `what is known of a cluster cannot be kept: ${(thrown as Error).message}`,
        { hint: 'Set XDG_STATE_HOME to a folder that can be written to.', cause: thrown },
      );
    }
    try {
      linkSync(own, this.#file);
      return true;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw thrown;
    } finally {
      rmSync(own, { force: true });
    }
  }

  /** Removes a file that nobody needs; puts it back when it is not what was read, for somebody else was faster. */
  #clear(text: string): void {
    const aside = `${this.#file}.${process.pid}.old`;
    try {
      renameSync(this.#file, aside);
    } catch {
      return;
    }
    try {
      if (read(aside) !== text) linkSync(aside, this.#file);
    } finally {
      rmSync(aside, { force: true });
    }
  }

  #inUse({ pid, since }: Holder): HarnessError {
    const time = new Date(since).toISOString().slice(0, 19).replace('T', ' ');
    return new HarnessError('E_CLUSTER', `${this.#what} is in use by process ${pid}, since ${time} UTC`, {
      hint: `Wait until that run has ended, or choose another --name. If process ${pid} is none of this tool's, delete ${this.#file}`,
    });
  }
}

/** A process that was started before the computer, or has our number and is not us, is gone. */
function isRunning({ pid, since }: Holder): boolean {
  const secondsUp = pid === process.pid ? process.uptime() : uptime();
  if (since < Date.now() - secondsUp * 1000) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function parse(text: string): Holder | undefined {
  try {
    const { pid, since } = JSON.parse(text) as Partial<Holder>;
    return Number.isInteger(pid) && Number.isFinite(since) ? { pid: pid!, since: since! } : undefined;
  } catch {
    return undefined;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
