import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { x as extract } from 'tar';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesBelow } from './files-below.ts';
import { importsIn } from './imports-in.ts';
import { installedTests } from './installed.ts';
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
  // The bundler and the compiler have much to do, beside other tests.
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (file: string) => readFileSync(join(unpacked, file), 'utf8');
const manifest = () => JSON.parse(read('package.json')) as Record<string, unknown>;

test('it has what it needs and nothing else', async () => {
  // Folders, and the files beside them.
  const shown = packed.files.flatMap((file) => {
    const [top = '', second, third] = file.split('/');
    if (second === undefined) return top;
    return third === undefined ? `${top}/` : `${top}/${second}/`;
  });
  await expect(`${[...new Set(shown)].join('\n')}\n`).toMatchFileSnapshot('../golden/package/files.txt');
  const unneeded = /(^|\/)(test|tools|\.[^/]*|tsconfig[^/]*|node_modules)(\/|$)|\.(test\.\w+|tgz)$/;
  expect(packed.files.filter((file) => unneeded.test(file))).toEqual([]);
  // Sources are bundled; what is left of TypeScript are the declarations of what can be imported.
  const declarations = packed.files.filter((file) => /\.m?ts$/.test(file));
  expect(declarations.filter((file) => !file.endsWith('.d.ts'))).toEqual([]);
  expect(declarations.length).toBeLessThan(25);
});

test('it is small', () => {
  expect(packed.size).toBeLessThan(4 * 1024 * 1024);
});

test('all files of src by which modules are asked for are in it', () => {
  const sources = filesBelow('src').filter((file) => file.endsWith('.ts'));
  const named = sources.flatMap((file) =>
    [...readFileSync(join('src', file), 'utf8').matchAll(/moduleFile\('([^']+)'\)/g)].map(
      ([, name = '']) => name,
    ),
  );
  const assets = ['styles', 'scripts'].flatMap((folder) =>
    filesBelow(`src/report/html/${folder}`).map((file) => `report/html/${folder}/${file}`),
  );
  const wanted = [...named, ...assets.filter((file) => !file.endsWith('tsconfig.json'))];
  expect(new Set(named).size).toBeGreaterThan(4);
  for (const name of wanted) expect(packed.files).toContain(`dist/${name.replace(/\.ts$/, '.mjs')}`);
});

test('what is not bundled is the same as in src', () => {
  for (const file of packed.files.filter((each) => /^dist\/(.*\.(css|js)|jwks\/.*)$/.test(each))) {
    expect(read(file), file).toBe(readFileSync(file.replace(/^dist/, 'src'), 'utf8'));
  }
});

test('every scenario, application and schema is in it', () => {
  for (const name of ['scenarios', 'kind', 'schema']) {
    const files = filesBelow(name).map((file) => `${name}/${file}`);
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !packed.files.includes(file))).toEqual([]);
  }
});

test('the pages in it lead to what is in it, but for pictures of the screen, which are large', () => {
  const broken = packed.files
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) => {
      const text = read(file).replaceAll(/^```[\s\S]*?^```/gm, '');
      const links = [...text.matchAll(/\]\(([^)#\s]+)/g)].map(([, link = '']) => link);
      return links
        .filter((link) => !/^\w+:|\.png$/.test(link) && !existsSync(join(unpacked, file, '..', link)))
        .map((link) => `${file}: ${link}`);
    });
  expect(broken).toEqual([]);
});

test('what it imports is in it, or comes with Node.js: there is nothing else to install', async () => {
  expect(manifest()).not.toHaveProperty('dependencies');
  expect(manifest()).not.toHaveProperty('optionalDependencies');
  const modules = packed.files.filter((file) => /^dist\/.*\.mjs$/.test(file));
  const missing = (await importsIn(unpacked, modules)).filter(
    ({ from, specifier, isBuiltin }) =>
      !isBuiltin && !packed.files.includes(join(from, '..', specifier).replaceAll('\\', '/')),
  );
  expect(missing).toEqual([]);
  // Node.js warns of its punycode, once in every run, where a package is not below node_modules: in the container image.
  const warned = modules.filter((file) =>
    /require\("(?:node:)?punycode"\)/.test(readFileSync(join(unpacked, file), 'utf8')),
  );
  expect(warned).toEqual([]);
});

test('its declarations name what is in it, and Vitest', () => {
  for (const file of packed.files.filter((each) => each.endsWith('.d.ts'))) {
    for (const [, specifier = ''] of read(file).matchAll(/(?:\bfrom |\bimport\()'([^']+)'/g)) {
      const declared = join(file, '..', specifier).replace(/\.js$/, '.d.ts');
      expect([...packed.files, 'vitest', 'vitest/config']).toContain(
        specifier.startsWith('.') ? declared : specifier,
      );
    }
  }
});

test('it runs nothing when it is installed, and says where it comes from', () => {
  const { scripts = {}, repository, homepage, bugs, author, license } = manifest();
  expect(Object.keys(scripts as object).filter((name) => /install|^prepare$/.test(name))).toEqual([]);
  for (const each of [repository, homepage, bugs, author, license]) expect(each).toBeTruthy();
});

test('nothing of the machine on which it was built is in it', () => {
  const files = packed.files.filter((file) => file.startsWith('dist/'));
  const told = files.filter((file) => [folder, resolve('.')].some((path) => read(file).includes(path)));
  expect(told).toEqual([]);
});

test('the terms of everything in the bundle are in it', () => {
  const licenses = read('dist/THIRD-PARTY-LICENSES.txt');
  const sources = packed.files
    .filter((file) => file.endsWith('.mjs.map'))
    .flatMap((file) => (JSON.parse(read(file)) as { sources: string[] }).sources);
  const packages = new Set(
    sources.flatMap((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1] ?? []),
  );
  expect(packages.size).toBeGreaterThan(50);
  for (const name of packages) expect(licenses).toContain(`\n  ${name}@`);
  const terms = [...licenses.matchAll(/^ {2}\S+@\S+: (.+)$/gm)].map(([, each]) => each);
  // A licence that asks for more than to be named needs a look before it is shipped.
  const free = [
    '0BSD',
    'Apache-2.0',
    'BlueOak-1.0.0',
    'BSD-2-Clause',
    'BSD-3-Clause',
    'ISC',
    'MIT',
    'Unlicense',
  ];
  expect(terms.filter((each) => !free.includes(each ?? ''))).toEqual([]);
});

test('publint finds nothing wrong with it', async () => {
  const { messages } = await publint({ pkgDir: unpacked, pack: false, strict: true });
  expect(messages.map((message) => formatMessage(message, manifest()))).toEqual([]);
});

test('its types are found in every way in which modules are looked for', async () => {
  const { all, exitCode } = await execa(
    resolve('node_modules/.bin/attw'),
    [
      packed.archive,
      '--profile',
      'esm-only',
      '--no-color',
      '--no-emoji',
      '--exclude-entrypoints',
      'package.json',
    ],
    { all: true, reject: false },
  );
  expect(exitCode, all).toBe(0);
});

test('packing leaves no build behind that could be out of date', () => {
  expect(existsSync(join(packed.source, 'dist'))).toBe(false);
});

// In the same file, so that it is packed once.
describe('where it is installed', () => installedTests(() => packed.archive));
