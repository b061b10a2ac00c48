/** Takes turns with other processes of this machine at what should not be done twice at once. */
import { hostname } from 'node:os';
import { LockFile } from '../../../base/files/lock-file.ts';
import { pause } from '../../../base/wait.ts';

export interface TurnOptions {
  /** Between two looks whether it is our turn, milliseconds. */
  readonly waitMs: number;
  /** Called once when another process, by its id, has to be waited for. */
  readonly onWait: (pid: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Calls `work` while no other process that uses the same `file` does. A process that was killed does not keep the others
 * waiting. Processes of other machines that share the folder are not waited for.
 *
 * @throws HarnessError E_INTERRUPTED while it waits; what `work` throws
 */
export async function inTurn<T>(file: string, options: TurnOptions, work: () => Promise<T>): Promise<T> {
  const { waitMs, onWait, signal } = options;
  const lock = new LockFile(`${file}-${hostname()}`, 'XDG_CACHE_HOME');
  let told = false;
  for (let holder = lock.take(); holder !== undefined; holder = lock.take()) {
    if (!told) onWait(holder.pid);
    told = true;
    await pause(waitMs, signal);
  }
  try {
    return await work();
  } finally {
    lock.release();
  }
}
