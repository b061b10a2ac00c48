/**
 * Bundles src to dist, as the package has it: node tools/build.mjs [--clean]
 *
 * `npm pack` does it before and removes it after, so that a clone has nothing that could be out of date.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './build/bundle.mjs';
import { copyFiles } from './build/copy.mjs';
import { declare } from './build/declarations.mjs';
import { writeLicenses } from './build/licenses.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const output = join(root, 'dist');

rmSync(output, { recursive: true, force: true });
if (!process.argv.includes('--clean')) {
  const parts = await bundle(root, output);
  copyFiles(join(root, 'src'), output);
  declare(root, output);
  writeLicenses(root, parts, join(output, 'THIRD-PARTY-LICENSES.txt'));
}
