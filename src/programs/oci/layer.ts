/** What is in a layer: a tar archive that was downloaded and checked before. */
import type { ReadEntry } from 'tar';
import { HarnessError } from '../../base/errors.ts';
import { archiveLimits } from '../download/download-limits.ts';
import { type ReadLimits, untar } from '../download/untar.ts';

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

/** How many names there may still be in paths, of this layer and the others of its image. */
export interface NamesLeft {
  count: number;
}

/**
 * Everything in a layer, in order.
 *
 * @param left is lowered by the names in the paths of this layer
 * @throws HarnessError E_PROGRAM as {@link untar} does, and when there are too many entries, or too long paths
 */
export async function entriesOf(
  layer: string,
  limits: ReadLimits,
  left: NamesLeft = { count: archiveLimits.names },
): Promise<Entry[]> {
  const entries: Entry[] = [];
  await untar(layer, limits, (read) => {
    const entry = describe(read);
    for (const path of [entry.path, entry.link]) {
      if (path.length > archiveLimits.pathLength) {
        const start = JSON.stringify(path.slice(0, 60));
        throw tooMuch(limits, `a path of ${path.length} characters, which starts with ${start}`);
      }
      left.count -= path.split('/').length;
    }
    if (left.count < 0) throw tooMuch(limits, `more than ${archiveLimits.names} names in its paths`);
    entries.push(entry);
    return undefined;
  });
  return entries;
}

function tooMuch({ what }: ReadLimits, has: string): HarnessError {
  return new HarnessError('E_PROGRAM', `${what} has ${has}; it was not used`, {
    hint: 'no image of Istio has that; use another version or another hub',
  });
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
