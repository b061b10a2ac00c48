import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { create } from 'tar';
import { expect, test } from 'vitest';
import { entriesOf, extractEntries } from '../../../src/programs/oci/layer.ts';
import { temporaryFolder } from '../downloads.ts';
import { failure } from './fetcher.ts';
import { file, folder, hardLink, layerOf, symlink, tarOf } from './tarballs.ts';

const reading = { maxUnpacked: 100_000_000, signal: new AbortController().signal };

function written(bytes: Buffer): string {
  const path = join(temporaryFolder(), 'layer');
  writeFileSync(path, bytes);
  return path;
}

test('all kinds of entries are told, in order', async () => {
  const layer = written(
    layerOf(
      folder('a'),
      file('a/f', 'four', 0o644),
      file('a/x', '', 0o711),
      symlink('l', 'a/f'),
      hardLink('h', 'a/f'),
      { path: 'p', type: 'FIFO' },
    ),
  );

  const entries = await entriesOf(layer, reading);

  expect(
    entries.map(({ path, kind, link, size, executable }) => [path, kind, link, size, executable]),
  ).toEqual([
    ['a/', 'directory', '', 0, true],
    ['a/f', 'file', '', 4, false],
    ['a/x', 'file', '', 0, true],
    ['l', 'symbolic link', 'a/f', 0, false],
    ['h', 'hard link', 'a/f', 0, false],
    ['p', 'special file', '', 0, false],
  ]);
});

test('names that are too long for a header are told whole', async () => {
  const source = temporaryFolder();
  const long = `${'n'.repeat(200)}-${'m'.repeat(50)}`;
  writeFileSync(join(source, long), 'content');
  const layer = join(temporaryFolder(), 'layer');
  await create({ file: layer, gzip: true, cwd: source }, [long]);
  const target = join(temporaryFolder(), 'out');

  const entries = await entriesOf(layer, reading);
  await extractEntries(layer, new Map([[0, target]]), reading);

  expect(entries.map((entry) => entry.path)).toEqual([long]);
  expect(readFileSync(target, 'utf8')).toBe('content');
});

test('several files are written at one reading, whatever lies between them', async () => {
  const big = Buffer.alloc(3_000_000, 'b');
  const layer = written(layerOf(file('a', 'A'), file('b', big), folder('d'), file('c', ''), file('e', big)));
  const out = temporaryFolder();
  const targets = new Map([0, 3, 4].map((position) => [position, join(out, String(position))]));

  await extractEntries(layer, targets, reading);

  expect(readFileSync(join(out, '0'), 'utf8')).toBe('A');
  expect(readFileSync(join(out, '3'), 'utf8')).toBe('');
  expect(readFileSync(join(out, '4')).equals(big)).toBe(true);
});

test.each([
  ['plain', tarOf([])],
  ['gzip', gzipSync(tarOf([]))],
  ['with a lot of padding', gzipSync(Buffer.alloc(1_000_000))],
])('an archive of nothing is a layer that changes nothing: %s', async (_, bytes) => {
  expect(await entriesOf(written(bytes), reading)).toEqual([]);
});

test('what follows the end of an archive does not matter, and is not collected', {
  timeout: 15_000,
}, async () => {
  const layer = written(
    gzipSync(Buffer.concat([tarOf([file('a', 'x')]), Buffer.alloc(90_000_000)]), { level: 1 }),
  );
  expect((await entriesOf(layer, reading)).map((entry) => entry.path)).toEqual(['a']);
});

test('a file that cannot be written ends the reading', async () => {
  const layer = written(layerOf(file('a', Buffer.alloc(3_000_000)), file('b', Buffer.alloc(3_000_000))));
  const nowhere = join(temporaryFolder(), 'missing', 'a');

  await expect(extractEntries(layer, new Map([[0, nowhere]]), reading)).rejects.toMatchObject({
    code: 'ENOENT',
  });
});

test('damage in the middle of a file ends the reading', async () => {
  const layer = written(tarOf([file('a', Buffer.alloc(3_000_000))]).subarray(0, 1_000_000));
  const target = join(temporaryFolder(), 'a');

  const error = await failure(extractEntries(layer, new Map([[0, target]]), reading));

  expect(error.message).toContain(
    'a layer of the image cannot be unpacked: TAR_BAD_ARCHIVE: Truncated input',
  );
});

test('an interruption ends the reading, also in the middle of a file', async () => {
  const layer = written(layerOf(file('a', Buffer.alloc(50_000_000))));
  const user = new AbortController();
  const target = join(temporaryFolder(), 'a');

  const extracting = extractEntries(layer, new Map([[0, target]]), { ...reading, signal: user.signal });
  while (!existsSync(target)) await new Promise((done) => setImmediate(done));
  user.abort('SIGINT');

  expect((await failure(extracting)).code).toBe('E_INTERRUPTED');
});
