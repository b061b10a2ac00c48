import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../../src/programs/local/integrity.ts';
import {
  bundleFolder,
  findBundle,
  foundIn,
  makeBundle,
} from '../../../../src/programs/local/sources/bundle.ts';
import { typescript } from '../../../support/typescript.ts';
import { sha256, temporaryFolder } from '../../downloads.ts';
import { fake } from '../support.ts';

const name = { name: 'envoy', version: '1.40.0', platform: 'linux-amd64', digest: 'ab'.repeat(32) } as const;
const contents = { origin: 'test', versions: { envoy: '1.40.0', 'crds.yaml': '1.31.1' } };
const report = () => {};

const fill =
  (text = fake('envoy', '1.40.0')) =>
  async (folder: string) => {
    writeFileSync(join(folder, 'envoy'), text);
    writeFileSync(join(folder, 'crds.yaml'), 'kind: CustomResourceDefinition\n');
    return contents;
  };

describe('a bundle', () => {
  test('is found when it was made, executable, by its digest or without one', async () => {
    const cache = temporaryFolder();
    expect(await findBundle(cache, name, { report })).toBeUndefined();
    const { folder } = await makeBundle(cache, name, fill());
    expect(folder).toBe(join(cache, 'local', `envoy-1.40.0-linux-amd64-${'ab'.repeat(6)}`));
    expect(execFileSync(join(folder, 'envoy'), { encoding: 'utf8' })).toContain('/1.40.0/');
    const { digest, ...anyDigest } = name;
    for (const each of [name, anyDigest]) {
      expect(await findBundle(cache, each, { report, verify: true })).toEqual({ folder, ...contents });
    }
    for (const other of [
      { digest: 'cd'.repeat(32) },
      { version: '1.4' },
      { platform: 'linux-arm64' as const },
    ]) {
      expect(await findBundle(cache, { ...name, ...other }, { report })).toBeUndefined();
    }
  });

  test('may get its digest when it is made', async () => {
    const cache = temporaryFolder();
    const made = await makeBundle(cache, { ...name, digest: undefined }, async (folder) => ({
      ...(await fill()(folder)),
      digest: '12'.repeat(32),
    }));
    expect(made.folder).toMatch(/-121212121212$/);
  });

  test('of another recipe is not the one', async () => {
    const cache = temporaryFolder();
    await makeBundle(cache, name, async (folder) => ({ ...(await fill()(folder)), recipe: 'old' }));
    expect(await findBundle(cache, name, { report, recipe: 'new' })).toBeUndefined();
    expect(await findBundle(cache, name, { report, recipe: 'old' })).toBeDefined();
  });

  test('says where its files come from, and whether only now', async () => {
    const bundle = { folder: '/cache/it', ...contents };
    expect(foundIn(bundle, 'envoy', true)).toEqual({
      path: '/cache/it/envoy',
      version: '1.40.0',
      origin: 'test',
    });
    expect(foundIn(bundle, 'envoy', false)?.origin).toBe('cache (test)');
    expect(foundIn(bundle, 'etcd', false)).toBeUndefined();
  });

  test.each([
    [
      'a shorter file',
      (folder: string) => writeFileSync(join(folder, 'envoy'), 'x'),
      'envoy has 1 bytes, not',
    ],
    ['no list of its files', (folder: string) => writeFileSync(join(folder, 'bundle.json'), '{'), 'JSON'],
    ['a lost file', (folder: string) => execFileSync('rm', [join(folder, 'crds.yaml')]), 'ENOENT'],
    [
      'a file that cannot be executed',
      (folder: string) => execFileSync('chmod', ['-x', join(folder, 'envoy')]),
      'cannot be executed',
    ],
  ])('with %s is reported and not used, and made anew', async (_, damage, why) => {
    const cache = temporaryFolder();
    const told: string[] = [];
    const { folder } = await makeBundle(cache, name, fill());
    damage(folder);
    expect(await findBundle(cache, name, { report: (line) => told.push(line) })).toBeUndefined();
    expect(told).toEqual([expect.stringContaining(`${folder} is damaged and not used: `)]);
    expect(told[0]).toContain(why);
    await makeBundle(cache, name, fill());
    expect(await findBundle(cache, name, { report, verify: true })).toBeDefined();
    expect(readdirSync(bundleFolder(cache))).toEqual([folder.split('/').at(-1)]);
  });

  test('with a changed byte is found out when its SHA-256 is compared', async () => {
    const cache = temporaryFolder();
    const { folder } = await makeBundle(cache, name, fill());
    const path = join(folder, 'envoy');
    writeFileSync(path, readFileSync(path, 'utf8').replace('1.40.0', '1.40.9'));
    expect(await findBundle(cache, name, { report })).toBeDefined();
    expect(await findBundle(cache, name, { report, verify: true })).toBeUndefined();
  });
});

test('what fails to be made leaves nothing behind', async () => {
  const cache = temporaryFolder();
  const failing = makeBundle(cache, name, async (folder) => {
    await fill()(folder);
    throw new Error('cut off');
  });
  await expect(failing).rejects.toThrow('cut off');
  expect(readdirSync(bundleFolder(cache))).toEqual([]);
});

test('says that the cache cannot be written to, and what to do', async () => {
  const cache = join(temporaryFolder(), 'file');
  writeFileSync(cache, '');
  await expect(makeBundle(cache, name, fill())).rejects.toMatchObject({
    code: 'E_PROGRAM',
    message: expect.stringContaining(`cannot write to ${cache}/local`),
    hint: expect.stringContaining('XDG_CACHE_HOME'),
  });
});

test('folders that killed processes left are removed after a day', async () => {
  const cache = temporaryFolder();
  const [old, young] = ['.part-1-old', '.part-2-young'].map((each) => join(bundleFolder(cache), each));
  for (const folder of [old!, young!]) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'envoy'), 'half of it');
  }
  const past = new Date(Date.now() - 25 * 3_600_000);
  utimesSync(old!, past, past);
  await makeBundle(cache, name, fill());
  expect([old, young].map((each) => existsSync(each!))).toEqual([false, true]);
});

test('several processes may make the same one at once, and each gets a whole one', async () => {
  const cache = temporaryFolder();
  const module = fileURLToPath(new URL('../../../../src/programs/local/sources/bundle.ts', import.meta.url));
  const program = `
    import { writeFile } from 'node:fs/promises';
    import { findBundle, makeBundle } from '${module}';
    const name = ${JSON.stringify(name)};
    await makeBundle('${cache}', name, async (folder) => {
      await writeFile(folder + '/envoy', '#!/bin/sh\\n'.padEnd(3_000_000, '#'));
      return { origin: 'test', versions: { envoy: '1.40.0' } };
    });
    const found = await findBundle('${cache}', name, { verify: true, report: console.log });
    console.log(found === undefined ? 'nothing' : 'whole');`;
  const run = () => execa('node', ['--import', typescript, '--input-type=module', '-e', program]);
  const all = await Promise.all([run(), run(), run(), run()]);
  expect(all.map(({ stdout }) => stdout)).toEqual(['whole', 'whole', 'whole', 'whole']);
  expect(readdirSync(bundleFolder(cache))).toHaveLength(1);
});

test('digests are those of the content', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, 'content');
  expect(await digestOf(file)).toBe(sha256('content'));
  expect(await digestOf(file, 'sha512')).toBe(
    execFileSync('sha512sum', [file], { encoding: 'utf8' }).split(' ')[0],
  );
  expect(statSync(file).size).toBe(7);
});
