import { expect, test } from 'vitest';
import { readUpTo, sizeText } from '../../../src/base/files/limits.ts';

/** A stream without an end, and how many pieces were taken of it. */
function endless(piece: string) {
  const seen = { taken: 0, closed: false };
  const stream = (async function* () {
    try {
      for (;;) {
        seen.taken++;
        yield Buffer.from(piece);
      }
    } finally {
      seen.closed = true;
    }
  })();
  return { stream, seen };
}

test('what has no end is read up to the limit, and closed', async () => {
  const { stream, seen } = endless('abc');
  expect(await readUpTo(stream, 10)).toEqual({ data: Buffer.from('abcabcabca'), isCut: true });
  expect(seen).toEqual({ taken: 4, closed: true });
});

test('what is just as long as the limit is whole', async () => {
  const stream = (async function* () {
    yield Buffer.from('abc');
    yield Buffer.from('de');
  })();
  expect(await readUpTo(stream, 5)).toEqual({ data: Buffer.from('abcde'), isCut: false });
});

test('limits are named in units that fit', () => {
  expect([sizeText(64 * 1024), sizeText(4 * 1024 * 1024)]).toEqual(['64 KiB', '4 MiB']);
});
