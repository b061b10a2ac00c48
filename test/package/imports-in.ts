/** What modules import, as Node.js itself reads them: they have long lines, with texts in them that look like imports. */
import { execa } from 'execa';

export interface Imported {
  /** The module that imports, relative to the folder. */
  readonly from: string;
  readonly specifier: string;
  /** Whether it comes with Node.js. */
  readonly isBuiltin: boolean;
}

const program = `
  import { readFileSync } from 'node:fs';
  import { isBuiltin } from 'node:module';
  import { SourceTextModule } from 'node:vm';
  const found = JSON.parse(process.argv[1]).flatMap((from) => {
    const { dependencySpecifiers } = new SourceTextModule(readFileSync(from, 'utf8').replace(/^#!.*/, ''));
    return dependencySpecifiers.map((specifier) => ({ from, specifier, isBuiltin: isBuiltin(specifier) }));
  });
  console.log(JSON.stringify(found));`;

/** @param modules relative to the folder */
export async function importsIn(folder: string, modules: readonly string[]): Promise<readonly Imported[]> {
  const { stdout } = await execa(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--no-warnings',
      '--input-type=module',
      '-e',
      program,
      JSON.stringify(modules),
    ],
    { cwd: folder },
  );
  return JSON.parse(stdout) as Imported[];
}
