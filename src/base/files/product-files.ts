/** Where the files are that come with the product: in a clone, and in the package, which has its modules bundled. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder with package.json. A bundler puts modules where it likes, so it is looked for above this one. */
export const productRoot = rootAbove(import.meta.dirname);

/** Whether the sources run as they are. */
export const isClone = existsSync(join(productRoot, 'src', 'cli', 'bin.mjs'));

/**
 * A module or another file of src by its path there, wherever it is: the sources in a clone, the build in the package.
 * What is started as a process, or loaded by others, keeps its place in the build.
 */
export function moduleFile(path: string): string {
  return isClone ? join(productRoot, 'src', path) : join(productRoot, 'dist', path.replace(/\.ts$/, '.mjs'));
}

function rootAbove(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  return folder === dirname(folder) ? folder : rootAbove(dirname(folder));
}
