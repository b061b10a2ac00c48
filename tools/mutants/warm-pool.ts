/**
 * A pool of Vitest with one thread that stays: to load the sources anew for each mutant takes ten times as long as its
 * tests. What the tests themselves consist of is loaded anew (warm-runner.ts).
 */
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { PoolOptions, PoolRunnerInitializer, PoolWorker } from 'vitest/node';

/** Listeners, and what tests have left behind, pile up in a thread. */
const runsOfThread = 100;

let kept: Worker | undefined;
let runs = 0;

async function renew(): Promise<void> {
  const old = kept;
  kept = undefined;
  await old?.terminate();
}
// warm-stryker.mjs cannot import it: Vitest bundles its configuration with a copy of this file.
Reflect.set(globalThis, Symbol.for('renew the thread of mutants'), renew);

type Listener = (argument: unknown) => void;

class WarmWorker implements PoolWorker {
  readonly name = 'warm';
  readonly #options: PoolOptions;
  readonly #own = new EventEmitter();
  readonly #heard: [event: string, Listener][] = [];
  #thread: Worker | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    if (runs++ % runsOfThread === 0) await renew();
    kept ??= new Worker(join(this.#options.distPath, 'workers/threads.js'), {
      env: this.#options.env as Record<string, string>,
      execArgv: this.#options.execArgv,
      stdout: true,
      stderr: true,
    });
    this.#thread = kept;
  }

  async stop(): Promise<void> {
    for (const [event, listener] of this.#heard.splice(0)) this.#thread?.off(event, listener);
  }

  send(message: Parameters<PoolWorker['send']>[0]): void {
    if (message.type !== 'stop') return void this.#thread?.postMessage(message);
    setImmediate(() => this.#own.emit('message', { type: 'stopped', __vitest_worker_response__: true }));
  }

  on(event: string, listener: Listener): void {
    this.#heard.push([event, listener]);
    this.#thread?.on(event, listener);
    this.#own.on(event, listener);
  }

  off(event: string, listener: Listener): void {
    this.#thread?.off(event, listener);
    this.#own.off(event, listener);
  }

  deserialize(data: unknown): unknown {
    return data;
  }
}

export const warmPool: PoolRunnerInitializer = {
  name: 'warm',
  createPoolWorker: (options) => new WarmWorker(options),
};
