import { expect, test } from 'vitest';
import { linesIn } from '../../../src/base/files/lines.ts';

async function* pieces(...texts: (string | Uint8Array)[]) {
  for (const text of texts) yield typeof text === 'string' ? Buffer.from(text) : text;
}

async function lines(...texts: (string | Uint8Array)[]): Promise<string[]> {
  const all: string[] = [];
  for await (const line of linesIn(pieces(...texts))) all.push(line);
  return all;
}

test('lines are put together across pieces, and one that has not ended is left out', async () => {
  expect(await lines('a\nb', 'c\n', '\nd\n', 'e')).toEqual(['a', 'bc', '', 'd']);
  expect(await lines()).toEqual([]);
});

test('a character may come in two pieces', async () => {
  const [first, second] = [Buffer.from('ü\n').subarray(0, 1), Buffer.from('ü\n').subarray(1)];
  expect(await lines(first, second)).toEqual(['ü']);
});
