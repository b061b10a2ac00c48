/** Real processes for tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';

/** Whether there is such a process; one that has ended and was not yet waited for is not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits until the process has ended. */
export async function ends(pid: number): Promise<void> {
  await expect.poll(() => isRunning(pid), { interval: 10 }).toBe(false);
}

/** Processes that have this argument, whole. */
export function processesWith(argument: string): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    try {
      const args = readFileSync(`/proc/${Number(entry)}/cmdline`, 'utf8').split('\0');
      return args.includes(argument) ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}
