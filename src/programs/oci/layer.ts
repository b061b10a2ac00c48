/** What is in a layer: a tar archive that was downloaded and checked before. */
import type { ReadEntry } from 'tar';
import { type ReadLimits, untar } from './untar.ts';

/** What stands in a layer at one path. */
export interface Entry {
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symbolic link' | 'hard link' | 'special file';
  /** What a link leads to. */
  readonly link: string;
  readonly size: number;
  readonly executable: boolean;
}

const kinds: Readonly<Record<string, Entry['kind']>> = {
  File: 'file',
  OldFile: 'file',
  ContiguousFile: 'file',
  Directory: 'directory',
  GNUDumpDir: 'directory',
  SymbolicLink: 'symbolic link',
  Link: 'hard link',
};

/** Everything in a layer, in order. Throws as {@link untar} does. */
export async function entriesOf(layer: string, limits: ReadLimits): Promise<Entry[]> {
  const entries: Entry[] = [];
  await untar(layer, limits, (entry) => {
    entries.push(describe(entry));
    return undefined;
  });
  return entries;
}

/**
 * Writes files of a layer. Throws as {@link untar} does.
 *
 * @param targets for the position of an entry in {@link entriesOf}, the file to create
 */
export async function extractEntries(
  layer: string,
  targets: ReadonlyMap<number, string>,
  limits: ReadLimits,
): Promise<void> {
  let position = 0;
  await untar(layer, limits, () => targets.get(position++));
}

function describe(entry: ReadEntry): Entry {
  return {
    path: entry.path,
    kind: kinds[entry.type] ?? 'special file',
    link: entry.linkpath ?? '',
    size: entry.size,
    executable: ((entry.mode ?? 0) & 0o111) !== 0,
  };
}
