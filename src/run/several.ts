/** How many meshes of a run are up at a time. */
import { availableParallelism, freemem } from 'node:os';

/** What one local mesh may take: API server, istiod, etcd and a dozen Envoys. In bytes. */
export const perMesh = 1.5 * 1024 ** 3;

export interface Capacity {
  /** Memory that can be had without swapping, in bytes. */
  readonly memory: number;
  readonly processors: number;
}

/** What this machine has now; in a container with limits, what it may use. */
export function capacityNow(): Capacity {
  // Node counts MemAvailable of /proc/meminfo as free; availableMemory knows the limits of a control group too.
  return { memory: Math.min(freemem(), process.availableMemory()), processors: availableParallelism() };
}

/**
 * How many of `count` meshes fit: at least one, whatever the machine is like.
 *
 * @param jobs what the user wants instead (`--jobs`)
 */
export function meshesAtOnce(count: number, jobs: number | undefined, capacity: Capacity): number {
  const fitting = jobs ?? Math.min(Math.floor(capacity.memory / perMesh), capacity.processors);
  return Math.max(1, Math.min(fitting, count));
}
