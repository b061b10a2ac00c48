import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { create } from 'tar';
import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import { entriesOf, extractEntries } from '../../../src/programs/oci/layer.ts';
import { temporaryFolder } from '../downloads.ts';
import { failure } from './fetcher.ts';
import { file, folder, hardLink, layerOf, symlink, tarOf } from './tarballs.ts';

const reading = {
  what: 'a layer of the image',
  maxUnpacked: 100_000_000,
  signal: new AbortController().signal,
};

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

describe('a layer that is meant to do harm is refused:', () => {
  const refused = async (bytes: Buffer, limits = reading, left?: { count: number }) => {
    const error = await failure(entriesOf(written(bytes), limits, left));
    expect(error.code).toBe('E_PROGRAM');
    return error.message;
  };

  test('one that unpacks to more than is allowed', async () => {
    const bomb = gzipSync(Buffer.alloc(3_000_000), { level: 1 });
    const message = await refused(bomb, { ...reading, maxUnpacked: 1_000_000 });
    expect(message).toBe('a layer of the image unpacks to more than 1000000 bytes');
  });

  test('one that is compressed twice, which the parser would unpack without a limit', async () => {
    const message = await refused(gzipSync(layerOf(file('a', 'x'))));
    expect(message).toBe('a layer of the image is compressed twice; it was not used');
  });

  test('one with more names in its paths than any image has', async () => {
    const layers = [tarOf([file('a/b', ''), symlink('c', 'a/b')]), tarOf([file('a/b/c/d', '')])];
    // All layers of an image have one number of names: in the paths, and in what links lead to.
    const left = { count: 8 };
    await entriesOf(written(layers[0]!), reading, left);
    expect(left.count).toBe(2);
    const message = await refused(layers[1]!, reading, left);
    expect(message).toBe('a layer of the image has more than 1000000 names in its paths; it was not used');
  });

  test.each(['path', 'linkpath'])('one with a %s that no system allows', async (key) => {
    const record = `${key}=${'a/'.repeat(20_000)}b\n`;
    const length = record.length + 1;
    const content = `${length + String(length).length} ${record}`;
    const extended = { path: 'PaxHeader/x', type: 'ExtendedHeader', content } as const;
    const message = await refused(tarOf([extended, symlink('x', 'y')]));
    expect(message).toBe(
      'a layer of the image has a path of 40001 characters, which starts with "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/"; it was not used',
    );
  });

  /** Puts a number into the field for the size, as it is or in the form for large ones, and mends the checksum. */
  const withSize = (field: Buffer) => {
    const layer = tarOf([file('a', 'four')]);
    field.copy(layer, 124);
    layer.fill(' ', 148, 156);
    const sum = layer.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    layer.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return layer;
  };
  test.each([
    ['2^63', Buffer.from('80000000' + '8000000000000000', 'hex')],
    ['2^52', Buffer.from('80000000' + '0010000000000000', 'hex')],
    ['-1', Buffer.alloc(12, 0xff)],
    ['no number', Buffer.from('zzzzzzzzzzzz')],
    ['8 GiB', Buffer.from('77777777777\0')],
  ])('one whose file has a size of %s', async (_, field) => {
    const out = join(temporaryFolder(), 'out');
    const layer = written(withSize(field));
    const [told] = await Promise.allSettled([entriesOf(layer, reading)]);
    if (told.status === 'rejected') expect(told.reason).toBeInstanceOf(HarnessError);
    const extracting = extractEntries(layer, new Map([[0, out]]), reading);
    expect((await failure(extracting)).message).toMatch(
      /^a layer of the image cannot be unpacked: (TAR_|parsed number outside)/,
    );
  });

  test.each([1, 100, 511, 513, 700])('one that ends after %i bytes', async (length) => {
    const message = await refused(tarOf([file('a', 'x'.repeat(1_000))]).subarray(0, length));
    expect(message).toContain('a layer of the image cannot be unpacked: ');
  });
});
