import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { EntryHost } from '../../../../src/target/local/network/entry-hosts.ts';
import type { Destination } from '../../../../src/target/local/network/resolver.ts';
import { type Route, routeOf, sendFromPod, splitUrl } from '../../../../src/target/local/network/sender.ts';
import type { HttpRequest } from '../../../../src/target/target.ts';
import { closedUrl, type HttpServer, startHttpServer, valuesOf } from '../../../support/http-server.ts';
import { unaborted } from '../../../support/signals.ts';
import { identity, service } from '../support.ts';

describe('a URL in its parts', () => {
  test.each([
    ['http://httpbin.foo:8000/headers', 'http://httpbin.foo:8000', 'httpbin.foo', 8000, '/headers'],
    ['http://httpbin.foo', 'http://httpbin.foo', 'httpbin.foo', 80, '/'],
    ['https://a.test', 'https://a.test', 'a.test', 443, '/'],
    ['http://a.test?x=1', 'http://a.test', 'a.test', 80, '/?x=1'],
    ['http://a.test/a/../b//c/%2e?x=%20', 'http://a.test', 'a.test', 80, '/a/../b//c/%2e?x=%20'],
    // A fragment is not sent: RFC 9110, section 7.1.
    ['http://a.test/x?y#z', 'http://a.test', 'a.test', 80, '/x?y'],
    ['http://a.test#z', 'http://a.test', 'a.test', 80, '/'],
    ['HTTP://A.test/X', 'HTTP://A.test', 'a.test', 80, '/X'],
    ['http://127.0.0.1:80/', 'http://127.0.0.1:80', '127.0.0.1', 80, '/'],
  ])('%s', (url, origin, hostname, port, path) => {
    expect(splitUrl(url)).toEqual({ origin, hostname, port, path });
  });

  test.each([
    '/headers',
    'httpbin.foo/headers',
    'ftp://a.test/',
    'http://',
    'http:///x',
    'http://a:b/',
    'http://a b/',
    '',
  ])('"%s" is none', (url) => {
    expect(() => splitUrl(url)).toThrow(
      expect.objectContaining({ code: 'E_SEND', message: expect.stringContaining(url) }),
    );
  });

  test('has its path as it was written, whatever it is', () => {
    const path = fc.stringMatching(/^\/[!-~]*$/).filter((text) => !text.includes('#'));
    fc.assert(
      fc.property(fc.webAuthority({ withPort: true }), path, (authority, text) => {
        expect(splitUrl(`http://${authority}${text}`).path).toBe(text);
      }),
    );
  });
});

describe('the way out of a pod', () => {
  const outbound = { address: '127.99.0.21', socket: '/mesh/w1.out' };
  let found: Destination;
  const route = (
    url: string,
    more: { injected?: boolean; clientPorts?: number[]; hosts?: Record<string, EntryHost> } = {},
  ) => {
    const { injected = true, clientPorts = [8000], hosts = {} } = more;
    const resolver = {
      resolve: () => found,
      serviceFor: (host: string) => (host === 'httpbin.foo' ? service('httpbin') : undefined),
    };
    return routeOf(
      { resolver },
      { identity: identity({ proxy: injected ? 'sidecar' : 'none' }), outbound, clientPorts },
      url,
      (host) => hosts[host] ?? 'unknown',
    );
  };
  beforeEach(() => {
    found = { kind: 'unknown' };
  });

  test('leads through the sidecar to what the mesh knows', () => {
    expect(route('http://httpbin.foo:8000/')).toEqual({ host: '127.99.0.21', port: 8000 });
    expect(route('HTTP://httpbin.foo:8000/')).toEqual({ host: '127.99.0.21', port: 8000 });
    expect(route('http://keys.test:8000/', { hosts: { 'keys.test': 'resolved' } })).toEqual({
      host: '127.99.0.21',
      port: 8000,
    });
    // Port 80 needs no right to listen on it.
    expect(route('http://httpbin.foo/')).toEqual({ socketPath: '/mesh/w1.out' });
  });

  test('says why there is none for a port', () => {
    const message = (url: string) => {
      try {
        return `${route(url)}`;
      } catch (thrown) {
        return `${(thrown as Error).message}. ${(thrown as { hint: string }).hint}`;
      }
    };
    expect(message('http://httpbin.foo:81/')).toMatch(/the sidecar of httpbin-1 .* port 81\. .*below 1024/);
    expect(message('http://httpbin.foo:9000/')).toMatch(/port 9000\. Name the port of the Service http/);
  });

  test('passes the sidecar by for what the mesh does not know, for TLS, and where there is none', () => {
    expect(route('http://example.test/')).toEqual({ anywhere: true });
    found = { kind: 'address', host: '127.99.0.40', port: 40_443 };
    for (const [url, injected] of [
      ['http://keys.test/', true],
      ['https://httpbin.foo/', true],
      ['http://httpbin.foo:9000/', false],
    ] as const)
      expect(route(url, { injected })).toEqual({ host: '127.99.0.40', port: 40_443 });
  });

  test('leads through the sidecar to a host of a ServiceEntry, once there is an address for it', () => {
    const through = { host: '127.99.0.21', port: 8000 };
    const routed = { hosts: { 'keys.test': 'routed' } } as const;
    expect(route('http://keys.test:8000/', routed)).toEqual({ anywhere: true });
    // Without a sidecar nobody answers for it.
    const plain = { hosts: { 'keys.test': 'resolved' }, injected: false } as const;
    expect(route('http://keys.test:8000/', plain)).toEqual({ anywhere: true });
    found = { kind: 'address', host: '127.99.0.40', port: 40_080 };
    expect(route('http://keys.test:8000/', routed)).toEqual(through);
    expect(route('http://keys.test:8000/')).toEqual({ host: '127.99.0.40', port: 40_080 });
  });

  test('is not there for TLS to a host of a ServiceEntry that nobody but the sidecar finds', () => {
    const resolved = { hosts: { 'keys.test': 'resolved' } } as const;
    expect(() => route('https://keys.test/', resolved)).toThrow(
      expect.objectContaining({ code: 'E_SEND', message: expect.stringContaining('keys.test') }),
    );
    found = { kind: 'address', host: '127.99.0.40', port: 40_443 };
    expect(route('https://keys.test/', resolved)).toEqual({ host: '127.99.0.40', port: 40_443 });
  });

  test('leads to nobody when nobody is there', () => {
    found = { kind: 'refused', why: 'no endpoints' };
    expect(route('http://httpbin.foo:8000/', { injected: false })).toEqual({ host: '127.99.0.21', port: 1 });
  });
});

