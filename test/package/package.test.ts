import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { x as extract } from 'tar';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importsOf } from '../imports.ts';
import { type Packed, pack } from './packed.ts';

let folder: string;
let packed: Packed;
/** The package, unpacked. */
let unpacked: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-pack-'));
  packed = await pack(folder);
  mkdirSync(join(folder, 'unpacked'));
  await extract({ file: packed.archive, cwd: join(folder, 'unpacked') });
  unpacked = join(folder, 'unpacked', 'package');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const manifest = () =>
  JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
    peerDependencies: Record<string, string>;
  };

test('it has what it needs and nothing else', async () => {
  // Folders, and the files beside them; the modules at the top of dist are those of src.
  const shown = packed.files.flatMap((file) => {
    const [top = '', second, third] = file.split('/');
    if (second === undefined) return top;
    return third === undefined ? `${top}/` : `${top}/${second}/`;
  });
  await expect(`${[...new Set(shown)].join('\n')}\n`).toMatchFileSnapshot('../golden/package/files.txt');
  const unneeded = /(^|\/)(test|tools|\.[^/]*|tsconfig[^/]*|node_modules)(\/|$)|\.(map|test\.\w+|tgz)$/;
  expect(packed.files.filter((file) => unneeded.test(file))).toEqual([]);
  // Sources are compiled; what is left of TypeScript are the declarations of what can be imported.
  const declarations = packed.files.filter((file) => /\.m?ts$/.test(file));
  expect(declarations.filter((file) => !file.endsWith('.d.ts'))).toEqual([]);
  expect(declarations.length).toBeLessThan(25);
});

test('it is small', () => {
  expect(packed.size).toBeLessThan(750 * 1024);
});

test('every file of src is in it, compiled or as it is', () => {
  const sources = readdirSync('src', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'tsconfig.json')
    .map((entry) => join(entry.parentPath, entry.name).replace(/^src/, 'dist').replace(/\.ts$/, '.js'));
  // Files with nothing but types leave an empty module.
  expect(sources.filter((file) => !packed.files.includes(file))).toEqual([]);
});

test('what is not compiled is the same as in src', () => {
  for (const file of packed.files.filter((each) => /^dist\/.*\.(css|js|html)$/.test(each))) {
    const source = file.replace(/^dist/, 'src');
    if (existsSync(source))
      expect(readFileSync(join(unpacked, file), 'utf8'), file).toBe(readFileSync(source, 'utf8'));
  }
});

test('every scenario, application and schema is in it', () => {
  for (const name of ['scenarios', 'kind', 'schema']) {
    const files = readdirSync(name, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !packed.files.includes(file))).toEqual([]);
  }
});

test('the pages in it lead to what is in it, but for pictures of the screen, which are large', () => {
  const broken = packed.files
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) => {
      const text = readFileSync(join(unpacked, file), 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '');
      const links = [...text.matchAll(/\]\(([^)#\s]+)/g)].map(([, link = '']) => link);
      return links
        .filter((link) => !/^\w+:|\.png$/.test(link) && !existsSync(join(unpacked, file, '..', link)))
        .map((link) => `${file}: ${link}`);
    });
  expect(broken).toEqual([]);
});

test('what it imports is in it, comes with Node.js, or is a dependency', () => {
  const { dependencies, peerDependencies } = manifest();
  const known = new Set([...builtinModules, ...Object.keys(dependencies), ...Object.keys(peerDependencies)]);
  const missing = packed.files
    .filter((file) => /^dist\/.*\.m?[jt]s$/.test(file) && !file.includes('/assets/'))
    .flatMap((file) =>
      importsOf(readFileSync(join(unpacked, file), 'utf8')).flatMap(({ specifier }) => {
        if (specifier.startsWith('.')) {
          const path = join(file, '..', specifier);
          const declared = file.endsWith('.d.ts') ? path.replace(/\.js$/, '.d.ts') : path;
          return packed.files.includes(declared) ? [] : [`${file} imports ${specifier}`];
        }
        const name = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/');
        return specifier.startsWith('node:') || known.has(name) ? [] : [`${file} imports ${specifier}`];
      }),
    );
  expect(missing).toEqual([]);
});

test('publint finds nothing wrong with it', async () => {
  const { messages } = await publint({ pkgDir: unpacked, pack: false, strict: true });
  expect(messages.map((message) => formatMessage(message, manifest()))).toEqual([]);
});

test('packing leaves no build behind that could be out of date', () => {
  expect(existsSync(join(packed.source, 'dist'))).toBe(false);
});
