/** Which CA a kept cluster is used with. */
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { Authorities } from '../../../src/target/kind/authorities.ts';

let file: string;
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'authorities-')), 'ca.json');
});
const again = () => new Authorities(file, 'mine');

test('the kept one is used again, and istiod has it when it was given it', async () => {
  const pem = await again().create();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const authorities = again();
  expect(await authorities.restore(`${pem}\n`)).toEqual({ pem, isGiven: true });
  expect((await authorities.get('trusted')).certPem).toBe(pem);
});

test('istiod that was given another one, or none, does not have it', async () => {
  const pem = await again().create();
  const other = await new Authorities(`${file}.other`, 'mine').create();
  for (const given of [other, '', undefined])
    expect(await again().restore(given)).toEqual({ pem, isGiven: false });
});

test.each<[string, () => void]>([
  ['is not there', () => {}],
  ['is no JSON', () => writeFileSync(file, 'garbage')],
])('a new one is made when the kept one %s', async (_, leave) => {
  leave();
  const { pem, isGiven } = await again().restore('given');
  expect(isGiven).toBe(false);
  expect(readFileSync(file, 'utf8')).toContain(JSON.stringify(pem).slice(1, -1));
});

test('a new one is made when the kept one ends within a day', async () => {
  const old = await again().create();
  vi.useFakeTimers({ now: Date.now() + 1000 * 24 * 60 * 60 * 1000, toFake: ['Date'] });
  try {
    const { pem, isGiven } = await again().restore(old);
    expect(pem).not.toBe(old);
    expect(isGiven).toBe(false);
  } finally {
    vi.useRealTimers();
  }
});
