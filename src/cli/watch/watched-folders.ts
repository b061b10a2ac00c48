/** Which folders have to be watched to see every change of files, and which names in them matter. */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Of a root that is a folder: it and all below, but nothing hidden. Of every root the folder it is in, because it may go
 * and come back; and where a file is a link, the folder of what it leads to.
 *
 * @param roots absolute paths of files and folders
 * @param files absolute paths of the files that count now
 * @returns by folder, whether a name in it is of interest
 */
export function foldersOf(
  roots: readonly string[],
  files: readonly string[],
): Map<string, (name: string) => boolean> {
  const whole = new Set(roots.filter(isFolder).flatMap((root) => [root, ...foldersBelow(root)]));
  const single = new Map<string, Set<string>>();
  const add = (path: string) => {
    const folder = dirname(path);
    single.set(folder, (single.get(folder) ?? new Set()).add(basename(path)));
  };
  for (const root of roots) add(root);
  for (const file of files.map(realOf)) if (file !== undefined && !files.includes(file)) add(file);
  return new Map(
    [...whole, ...single.keys()].map((folder) => [
      folder,
      (name: string) => (whole.has(folder) ? !/^\.|~$/.test(name) : single.get(folder)?.has(name) === true),
    ]),
  );
}

function foldersBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
      .flatMap(({ name }) => [join(folder, name), ...foldersBelow(join(folder, name))]);
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function realOf(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}
