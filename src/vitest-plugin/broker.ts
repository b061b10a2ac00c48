/**
 * Starts the process that holds the mesh when the first test file asks for it, and passes on what both say. Runs in the
 * main process of Vitest, one for each project.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { asHarnessError, HarnessError } from '../base/errors.ts';
import { problemOf } from '../base/events.ts';
import { moduleFile } from '../base/files/product-files.ts';
import { timeouts } from '../base/timeouts.ts';
import { within } from '../base/wait.ts';
import { configVariable, type FileLine, type HostConfig, listening, type Order } from './vitest-protocol.ts';

const program = moduleFile('vitest-plugin/vitest-host.mjs');

export interface BrokerListener {
  /** Gets a line of progress now and then. */
  readonly log: (line: string) => void;
  /** Called for every test file that asks. */
  readonly asked: () => void;
}

export class Broker {
  readonly #config: Omit<HostConfig, 'socket'>;
  readonly #listener: BrokerListener;
  readonly #folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-vitest-'));
  readonly #server: Server;
  #host:
    | { readonly child: ChildProcess; readonly listens: Promise<void>; readonly ended: Promise<void> }
    | undefined;

  constructor(config: Omit<HostConfig, 'socket'>, listener: BrokerListener) {
    this.#config = config;
    this.#listener = listener;
    this.#server = createServer((file) => void this.#serve(file));
    process.once('exit', this.#removeFolder);
  }

  /** Where test files ask. */
  get socket(): string {
    return join(this.#folder, 'files');
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.socket, resolve);
    });
    // It is Vitest that decides how long there is something to do.
    this.#server.unref();
  }

  order(order: Order): void {
    this.#host?.child.stdin?.write(`${order}\n`);
  }

  /** Returns when the mesh is down, or when that takes too long; it is then taken down without anybody watching. */
  async end(): Promise<void> {
    this.#server.close();
    const host = this.#host;
    if (host !== undefined) {
      const limit = within(timeouts.cleanUp, new AbortController().signal, 'taking down the mesh');
      const late = new Promise<void>((resolve) => limit.signal.addEventListener('abort', () => resolve()));
      host.child.stdin?.end();
      await Promise.race([host.ended, late]);
      limit.done();
    }
    this.#removeFolder();
    process.off('exit', this.#removeFolder);
  }

  readonly #removeFolder = () => rmSync(this.#folder, { recursive: true, force: true });

  async #serve(file: Socket): Promise<void> {
    file.on('error', () => {});
    this.#listener.asked();
    try {
      this.#host ??= this.#start();
      await this.#host.listens;
    } catch (thrown) {
      const line: FileLine = { type: 'finished', problem: problemOf(asHarnessError(thrown)) };
      file.end(`${JSON.stringify(line)}\n`);
      return;
    }
    const host = connect(this.#hostSocket);
    host.on('error', () => file.destroy());
    file.once('close', () => host.destroy());
    host.once('close', () => file.destroy());
    file.pipe(host).pipe(file);
  }

  get #hostSocket(): string {
    return join(this.#folder, 'host');
  }

  #start() {
    const config: HostConfig = { ...this.#config, socket: this.#hostSocket };
    const child = spawn(process.execPath, [program], {
      // A session of its own: Ctrl-C at a terminal is for Vitest, which then says what is to be done.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, [configVariable]: JSON.stringify(config) },
    });
    const last: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      last.splice(0, Math.max(0, last.length - 9));
      last.push(line);
      this.#listener.log(line);
    });
    child.stdin.on('error', () => {});
    const ended = new Promise<void>((resolve) => {
      child.once('close', () => {
        this.#host = undefined;
        rmSync(this.#hostSocket, { force: true });
        resolve();
      });
    });
    const listens = new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk) => String(chunk) === listening && resolve());
      child.once('error', reject);
      child.once('close', (code, signal) => {
        const how = signal ?? `exit code ${code}`;
        const message = `the process that holds the mesh has ended: ${how}`;
        reject(new HarnessError('E_INTERNAL', message, { details: last.join('\n') }));
      });
    });
    listens.catch(() => {});
    return { child, listens, ended };
  }
}
