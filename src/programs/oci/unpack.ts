/** Downloads the layers of an image as far as needed, and writes files out of them. */
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HarnessError } from '../../base/errors.ts';
import { throwIfAborted } from '../../base/wait.ts';
import { partialName, removeLeftovers } from '../cache.ts';
import { archiveLimits, type Limits } from '../download/download-limits.ts';
import type { ReadLimits } from '../download/untar.ts';
import { type Entry, entriesOf, extractEntries } from './layer.ts';
import type { Descriptor } from './manifest.ts';
import type { FileNode } from './nodes.ts';
import type { Registry } from './registry/registry.ts';
import { Tree } from './tree.ts';

interface Wanted {
  /** Path in the image. */
  readonly path: string;
  readonly target: string;
}

/**
 * Writes files of an image. Layers lie in the folder of the first target meanwhile; whatever happens, nothing but
 * complete targets is left.
 *
 * @param layers the lowest first
 * @throws HarnessError E_PROGRAM when there is no such file, or a layer cannot be had or is damaged; E_TIMEOUT;
 *   E_INTERRUPTED; what the disk throws
 */
export async function unpackFiles(
  registry: Registry,
  layers: readonly Descriptor[],
  files: readonly Wanted[],
  options: { limits: Limits; signal: AbortSignal },
): Promise<void> {
  const { limits, signal } = options;
  const reading: ReadLimits = {
    what: 'a layer of the image',
    hint: 'its digest is right, so the image itself is damaged; use another version or another hub',
    maxUnpacked: limits.maxBytes * archiveLimits.unpackedFactor,
    signal,
  };
  const left = { count: archiveLimits.names };
  let bytesLeft = limits.maxBytes * archiveLimits.layersFactor;
  const folders = [...new Set(files.map((file) => dirname(file.target)))];
  const archives = layers.map(() => partialName(folders[0]!));
  const partial = files.map((file) => partialName(dirname(file.target)));
  try {
    for (const folder of folders) {
      await mkdir(folder, { recursive: true, mode: 0o755 });
      await removeLeftovers(folder);
    }
    const fetchLayer = async (number: number) => {
      bytesLeft -= layers[number]!.size;
      if (bytesLeft < 0) {
        const most = limits.maxBytes * archiveLimits.layersFactor;
        throw new HarnessError('E_PROGRAM', `the image has layers of more than ${most} bytes in all`);
      }
      await registry.save(layers[number]!, archives[number]!);
      return entriesOf(archives[number]!, reading, left);
    };
    const found = await findFiles(layers.length, fetchLayer, files);
    for (const [index, { size }] of found.entries()) {
      if (size <= limits.maxBytes) continue;
      throw new HarnessError(
        'E_PROGRAM',
        `${files[index]!.path} is too large: ${size} bytes, more than ${limits.maxBytes}`,
      );
    }
    for (const { layer, targets } of passes(found, partial)) {
      await extractEntries(archives[layer]!, targets, reading);
    }
    for (const [index, node] of found.entries()) await finish(partial[index]!, node.executable);
    throwIfAborted(signal);
    for (const [index, file] of files.entries()) await rename(partial[index]!, file.target);
  } finally {
    // What cannot be removed is left for removeLeftovers; it must not hide the error.
    for (const file of [...archives, ...partial]) await rm(file, { force: true }).catch(() => {});
  }
}

/** Takes layers from the uppermost down until it is certain where all files are. */
async function findFiles(
  count: number,
  fetchLayer: (number: number) => Promise<Entry[]>,
  files: readonly Wanted[],
): Promise<FileNode[]> {
  let known = new Map<number, readonly Entry[]>();
  for (let number = count - 1; number >= 0; number--) {
    known = new Map([[number, await fetchLayer(number)], ...known]);
    const tree = new Tree(known);
    const found = files.map((file) => tree.file(file.path));
    if (!found.includes('below')) return found as FileNode[];
  }
  throw new HarnessError('E_INTERNAL', 'an image without layers');
}

/** Which entries to extract at one reading of a layer; links may make one entry of two files. */
function passes(found: readonly FileNode[], partial: readonly string[]) {
  const all: { layer: number; targets: Map<number, string> }[] = [];
  for (const [index, { layer, entry }] of found.entries()) {
    let pass = all.find((other) => other.layer === layer && !other.targets.has(entry));
    if (pass === undefined) {
      pass = { layer, targets: new Map() };
      all.push(pass);
    }
    pass.targets.set(entry, partial[index]!);
  }
  return all;
}

/** Sets the mode, and has the file on disk before the name is given to it. */
async function finish(file: string, executable: boolean): Promise<void> {
  await chmod(file, executable ? 0o755 : 0o644);
  const handle = await open(file, 'r');
  await handle.sync().finally(() => handle.close());
}
