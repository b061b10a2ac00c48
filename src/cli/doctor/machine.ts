/** What the machine itself has: Node.js, memory, disk and the limits of the kernel. */
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { satisfies } from 'semver';
import { requiredNode } from '../../engine/product.ts';
import { programCache } from '../../programs/cache.ts';
import { capacityNow, perMesh } from '../../run/several.ts';
import type { Finding, Machine, Surroundings } from './finding.ts';

export const thisMachine: Machine = {
  node: process.versions.node,
  memory: () => capacityNow().memory,
  async freeDisk(path) {
    for (let folder = path; ; folder = dirname(folder)) {
      try {
        const { bavail, bsize } = await statfs(folder);
        return bavail * bsize;
      } catch (thrown) {
        const { code } = thrown as NodeJS.ErrnoException;
        if (code !== 'ENOENT' || folder === dirname(folder)) return undefined;
      }
    }
  },
  limit(file) {
    try {
      const value = Number(readFileSync(file, 'utf8').trim());
      return Number.isFinite(value) ? value : undefined;
    } catch {
      return undefined;
    }
  },
};

export async function node({ machine }: Surroundings): Promise<Finding[]> {
  const name = 'Node.js';
  if (satisfies(machine.node, requiredNode)) return [{ name, state: 'ok', version: machine.node, text: '' }];
  const text = `${requiredNode} is needed`;
  const remedy = 'Install a newer Node.js: https://nodejs.org/en/download';
  return [{ name, state: 'broken', version: machine.node, text, remedy }];
}

/** As {@link capacityNow} counts it for local meshes. */
export async function memoryForLocal({ machine }: Surroundings): Promise<Finding[]> {
  return [memoryFinding('memory', machine.memory(), perMesh, 'a local mesh')];
}

/** @param wanted bytes below which there is a warning; memory that is short now may be free later */
export function memoryFinding(name: string, bytes: number, wanted: number, what: string): Finding {
  const text = `${inGiB(bytes)} can be had`;
  if (bytes >= wanted) return { name, state: 'ok', text };
  const remedy = `End other programs: ${what} counts with ${inGiB(wanted)}.`;
  return { name, state: 'warning', text, remedy };
}

/** For the programs of the target local, and for the data of its meshes. */
export async function diskForLocal({ machine, env }: Surroundings): Promise<Finding[]> {
  const cache = programCache(env);
  const programs = diskFinding(
    'disk for programs',
    cache,
    await machine.freeDisk(cache),
    1,
    'XDG_CACHE_HOME',
  );
  return [
    // They take 0.4 GB, and as much again while they are unpacked; but they may be there already.
    programs.state === 'broken' ? { ...programs, state: 'warning' } : programs,
    diskFinding('disk for meshes', tmpdir(), await machine.freeDisk(tmpdir()), 0.5, 'TMPDIR'),
  ];
}

/**
 * With a quarter of what is wanted there is no use in trying.
 *
 * @param wanted in GiB
 * @param elsewhere what to set to have it on another disk
 */
export function diskFinding(
  name: string,
  folder: string,
  free: number | undefined,
  wanted: number,
  elsewhere: string,
): Finding {
  if (free === undefined) return { name, state: 'ok', text: `${folder} cannot be looked at from here` };
  const text = `${inGiB(free)} free in ${folder}`;
  if (free >= wanted * GiB) return { name, state: 'ok', text };
  const remedy = `Make room: ${wanted} GiB are needed. Or use another disk, with ${elsewhere}.`;
  return { name, state: free < (wanted * GiB) / 4 ? 'broken' : 'warning', text, remedy };
}

/**
 * What a node of kind needs of the kernel: with too little, pods end with "too many open files".
 * https://kind.sigs.k8s.io/docs/user/known-issues/#pod-errors-due-to-too-many-open-files recommends these values; one node
 * alone often does with less, so less is no fault.
 */
const inotifyLimits = { max_user_instances: 512, max_user_watches: 524_288 };

export async function inotify({ machine }: Surroundings): Promise<Finding[]> {
  return Object.entries(inotifyLimits).flatMap(([file, wanted]): Finding[] => {
    const name = `fs.inotify.${file}`;
    const value = machine.limit(`/proc/sys/fs/inotify/${file}`);
    if (value === undefined) return [];
    if (value >= wanted) return [{ name, state: 'ok', text: String(value) }];
    const text = `${value}; with less than ${wanted}, pods may end with "too many open files"`;
    return [{ name, state: 'warning', text, remedy: `sudo sysctl ${name}=${wanted}` }];
  });
}

export const GiB = 1024 ** 3;

function inGiB(bytes: number): string {
  return `${(bytes / GiB).toFixed(1)} GiB`;
}
