import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { lookAt, readLimited, UnreadableFile, whyUnreadable } from '../../../src/base/files/limited-file.ts';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-limited-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function refusal(file: string, most = 1000): string {
  try {
    return `read ${readLimited(file, most).length} bytes`;
  } catch (thrown) {
    return whyUnreadable(thrown).why;
  }
}

describe('a file of others', () => {
  test.each([0, 1, 999, 1000])('of %i bytes is read whole', (size) => {
    const file = join(temporaryFolder(), 'a');
    writeFileSync(file, Buffer.alloc(size, 'x'));
    expect(readLimited(file, 1000)).toEqual(Buffer.alloc(size, 'x'));
  });

  test('that is too large is refused before it is read', () => {
    const file = join(temporaryFolder(), 'a');
    writeFileSync(file, '');
    truncateSync(file, 47 * 1024 * 1024 * 1024);
    expect(refusal(file, 1024 * 1024)).toBe('has 48128 MiB, more than the 1 MiB that are read');
    truncateSync(file, 1024 * 1024 + 1);
    expect(refusal(file, 1024 * 1024)).toBe('has more than the 1 MiB that are read');
    truncateSync(file, 1001);
    expect(refusal(file)).toBe('has 1001 bytes, more than the 1000 bytes that are read');
  });

  test.skipIf(process.platform !== 'linux')(
    'that says it is empty and is not, is read as far as allowed',
    () => {
      expect(readLimited('/proc/version', 10_000_000).toString()).toBe(readFileSync('/proc/version', 'utf8'));
      expect(refusal('/proc/version', 10)).toMatch(/more than the 10 bytes/);
    },
  );

  test.skipIf(process.platform === 'win32')('is no device and no pipe, which may have no end', () => {
    const pipe = join(temporaryFolder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const file of ['/dev/zero', '/dev/null', pipe])
      expect(refusal(file)).toBe('is a device or a pipe and no file');
    expect(refusal(temporaryFolder())).toBe('is a folder and no file');
    expect(() => readLimited(pipe, 1)).toThrow(UnreadableFile);
  });

  test('that is not there is said to be so', () => {
    expect(refusal(join(temporaryFolder(), 'gone'))).toBe('does not exist');
  });
});

describe('what a path leads to', () => {
  test.each([
    ['nothing', 'gone', 'does not exist'],
    ['something below a file', 'a/b', 'does not exist'],
    ['a link to itself', 'loop', 'cannot be read (ELOOP)'],
    ['a name that is too long', 'x'.repeat(300), 'cannot be read (ENAMETOOLONG)'],
    ['what is no path', 'a\0b', 'cannot be a path'],
  ])('cannot be told of %s', (_, path, why) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a'), '');
    symlinkSync('loop', join(folder, 'loop'));
    expect(lookAt(`${folder}/${path}`)).toEqual({ why });
  });

  test('is known of files and folders', () => {
    const folder = temporaryFolder();
    expect(lookAt(folder).stat?.isDirectory()).toBe(true);
  });
});
