/** A run of the product as a child process, that tells what it has said so far. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { program } from '../support/program.ts';
import type { Moment } from './cell.ts';

export interface Ending {
  /** The exit code, or the name of the signal that has ended it. */
  readonly exit: number | string;
  readonly output: string;
}

/** Between two looks at what it has said, in milliseconds. */
const lookMs = 15;

export class Running {
  readonly folder: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ending>;
  #output = '';
  #log = '';
  #logEnd = 0;
  #exit: number | string | undefined;

  /** @param redirect of a shell, such as `> /dev/full` */
  constructor(
    folder: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    redirect?: string,
  ) {
    this.folder = folder;
    const line = [process.execPath, program, ...args];
    const [file = '', ...rest] =
      redirect === undefined ? line : ['/bin/sh', '-c', `exec "$@" ${redirect}`, 'sh', ...line];
    this.#child = spawn(file, rest, {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString('utf8');
      });
    }
    this.#ended = new Promise((resolve) => {
      const done = (exit: number | string) => {
        this.#exit = exit;
        resolve({ exit, output: this.#output });
      };
      this.#child.once('exit', (code, signal) => {
        // What was written last may still be on its way.
        void Promise.race([new Promise((go) => this.#child.once('close', go)), sleep(500)]).then(() =>
          done(signal ?? code ?? 0),
        );
      });
      this.#child.once('error', (error) => done(error.message));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isOver(): boolean {
    return this.#exit !== undefined;
  }

  get output(): string {
    return this.#output;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Nobody reads what it writes any more. */
  close(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  /** Waits until it has said so. @throws Error when it ends before, or takes too long */
  async reaches({ name, said }: Moment, limitMs = 240_000): Promise<void> {
    if (said !== undefined) await this.says(said, `it was to come to "${name}"`, limitMs);
  }

  async says(pattern: RegExp, what = `it was to say ${pattern}`, limitMs = 240_000): Promise<void> {
    const deadline = performance.now() + limitMs;
    while (!pattern.test(this.#output) && !pattern.test(this.#logged())) {
      if (this.isOver) throw new Error(`${what}, and ended with ${this.#exit} before`);
      if (performance.now() > deadline) throw new Error(`${what}, and has not within ${limitMs / 1000} s`);
      await sleep(lookMs);
    }
  }

  /** All of its debug log; only what is new is read. */
  #logged(): string {
    let file: number;
    try {
      file = openSync(join(this.folder, 'reports', 'debug.log'), 'r');
    } catch {
      return '';
    }
    try {
      const { bytesRead, buffer } = this.#read(file);
      this.#log += buffer.toString('utf8', 0, bytesRead);
      this.#logEnd += bytesRead;
      return this.#log;
    } finally {
      closeSync(file);
    }
  }

  #read(file: number): { readonly bytesRead: number; readonly buffer: Buffer } {
    const buffer = Buffer.alloc(Math.max(0, fstatSync(file).size - this.#logEnd));
    return { bytesRead: readSync(file, buffer, 0, buffer.length, this.#logEnd), buffer };
  }

  /** Undefined when it has not ended by then. */
  async ended(limitMs: number): Promise<Ending | undefined> {
    const over = new AbortController();
    try {
      return await Promise.race([this.#ended, sleep(limitMs, undefined, { signal: over.signal })]);
    } finally {
      over.abort();
    }
  }
}
