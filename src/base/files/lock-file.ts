/**
 * A file that one process at a time has. It names the process, so that nobody waits for one that was killed, whatever
 * process has its number now.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { dirname } from 'node:path';
import type { HarnessError } from '../errors.ts';
import { codeOf, fileError } from './file-error.ts';

/** Who has a lock. */
export interface Holder {
  readonly pid: number;
  /** Since when, milliseconds since the epoch. */
  readonly since: number;
  /** Which of all processes with this number; see {@link startOf}. */
  readonly start?: string | undefined;
}

/** Between two looks others may take and give back; so often in a row they do not. */
const mostTries = 100;

export class LockFile {
  readonly #file: string;
  readonly #variable: string;
  #own: string | undefined;
  readonly #atExit = () => this.release();

  /** @param variable the environment variable that decides where the file is */
  constructor(file: string, variable: string) {
    this.#file = file;
    this.#variable = variable;
  }

  /**
   * Takes the lock, until it is released or this process ends. Returns who has it when that is another one.
   *
   * @throws HarnessError E_FILE when the file cannot be read or made
   */
  take(): Holder | undefined {
    const { pid } = process;
    const own = JSON.stringify({ pid, since: Date.now(), start: startOf(pid) } satisfies Holder);
    try {
      for (let tries = 0; tries < mostTries; tries++) {
        if (this.#create(own)) {
          this.#own = own;
          process.once('exit', this.#atExit);
          return undefined;
        }
        const text = read(this.#file);
        if (text === undefined) continue;
        const holder = parse(text);
        if (holder !== undefined && isRunning(holder)) return holder;
        this.#clear(text);
      }
    } catch (thrown) {
      throw this.#unusable(thrown);
    }
    throw this.#unusable(new Error('it can neither be read nor made, as a link that leads nowhere'));
  }

  /** Gives it back; does nothing when it was not taken. Never throws: a file of a process that has ended keeps nobody off. */
  release(): void {
    if (this.#own === undefined) return;
    process.off('exit', this.#atExit);
    try {
      if (read(this.#file) === this.#own) rmSync(this.#file, { force: true });
      // Only when there is nothing else in it.
      rmdirSync(dirname(this.#file));
    } catch {}
    this.#own = undefined;
  }

  /** By a link, so that whoever finds the file finds it complete. */
  #create(content: string): boolean {
    const own = `${this.#file}.${process.pid}`;
    mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
    try {
      writeFileSync(own, content, { mode: 0o600 });
      linkSync(own, this.#file);
      return true;
    } catch (thrown) {
      if (codeOf(thrown) === 'EEXIST') return false;
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
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOENT') return;
      throw thrown;
    }
    try {
      if (read(aside) !== text) linkSync(aside, this.#file);
    } catch (thrown) {
      if (codeOf(thrown) !== 'EEXIST') throw thrown;
    } finally {
      rmSync(aside, { force: true });
    }
  }

  #unusable(thrown: unknown): HarnessError {
    return fileError('the lock', this.#file, thrown, {
      hint: `See that this user may read and write the file and its folder, or delete it: sudo may have left it. ${this.#variable} says where it is.`,
    });
  }
}

function isRunning({ pid, since, start }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    if (codeOf(thrown) !== 'EPERM') return false;
  }
  const now = startOf(pid);
  if (now !== undefined && start !== undefined) return now === start;
  // Started before the computer, or with our number and not us.
  const secondsUp = pid === process.pid ? process.uptime() : uptime();
  return since >= Date.now() - secondsUp * 1000;
}

/**
 * When a process was started, and since which start of the computer (proc(5)); undefined where that is not known. One that
 * has ended, and that nobody has taken note of, is none.
 */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in parentheses, may have blanks; the state is the third field, the start the 22nd.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return 'ended';
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19]}`;
  } catch {
    return undefined;
  }
}

function parse(text: string): Holder | undefined {
  try {
    const { pid, since, start } = JSON.parse(text) as Partial<Holder>;
    return Number.isInteger(pid) && Number.isFinite(since) ? { pid: pid!, since: since!, start } : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined when it is gone. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}
