/**
 * Keeps two processes from using a cluster at the same time: each would delete the policies of the other, and take the
 * answers to its own for proof.
 */
import { HarnessError } from '../../base/errors.ts';
import { type Holder, LockFile } from '../../base/files/lock-file.ts';

export class ClusterLock {
  readonly #file: string;
  readonly #what: string;
  readonly #lock: LockFile;

  /** @param what is locked, as messages name it: `kind cluster "jwt-e2e"` */
  constructor(file: string, what: string) {
    this.#file = file;
    this.#what = what;
    this.#lock = new LockFile(file, 'XDG_STATE_HOME');
  }

  /**
   * Takes the lock, until it is released or this process ends.
   *
   * @throws HarnessError E_CLUSTER when another has it, E_FILE when nobody can
   */
  take(): void {
    const holder = this.#lock.take();
    if (holder !== undefined) throw this.#inUse(holder);
  }

  /** Gives it back; does nothing when it was not taken. */
  release(): void {
    this.#lock.release();
  }

  #inUse({ pid, since }: Holder): HarnessError {
    const time = new Date(since).toISOString().slice(0, 19).replace('T', ' ');
    return new HarnessError('E_CLUSTER', `${this.#what} is in use by process ${pid}, since ${time} UTC`, {
      hint: `Wait until that run has ended, or choose another --name. If process ${pid} is none of this tool's, delete ${this.#file}`,
    });
  }
}
