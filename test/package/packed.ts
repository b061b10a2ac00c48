/** Packs the product as `npm pack` does, from a copy, so that the build gets in the way of nobody. */
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { execa } from 'execa';

export interface Packed {
  /** The archive, absolute. */
  readonly archive: string;
  /** Of the archive, in bytes. */
  readonly size: number;
  /** Paths within the package, in their order. */
  readonly files: readonly string[];
  /** The copy that it was made of. */
  readonly source: string;
}

/** @param folder an empty one, for the copy and the archive */
export async function pack(folder: string): Promise<Packed> {
  const source = join(folder, 'source');
  mkdirSync(source, { recursive: true });
  const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as { files: string[] };
  const wanted = [
    'package.json',
    'README.md',
    'LICENSE',
    'src',
    'tools',
    'tsconfig.json',
    'tsconfig.build.json',
  ];
  const folders = files.filter((pattern) => !pattern.startsWith('!'));
  for (const name of new Set([...wanted, ...folders])) {
    if (name !== 'dist') cpSync(name, join(source, name), { recursive: true });
  }
  // The compiler, and the types it needs.
  symlinkSync(resolve('node_modules'), join(source, 'node_modules'));
  const { stdout } = await execa('npm', ['pack', '--json', '--silent', '--pack-destination', folder], {
    cwd: source,
  });
  const [made] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [
    { filename: string; size: number; files: { path: string }[] },
  ];
  return {
    archive: join(folder, made.filename),
    size: made.size,
    files: made.files.map(({ path }) => path).toSorted(),
    source,
  };
}
