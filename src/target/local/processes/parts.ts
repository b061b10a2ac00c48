/** All processes of a mesh: watched over, so that the end of one is known at once, and ended together. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { HarnessError } from '../../../base/errors.ts';
import type { StartPart } from '../control-plane/api-server.ts';
import { Guardian } from './guardian.ts';
import { type MemoryUse, memoryOf } from './memory.ts';
import { Part } from './part.ts';

export class Parts {
  readonly #folder: string;
  readonly #guardian: Guardian;
  readonly #running = new Set<Part>();
  readonly #failed = new AbortController();
  #count = 0;

  /** @param folder of the mesh; deleted at the end @param warn told of what is amiss, and does not end the mesh */
  constructor(folder: string, warn: (message: string) => void) {
    this.#folder = folder;
    this.#guardian = new Guardian(folder, warn);
  }

  /** Aborted, with a HarnessError as reason, when a part has ended that nobody has stopped; and when all are stopped. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** Why a part has ended by itself; undefined when none has. */
  get failure(): HarnessError | undefined {
    const { reason } = this.#failed.signal;
    return reason instanceof HarnessError && reason.code !== 'E_INTERRUPTED' ? reason : undefined;
  }

  readonly start: StartPart = async (start) => {
    this.#count += 1;
    const logFile = join(this.#folder, `${this.#count}.log`);
    const part = await Part.start({ ...start, folder: this.#folder, logFile }, this.#guardian, (ended) =>
      this.#failed.abort(ended.failure()),
    );
    this.#running.add(part);
    void part.ended.then(() => this.#running.delete(part));
    return part;
  };

  /** What they take. @param alone whether this process is there for this mesh only, so that it counts as well */
  memory(alone: boolean): MemoryUse[] {
    const own = { name: 'this tool, with all applications', pid: process.pid };
    return memoryOf(alone ? [...this.#running, own] : this.#running);
  }

  /** From now on nobody waits for anything of the mesh. */
  cancel(): void {
    this.#failed.abort(new HarnessError('E_INTERRUPTED', 'the local mesh was stopped'));
  }

  /** Ends all, and deletes the folder. Nothing of a mesh is worth an orderly end. */
  async end(): Promise<void> {
    await Promise.allSettled([...this.#running].map((part) => part.stop(true)));
    await this.#guardian.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
