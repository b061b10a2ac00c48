/**
 * Compiles src to dist, as the package has it: node tools/build.mjs [--clean]
 *
 * `npm pack` does it before and removes it after, so that a clone has nothing that could be out of date.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [source, output] = [join(root, 'src'), join(root, 'dist')];
/** What the exports of package.json name. Declarations of anything else would say what nobody can import. */
const entries = ['api/index.d.ts', 'vitest-plugin/plugin.d.ts'];

rmSync(output, { recursive: true, force: true });
if (!process.argv.includes('--clean')) {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [compiler, '--project', join(root, 'tsconfig.build.json')], {
    stdio: 'inherit',
  });
  copyAssets();
  keepDeclarations(entries.map((entry) => join(output, entry)));
}

/** Whatever the compiler leaves alone: style sheets, and scripts for browsers. */
function copyAssets() {
  for (const name of filesIn(source).filter((each) => !/(\.ts|\.mjs|tsconfig\.json)$/.test(each))) {
    mkdirSync(dirname(join(output, name)), { recursive: true });
    copyFileSync(join(source, name), join(output, name));
  }
}

/**
 * Removes declarations that none of these needs. In the others, modules are named as they are after compiling.
 *
 * @param {string[]} wanted
 */
function keepDeclarations(wanted) {
  const kept = new Set(wanted);
  for (const file of kept) {
    const text = readFileSync(file, 'utf8');
    const compiled = text.replaceAll(/(\bfrom |\bimport\()'(\.[^']*)\.ts'/g, (_, before, module) => {
      kept.add(join(dirname(file), `${module}.d.ts`));
      return `${before}'${module}.js'`;
    });
    writeFileSync(file, compiled);
  }
  const declarations = filesIn(output).filter((name) => /\.d\.m?ts$/.test(name));
  for (const name of declarations) if (!kept.has(join(output, name))) rmSync(join(output, name));
}

/** @param {string} folder */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
