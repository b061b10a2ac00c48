import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Hosts } from '../../../src/programs/local/hosts-that-answer.ts';
import { unaborted } from '../../support/signals.ts';
import { downloads } from '../downloads.ts';

async function listening(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a host that gives any answer can be reached, and is asked once', async () => {
  const server = await downloads();
  const hosts = new Hosts(unaborted(), 1_000);
  const urls = ['/one.tar.gz', '/two', ''].map((path) => `${server.url}${path}`);
  expect(await Promise.all(urls.map((url) => hosts.problem(url)))).toEqual([undefined, undefined, undefined]);
  expect(await hosts.problem(server.url)).toBeUndefined();
  expect(server.asked).toEqual(['/']);
});

test('a host that refuses cannot be reached', async () => {
  const closed = createTcpServer();
  const url = await listening(closed);
  await new Promise((done) => closed.close(done));
  expect(await new Hosts(unaborted(), 1_000).problem(`${url}/x`)).toMatch(
    new RegExp(`^${url} cannot be reached: .*ECONNREFUSED`),
  );
});

test('a host that says nothing is waited for as long as was allowed, and no longer', async () => {
  const mute = createTcpServer((socket) => void onTestFinished(() => void socket.destroy()));
  const url = await listening(mute);
  const start = Date.now();
  expect(await new Hosts(unaborted(), 300).problem(url)).toMatch(
    /cannot be reached: an answer took longer than/,
  );
  expect(Date.now() - start).toBeLessThan(10_000);
});

test('an interruption ends the waiting', async () => {
  const mute = createTcpServer((socket) => void onTestFinished(() => void socket.destroy()));
  const controller = new AbortController();
  const asked = new Hosts(controller.signal, 20_000).problem(await listening(mute));
  setTimeout(() => controller.abort('SIGINT'), 100);
  await expect(asked).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
});

describe('a proxy of the environment', () => {
  async function proxied(answer: string): Promise<string | undefined> {
    const asked: string[] = [];
    const proxy = createHttpServer();
    proxy.on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      socket.end(answer);
    });
    const url = await listening(proxy);
    for (const name of ['HTTP_PROXY', 'http_proxy']) vi.stubEnv(name, url);
    for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '');
    onTestFinished(() => void vi.unstubAllEnvs());
    const problem = await new Hosts(unaborted(), 1_000).problem('http://no-such-host.invalid/x');
    expect(asked[0]).toBe('no-such-host.invalid:80');
    return problem;
  }

  test('that refuses is named as the reason', async () => {
    expect(await proxied('HTTP/1.1 403 Forbidden\r\n\r\n')).toMatch(/cannot be reached: .*403/);
  });

  test('that hangs up does not keep us waiting', async () => {
    expect(await proxied('')).toMatch(/cannot be reached: an answer took longer than 1 s/);
  });
});
