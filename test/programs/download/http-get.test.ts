import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MockAgent } from 'undici';
import { expect, onTestFinished, test, vi } from 'vitest';
import { dispatcher, get } from '../../../src/programs/download/http-get.ts';
import { Transient } from '../../../src/programs/download/transient.ts';
import { downloads, quick, send } from '../downloads.ts';

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

test('a redirect from https to http is followed within this machine', async () => {
  const through = new MockAgent();
  through.disableNetConnect();
  const answer = (origin: string) => through.get(origin).intercept({ path: '/kind' });
  answer('https://localhost:1').reply(302, '', { headers: { location: 'http://127.0.0.1:2/kind' } });
  answer('http://127.0.0.1:2').reply(200, 'kind');
  const signal = new AbortController().signal;

  const { body, url } = await get('https://localhost:1/kind', { through, limits: quick, signal });

  expect(await body.text()).toBe('kind');
  expect(url.href).toBe('http://127.0.0.1:2/kind');
});

test.each([undefined, 'example.com', '*'])(
  'no proxy stands before this machine, with NO_PROXY %s',
  async (direct) => {
    const server = await downloads();
    server.routes.set('/kind', send('kind'));
    for (const name of ['http_proxy', 'https_proxy']) vi.stubEnv(name, 'http://127.0.0.1:1');
    for (const name of ['no_proxy', 'NO_PROXY']) vi.stubEnv(name, direct);
    const through = dispatcher(quick);
    onTestFinished(async () => {
      vi.unstubAllEnvs();
      await through.destroy();
    });

    for (const url of [server.url, server.url.replace('127.0.0.1', 'localhost')]) {
      const { body } = await get(`${url}/kind`, {
        through,
        limits: quick,
        signal: new AbortController().signal,
      });
      expect(await body.text()).toBe('kind');
    }
  },
);

test('no proxy stands before anything with NO_PROXY *', async () => {
  vi.stubEnv('http_proxy', 'http://127.0.0.1:1');
  vi.stubEnv('no_proxy', '*');
  const through = dispatcher(quick);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await through.destroy();
  });
  const signal = new AbortController().signal;

  await expect(get('http://site.invalid/', { through, limits: quick, signal })).rejects.toThrow(
    'getaddrinfo',
  );
});

test('a proxy that hangs up does not outlast the time limit', async () => {
  const proxy = createServer().on('connect', (_request, socket) => socket.destroy());
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  for (const name of ['HTTPS_PROXY', 'https_proxy']) vi.stubEnv(name, url);
  for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '');
  onTestFinished(() => void vi.unstubAllEnvs());
  const through = dispatcher(quick);
  onTestFinished(() => through.destroy());
  const signal = AbortSignal.timeout(500);
  const started = performance.now();

  const failed = get('https://no-such-host.invalid/kind', { through, limits: quick, signal });

  await expect(failed).rejects.toThrow();
  expect(performance.now() - started).toBeLessThan(5_000);
});
