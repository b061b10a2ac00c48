import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { closeApps, raw, send, start, startNginx } from './support.ts';

afterEach(closeApps);

async function taken(): Promise<{ port: number; release: () => void }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, release: () => server.close() };
}

describe('ports', () => {
  test.each([
    ['httpbin', [], [8080]],
    ['httpbin', [80, 8000], [80, 8000]],
    ['bookinfo-productpage', [], [9080]],
    ['bookinfo-productpage', [1234], [1234]],
    ['nginx', [8080], [80]],
    ['sleep', [80], []],
  ] as const)('%s with declared ports %j has %j', async (kind, containerPorts, expected) => {
    const app = await start(kind, { containerPorts });
    expect([...app.ports.keys()]).toEqual(expected);
    for (const port of expected) expect((await send(app, '/', { port })).status).toBe(200);
  });

  test('ext-authz speaks gRPC on the first of them, and ends at once', async () => {
    const app = await start('ext-authz', { containerPorts: [9000] });
    expect([...app.ports.keys()]).toEqual([9000]);
    const client = connectHttp2(`http://127.0.0.1:${app.ports.get(9000)}`);
    const request = client.request({ ':method': 'POST', ':path': '/none' });
    request.end();
    const [headers] = await once(request, 'response');
    expect(headers).toMatchObject({ ':status': 200, 'content-type': 'application/grpc' });
    const closed = once(client, 'close');
    await app.close();
    await closed;
    await app.close();
    app.setMounts(new Map());
    const used = await taken();
    await expect(start('ext-authz', { port: () => used.port, containerPorts: [9000] })).rejects.toMatchObject(
      {
        code: 'E_NOT_READY',
        message: expect.stringMatching(/^ext-authz cannot listen: /),
      },
    );
    used.release();
  });

  test('the real port and address are those that were asked for', async () => {
    const { port, release } = await taken();
    release();
    const app = await start('httpbin', {
      host: '127.0.0.7',
      port: (containerPort) => (containerPort === 8080 ? port : 1),
    });
    expect(app.ports).toEqual(new Map([[8080, port]]));
    const answer = await fetch(`http://127.0.0.7:${port}/ip`);
    expect(answer.status).toBe(200);
    await expect(fetch(`http://127.0.0.1:${port}/ip`)).rejects.toThrow();
  });

  test('a port that is taken is an error that names it, and no other port stays open', async () => {
    const [free, used] = [await taken(), await taken()];
    free.release();
    const port = (containerPort: number) => (containerPort === 1 ? free.port : used.port);
    await expect(start('httpbin', { port, containerPorts: [1, 2] })).rejects.toMatchObject({
      code: 'E_NOT_READY',
      message: expect.stringMatching(new RegExp(`^httpbin cannot listen: .*127\\.0\\.0\\.1:${used.port}`)),
    });
    await expect(fetch(`http://127.0.0.1:${free.port}/`)).rejects.toThrow();
    used.release();
  });
});

describe('connections', () => {
  test('close ends requests and idle connections at once, and can be called twice', async () => {
    const app = await start('httpbin');
    const port = app.ports.get(8080)!;
    const idle = connect(port, '127.0.0.1');
    await once(idle, 'connect');
    const waiting = send(app, '/delay/10').catch((error: NodeJS.ErrnoException) => error.code);
    const received = send(app, '/get');
    await received;
    const begin = performance.now();
    const ended = once(idle, 'close');
    await Promise.all([app.close(), app.close()]);
    await ended;
    expect(await waiting).toBe('ECONNRESET');
    expect(performance.now() - begin).toBeLessThan(8_000);
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
    // What was waited for is given up quietly.
    expect(app.lines.filter((line) => line.includes('/delay'))).toEqual([]);
  });

  test('connections are kept, with no time after which they end', async () => {
    const app = await start('httpbin');
    const answer = await raw(
      app,
      'GET /ip HTTP/1.1\r\nHost: a\r\n\r\nGET /ip HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    expect(answer.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
    expect(answer).not.toMatch(/keep-alive: *timeout/i);
  });

  test.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01', 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['a bad length', 'POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n', 400],
    ['two lengths', 'POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    ['headers of 2 MiB', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(2 * 1024 * 1024)}\r\n\r\n`, 431],
    ['a tunnel', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n', 405],
  ])('%s is refused, and the next request answered', async (_, bytes, status) => {
    const app = await startNginx('server { return 200 ok; }');
    const answer = await raw(app, bytes).catch((error: NodeJS.ErrnoException) => error.code);
    // Whoever is still writing when the connection is closed may get a reset instead of the answer.
    if (answer !== 'ECONNRESET' && answer !== 'EPIPE')
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect((await send(app, '/')).body).toBe('ok');
  });

  test('a client that goes away in the middle of its body does no harm', async () => {
    const app = await start('httpbin');
    const socket = connect(app.ports.get(8080)!, '127.0.0.1');
    socket.write('POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc', () =>
      socket.resetAndDestroy(),
    );
    await once(socket, 'close');
    expect((await send(app, '/get')).status).toBe(200);
  });

  test('a token of 64 KiB fits', async () => {
    const app = await start('httpbin');
    const token = 'a'.repeat(64 * 1024);
    const { status, body } = await send(app, '/bearer', { headers: { authorization: `Bearer ${token}` } });
    expect({ status, body: JSON.parse(body) }).toEqual({ status: 200, body: { authenticated: true, token } });
  });

  test('fifty at once', async () => {
    const apps = await Promise.all(Array.from({ length: 50 }, () => start('bookinfo-details')));
    const answers = await Promise.all(apps.map((app) => send(app, '/details/0')));
    expect(new Set(apps.map((app) => app.ports.get(9080))).size).toBe(50);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  });
});