describe('requests', () => {
  let server: HttpServer;
  let folder: string;
  beforeAll(async () => {
    server = await startHttpServer();
    folder = mkdtempSync(join(tmpdir(), 'sender-'));
  });
  beforeEach(() => {
    server.seen.length = 0;
    server.handler = (_, response) => void response.end('ok');
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await server.stop();
  });
  const request = (url: string, id = 'run/1'): HttpRequest => ({
    id,
    method: 'GET',
    url,
    headers: [['X-A', 'b']],
  });
  const here = () => ({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
  const limit = { requestMs: 5_000, allMs: 20_000 };
  const send = (url: string, route: Route, rounds = 1, signal = unaborted()) =>
    sendFromPod([request(url)], [route], rounds, signal, limit);

  test('go where the route leads, whatever the port of the URL, and look as they would in a pod', async () => {
    const [[answer] = []] = await send('http://httpbin.foo:8000/a/../b?c', here());
    expect(answer).toMatchObject({ status: 200, body: 'ok' });
    expect(server.seen).toMatchObject([{ method: 'GET', url: '/a/../b?c' }]);
    expect(valuesOf(server.seen[0], 'host')).toEqual(['httpbin.foo:8000']);
    expect(valuesOf(server.seen[0], 'user-agent')).toEqual(['run/1']);
    expect(valuesOf(server.seen[0], 'x-a')).toEqual(['b']);
  });

  test('have a connection each, one after the other, in every round', async () => {
    const requests = [request('http://a.foo/1', '1'), request('http://a.foo/2', '2')];
    const answers = await sendFromPod(requests, [here(), here()], 3, unaborted(), limit);
    expect(answers.map((round) => round.map(({ status }) => status))).toEqual(Array(3).fill([200, 200]));
    expect(server.seen.map(({ url }) => url)).toEqual(['/1', '/2', '/1', '/2', '/1', '/2']);
    expect(server.seen.map(({ connection }) => connection)).toEqual(
      Array.from({ length: 6 }, (_, index) => server.seen[0]!.connection + index),
    );
  });

  test('what hangs holds up the others for as long as all of them may take, and no longer', async () => {
    server.handler = (incoming, response) => void (incoming.url === '/never' || response.end('ok'));
    const requests = ['/1', '/never', '/2'].map((path) => request(`http://a.foo${path}`, path));
    const routes = requests.map(here);
    const patient = await sendFromPod(requests, routes, 1, unaborted(), { requestMs: 100, allMs: 5_000 });
    expect(patient[0]?.map(({ status }) => status)).toEqual([200, 0, 200]);
    const cut = await sendFromPod(requests, routes, 9, unaborted(), { requestMs: 100, allMs: 50 });
    expect(cut.map((round) => round.map(({ status, at }) => [status, at === 0]))).toEqual([
      [
        [200, false],
        [0, false],
        [0, true],
      ],
    ]);
  });

  describe('on port 80', () => {
    let local: Server;
    afterEach(() => local.close());

    test('go through the Unix socket', async () => {
      const socketPath = join(folder, 'out');
      local = createServer((incoming, response) => response.end(incoming.headers.host)).listen(socketPath);
      await once(local, 'listening');
      const [[answer] = []] = await send('http://httpbin.foo/', { socketPath });
      expect(answer).toMatchObject({ status: 200, body: 'httpbin.foo' });
    });
  });

  test('that are not for the mesh go where this machine says', async () => {
    const [[answer] = []] = await send(server.url.replace('127.0.0.1', 'localhost'), { anywhere: true });
    expect(answer?.status).toBe(200);
  });

  test('to nobody have an answer that says so', async () => {
    const port = Number(new URL(await closedUrl()).port);
    const [[answer] = []] = await send('http://httpbin.foo:8000/', { host: '127.0.0.1', port });
    expect(answer).toMatchObject({ status: 0, error: expect.stringContaining('ECONNREFUSED') });
  });

  test('end when they are interrupted', async () => {
    server.handler = () => {};
    const aborted = new AbortController();
    const sending = send('http://a.foo/', here(), 1, aborted.signal);
    await expect.poll(() => server.seen).toHaveLength(1);
    aborted.abort('SIGINT');
    await expect(sending).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
  });
});
