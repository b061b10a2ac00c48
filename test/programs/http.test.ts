import { MockAgent } from 'undici';
import { expect, test } from 'vitest';
import { get, Transient } from '../../src/programs/http.ts';
import { quick } from './downloads.ts';

function answering(status: number, headers: Record<string, string> = {}) {
  const through = new MockAgent();
  through.disableNetConnect();
  through.get('https://site.example').intercept({ path: '/kind' }).reply(status, '', { headers });
  const signal = new AbortController().signal;
  return get('https://site.example/kind', { through, limits: quick, signal });
}

test.each([
  [
    'http://site.example/kind',
    'https://site.example/kind redirects to http://site.example/kind, which is not encrypted',
  ],
  [
    'ftp://site.example/kind',
    'https://site.example/kind redirects to ftp://site.example/kind, which is no http or https URL',
  ],
])('a redirect from https to %s is refused', async (location, message) => {
  await expect(answering(302, { location })).rejects.toThrow(message);
});

test('a redirect without a location is a failure', async () => {
  await expect(answering(302)).rejects.toThrow('https://site.example/kind answered 302');
});

test.each([
  [429, true],
  [500, true],
  [503, true],
  [401, false],
  [403, false],
])('status %i is worth another attempt: %s', async (status, worth) => {
  const error = await answering(status).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Error);
  expect(error instanceof Transient).toBe(worth);
});
