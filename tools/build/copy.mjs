/** Copies what is not bundled. */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Goes into containers, or is run as it is, and so is a file that needs no other. */
const alone = ['jwks/server.mjs', 'target/authorizer/ext-authz.mjs'];

/**
 * Style sheets, scripts for browsers, and programs that stand for themselves.
 *
 * @param {string} source
 * @param {string} output
 */
export function copyFiles(source, output) {
  const others = filesIn(source).filter((name) => !/(\.ts|\.mjs|tsconfig\.json)$/.test(name));
  for (const name of [...others, ...alone]) {
    mkdirSync(dirname(join(output, name)), { recursive: true });
    copyFileSync(join(source, name), join(output, name));
  }
}

/**
 * Paths below a folder.
 *
 * @param {string} folder
 */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
