/** Takes turns with other processes of this machine at what should not be done twice at once. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { pause } from '../../wait.ts';

export interface TurnOptions {
  /** Between two looks whether it is our turn, milliseconds. */
  readonly waitMs: number;
  /** How long a process that has its turn may fail to show that it is alive, milliseconds. */
  readonly silentMs: number;
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
  const lock = `${file}-${hostname()}`;
  await take(lock, options);
  // It is gone only when somebody has removed the cache: then there is nobody to wait for us.
  const beat = setInterval(() => touch(lock).catch(() => {}), options.silentMs / 10);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await rm(lock, { force: true }).catch(() => {});
  }
}

async function take(lock: string, options: TurnOptions): Promise<void> {
  const { waitMs, silentMs, onWait, signal } = options;
  await mkdir(dirname(lock), { recursive: true });
  const own = `${lock}-${randomUUID()}`;
  await writeFile(own, String(process.pid));
  try {
    for (let told = false; ; ) {
      try {
        // After long waiting it must not look as if we had been silent for as long.
        await touch(own);
        await link(own, lock);
        return;
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
      }
      const holder = await holderOf(lock, silentMs);
      if (holder === undefined) await clear(lock, silentMs);
      else {
        if (!told) onWait(holder);
        told = true;
        await pause(waitMs, signal);
      }
    }
  } finally {
    await rm(own, { force: true }).catch(() => {});
  }
}

/** The process whose turn it is, when it is alive. */
async function holderOf(lock: string, silentMs: number): Promise<number | undefined> {
  try {
    const pid = Number(await readFile(lock, 'utf8'));
    if (Date.now() - (await stat(lock)).mtimeMs > silentMs) return undefined;
    process.kill(pid, 0);
    return pid;
  } catch (thrown) {
    // EPERM: it is there, and another user's.
    return (thrown as NodeJS.ErrnoException).code === 'EPERM' ? 0 : undefined;
  }
}

/** Removes the lock of a process that is gone, and not one that another process has taken since. */
async function clear(lock: string, silentMs: number): Promise<void> {
  const aside = `${lock}-${randomUUID()}`;
  await rename(lock, aside).catch(() => {});
  const holder = await holderOf(aside, silentMs);
  if (holder !== undefined) await link(aside, lock).catch(() => {});
  await rm(aside, { force: true });
}

async function touch(file: string): Promise<void> {
  const now = new Date();
  await utimes(file, now, now);
}
