/** Declares the types of what others can import. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** What the exports of package.json name. Declarations of anything else would say what nobody can import. */
const entries = ['api/index.d.ts', 'vitest-plugin/plugin.d.ts'];

/**
 * Has the compiler declare everything, and takes what the entries need. There, modules are named as they are after
 * compiling.
 *
 * @param {string} root
 * @param {string} output
 */
export function declare(root, output) {
  const all = mkdtempSync(join(tmpdir(), 'jwt-e2e-declarations-'));
  try {
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const options = ['--project', join(root, 'tsconfig.build.json'), '--outDir', all];
    execFileSync(process.execPath, [compiler, ...options], { stdio: 'inherit' });
    const kept = new Set(entries);
    for (const name of kept) {
      const text = readFileSync(join(all, name), 'utf8');
      const compiled = text.replaceAll(/(\bfrom |\bimport\()'(\.[^']*)\.ts'/g, (_, before, module) => {
        kept.add(join(dirname(name), `${module}.d.ts`));
        return `${before}'${module}.js'`;
      });
      mkdirSync(dirname(join(output, name)), { recursive: true });
      writeFileSync(join(output, name), compiled);
    }
  } finally {
    rmSync(all, { recursive: true, force: true });
  }
}
