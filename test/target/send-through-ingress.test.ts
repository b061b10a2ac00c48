import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { issueCertificate, makeCa } from '../../src/jwks/certificates.ts';
import { curlOverTls, sendThroughIngress } from '../../src/target/send-through-ingress.ts';
import type { HttpRequest } from '../../src/target/target.ts';
import { closedUrl, type HttpServer, startHttpServer, valuesOf } from '../support/http-server.ts';
import { unaborted } from '../support/signals.ts';

let server: HttpServer;
beforeAll(async () => {
  server = await startHttpServer();
});
beforeEach(() => {
  server.seen.length = 0;
  server.handler = (_, response) => void response.end('ok');
});
afterAll(async () => {
  await server.stop();
});

function get(url: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return { id: 'test-1', method: 'GET', url, headers: [], ...more };
}

const limit = { requestMs: 5_000, allMs: 20_000 };

async function sendOne(request: HttpRequest, requestMs = limit.requestMs) {
  const within = { ...limit, requestMs };
  const [[answer] = []] = await sendThroughIngress({ url: server.url }, [request], 1, unaborted(), within);
  return answer;
}

describe('requests', () => {
  test.each([
    '/a/../b',
    '/a/./b//c',
    '/admin%2Fsecret/%2e%2e/x',
    '/[a]/{b,c}?x=[1-3]&y={z}',
    '/productpage?u=normal&access_token=a.b.c',
  ])('the path %s is sent as it is', async (path) => {
    expect(await sendOne(get(path))).toMatchObject({ status: 200, body: 'ok' });
    expect(server.seen.map((each) => each.url)).toEqual([path]);
  });

  test('every request has a connection of its own, in every round', async () => {
    const answers = await sendThroughIngress(
      { url: server.url },
      [get('/1'), get('/2')],
      3,
      unaborted(),
      limit,
    );
    expect(answers.map((round) => round.map((each) => each.status))).toEqual([
      [200, 200],
      [200, 200],
      [200, 200],
    ]);
    expect(new Set(server.seen.map((each) => each.connection)).size).toBe(6);
  });

  test('answers are in the order of the requests, whatever their time', async () => {
    server.handler = (request, response) =>
      void setTimeout(() => response.end(request.url), request.url === '/slow' ? 60 : 0);
    const [round] = await sendThroughIngress(
      { url: server.url },
      [get('/slow'), get('/fast')],
      1,
      unaborted(),
      limit,
    );
    expect(round?.map((each) => each.body)).toEqual(['/slow', '/fast']);
  });

  test('headers of the answer may have the names of what every object has', async () => {
    server.handler = (_, response) =>
      void response.setHeader('constructor', 'a').setHeader('__proto__', 'b').end();
    const headers = new Map(Object.entries((await sendOne(get('/')))?.headers ?? {}));
    expect(['constructor', '__proto__'].map((name) => headers.get(name))).toEqual(['a', 'b']);
  });

  test('method, chosen host, repeated and empty headers', async () => {
    server.handler = (_, response) => void response.writeHead(204, { 'Set-Cookie': ['a=1', 'b=2'] }).end();
    const answer = await sendOne(
      get('/', {
        method: 'POST',
        headers: [
          ['Host', 'bookinfo.example.com'],
          ['X-Many', 'one'],
          ['X-Many', 'two'],
          ['X-Empty', ''],
        ],
      }),
    );
    const [seen] = server.seen;
    expect(seen?.method).toBe('POST');
    expect(valuesOf(seen, 'host')).toEqual(['bookinfo.example.com']);
    expect(valuesOf(seen, 'x-many')).toEqual(['one', 'two']);
    expect(valuesOf(seen, 'x-empty')).toEqual(['']);
    expect(valuesOf(seen, 'user-agent')).toEqual(['test-1']);
    expect(answer).toMatchObject({ status: 204, headers: { 'set-cookie': 'a=1, b=2' } });
  });

  test('HEAD has headers and no body', async () => {
    server.handler = (_, response) => void response.writeHead(200, { 'content-length': '5' }).end();
    expect(await sendOne(get('/', { method: 'HEAD' }))).toMatchObject({ status: 200, body: '' });
  });
});

describe('no answer has status 0 and says why', () => {
  test('nothing listens', async () => {
    const closed = await closedUrl();
    for (const base of [closed, closed.replace('127.0.0.1', 'localhost')]) {
      const [[answer] = []] = await sendThroughIngress({ url: base }, [get('/')], 1, unaborted(), limit);
      expect(answer).toMatchObject({ status: 0, headers: {}, body: '' });
      expect(answer?.error).toContain('ECONNREFUSED');
    }
  });

  test('the connection breaks', async () => {
    server.handler = (request) => void request.socket.destroy();
    const answer = await sendOne(get('/'));
    expect(answer).toMatchObject({ status: 0 });
    expect(answer?.error).toMatch(/other side closed|ECONNRESET/);
  });

  test('no headers come in time, and others do not suffer from it', async () => {
    server.handler = (request, response) => void (request.url === '/fast' && response.end('ok'));
    const within = { ...limit, requestMs: 300 };
    const requests = [get('/never'), get('/fast')];
    const [round] = await sendThroughIngress({ url: server.url }, requests, 1, unaborted(), within);
    expect(round?.map((each) => each.status)).toEqual([0, 200]);
    expect(round?.[0]?.error).toBe('the request took longer than 0 s');
    expect(round?.[0]?.durationMs).toBeGreaterThanOrEqual(290);
  });

  test('a body that drips for ever', async () => {
    server.handler = (_, response) => {
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    };
    expect(await sendOne(get('/'), 300)).toMatchObject({
      status: 0,
      error: 'the request took longer than 0 s',
    });
  });

  test('the request cannot be sent', async () => {
    expect(await sendOne(get('no-slash'))).toMatchObject({
      status: 0,
      error: expect.stringContaining('path'),
    });
  });
});

test('what hangs in every round takes no longer than all of them may', async () => {
  server.handler = (request, response) => void (request.url === '/fast' && response.end('ok'));
  const within = { requestMs: 100, allMs: 150 };
  const rounds = await sendThroughIngress(
    { url: server.url },
    [get('/never'), get('/fast')],
    50,
    unaborted(),
    within,
  );
  expect(rounds.length).toBeLessThanOrEqual(3);
  expect(rounds.every(([hangs, answers]) => hangs?.status === 0 && answers?.status === 200)).toBe(true);
});

test('a body is kept to 64 KiB, and an endless one is not read to its end', async () => {
  server.handler = (_, response) => {
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(16_384)));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  };
  const answer = await sendOne(get('/'), 10_000);
  expect(answer?.body).toBe('x'.repeat(65_536));
  expect(answer?.isCut).toBe(true);
  expect(answer?.error).toBeUndefined();
});

test('an interruption ends everything at once', async () => {
  server.handler = () => {};
  const controller = new AbortController();
  const pending = sendThroughIngress(
    { url: server.url },
    [get('/1'), get('/2')],
    3,
    controller.signal,
    limit,
  );
  setTimeout(() => controller.abort('SIGINT'), 50);
  await expect(pending).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
});

test('hundreds of requests leave nothing on the signal, and Node does not warn', async () => {
  const warned = vi.fn();
  process.on('warning', warned);
  const controller = new AbortController();
  const added = vi.spyOn(controller.signal, 'addEventListener');
  const removed = vi.spyOn(controller.signal, 'removeEventListener');
  await sendThroughIngress(
    { url: server.url },
    Array.from({ length: 150 }, () => get('/')),
    2,
    controller.signal,
    limit,
  );
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', warned);
  expect(warned).not.toHaveBeenCalled();
  expect(removed.mock.calls.length).toBe(added.mock.calls.length);
});

describe('over HTTPS', () => {
  const names = ['edge.example.com', 'other.example.com'];
  let gateway: Server;
  let url: string;
  let ca: string;
  const asked: unknown[] = [];
  beforeAll(async () => {
    const own = await makeCa('of the gateway');
    ca = own.certPem;
    const { certPem: cert, keyPem: key } = await issueCertificate(own, { dnsNames: names });
    gateway = createServer({ cert, key }, ({ headers, socket }, response) => {
      asked.push((socket as TLSSocket).servername);
      response.end(headers.host);
    });
    gateway.listen(0, '127.0.0.1');
    await once(gateway, 'listening');
    url = `https://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    asked.length = 0;
  });
  afterAll(() => {
    gateway.close();
  });
  const send = async (host: string, tls: { ca: string; serverName?: string }) => {
    const request = get('/', { headers: [['Host', host]] });
    const [[answer] = []] = await sendThroughIngress({ url, tls }, [request], 1, unaborted(), limit);
    return answer;
  };

  test('the client asks for the host of each request, without its port, or for the server name that is said', async () => {
    expect(await send('edge.example.com:443', { ca })).toMatchObject({
      status: 200,
      body: 'edge.example.com:443',
    });
    expect(await send('other.example.com', { ca })).toMatchObject({ body: 'other.example.com' });
    expect(await send('any.example.com', { ca, serverName: 'other.example.com' })).toMatchObject({
      status: 200,
      body: 'any.example.com',
    });
    expect(asked).toEqual(['edge.example.com', 'other.example.com', 'other.example.com']);
  });

  test('it takes a certificate of another CA or for another host for no answer, and says so', async () => {
    const { certPem: other } = await makeCa('of somebody else');
    expect(await send('edge.example.com', { ca: other })).toMatchObject({
      status: 0,
      error: expect.stringMatching(/certificate/),
    });
    expect(await send('stranger.example.com', { ca })).toMatchObject({
      status: 0,
      error: expect.stringMatching(/stranger\.example\.com/),
    });
  });

  test('a line for a shell leads to the gateway by the server name', () => {
    const request = get('/a?b', { headers: [['Host', 'edge.example.com']] });
    const line = curlOverTls(request, 'https://127.0.0.1:8443', { ca, serverName: undefined });
    expect(line).toMatch(
      /^curl --insecure --connect-to edge\.example\.com:8443:127\.0\.0\.1:8443 .*https:\/\/edge\.example\.com:8443\/a\?b/,
    );
  });
});
