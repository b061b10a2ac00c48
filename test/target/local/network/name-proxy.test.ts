import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NameProxy } from '../../../../src/target/local/network/name-proxy.ts';
import type { Destination } from '../../../../src/target/local/network/resolver.ts';
import { closedUrl, type HttpServer, startHttpServer, valuesOf } from '../../../support/http-server.ts';

let server: HttpServer;
let proxy: NameProxy;
let proxyUrl: URL;
let found: Destination;
const asked: [string, number][] = [];
/** What istiod sends by the user and password of HTTP_PROXY. */
let credentials: string;
const tcp: Server[] = [];
const sockets: Socket[] = [];

const at = (url: string): Destination => ({
  kind: 'address',
  host: '127.0.0.1',
  port: Number(new URL(url).port),
});

beforeEach(async () => {
  server = await startHttpServer();
  found = at(server.url);
  asked.length = 0;
  proxy = new NameProxy((host, port) => {
    asked.push([host, port]);
    return found;
  });
  proxyUrl = new URL(await proxy.listen('127.0.0.1', await freePort()));
  const { username, password } = proxyUrl;
  credentials = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
});
afterEach(async () => {
  proxy.close();
  for (const each of sockets.splice(0)) each.destroy();
  for (const each of tcp.splice(0)) each.close();
  await server.stop();
});

async function freePort(): Promise<number> {
  return Number(new URL(await closedUrl()).port);
}

/** Sends a request as Go does through HTTP_PROXY: with a whole URL. */
async function send(url: string, options: { headers?: string[]; method?: string; body?: string } = {}) {
  const { headers = ['Host', new URL(url).host, 'User-Agent', 'Go-http-client/1.1'], method = 'GET' } =
    options;
  const outgoing = request({
    host: '127.0.0.1',
    port: proxyUrl.port,
    method,
    path: url,
    headers: [...headers, 'Proxy-Authorization', credentials],
    agent: false,
  });
  outgoing.end(options.body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { status: incoming.statusCode, headers: incoming.headers, body: await textOf(incoming) };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  return Buffer.concat(await incoming.toArray()).toString('utf8');
}

describe('a request over HTTP', () => {
  test('goes where the name leads, for whom it is meant', async () => {
    server.handler = (_, response) => response.writeHead(201, { 'x-answer': 'yes' }).end('{"keys":[]}');
    const answer = await send('http://nginx-proxy.foo.svc.cluster.local:8080/get_jwks');
    expect(answer).toMatchObject({ status: 201, body: '{"keys":[]}', headers: { 'x-answer': 'yes' } });
    expect(asked).toEqual([['nginx-proxy.foo.svc.cluster.local', 8080]]);
    expect(server.seen).toMatchObject([{ method: 'GET', url: '/get_jwks' }]);
    expect(valuesOf(server.seen[0], 'host')).toEqual(['nginx-proxy.foo.svc.cluster.local:8080']);
    // By which servers, and access logs, know istiod.
    expect(valuesOf(server.seen[0], 'user-agent')).toEqual(['Go-http-client/1.1']);
  });

  test.each([
    ['http://a.test', '/'],
    ['http://a.test?x=1', '/?x=1'],
    ['http://a.test/a/../b//c/%2e%2E/?x=%20&y', '/a/../b//c/%2e%2E/?x=%20&y'],
    ['HTTP://a.test/A', '/A'],
    ['http://user:word@a.test/x', '/x'],
  ])('%s asks for %s, the path as it was written', async (url, path) => {
    await send(url, { headers: ['Host', 'a.test'] });
    expect(server.seen[0]?.url).toBe(path);
    expect(asked).toEqual([['a.test', 80]]);
  });

  test('keeps its headers, and leaves out those that are for the proxy', async () => {
    const own = [
      'Host',
      'a.test',
      'X-Twice',
      'one',
      'X-Twice',
      'two',
      'X-Case',
      'ä',
      'Accept-Encoding',
      'gzip',
    ];
    const headers = [...own, 'Proxy-Connection', 'keep-alive'];
    await send('http://a.test/', {
      headers: [...headers, 'Connection', 'X-Hop', 'X-Hop', '1', 'Keep-Alive', '5'],
    });
    const seen = server.seen[0]?.headers.filter(([name]) => name.toLowerCase() !== 'connection');
    expect(seen?.flat()).toEqual(own);
  });

  test('takes its body along', async () => {
    let body = '';
    server.handler = async (incoming, response) => {
      body = await textOf(incoming);
      response.end('done');
    };
    const long = 'x'.repeat(300_000);
    const headers = ['Host', 'a.test', 'Transfer-Encoding', 'chunked'];
    expect((await send('http://a.test/', { method: 'POST', body: long, headers })).body).toBe('done');
    expect(body).toBe(long);
  });

  test('gets a long answer whole', async () => {
    const long = 'x'.repeat(3_000_000);
    server.handler = (_, response) => void response.end(long);
    expect((await send('http://a.test/')).body.length).toBe(long.length);
  });

  test('is a bad gateway when nobody answers there', async () => {
    found = { kind: 'refused', why: 'no endpoints' };
    expect(await send('http://a.foo:81/')).toMatchObject({
      status: 502,
      body: 'nobody answers at a.foo:81\n',
    });
    found = at(await closedUrl());
    expect(await send('http://a.foo:81/')).toMatchObject({
      status: 502,
      body: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('goes where this machine says when the mesh does not know the name', async () => {
    found = { kind: 'unknown' };
    const { port } = new URL(server.url);
    expect((await send(`http://localhost:${port}/`)).status).toBe(200);
    expect((await send('http://name.invalid/')).status).toBe(502);
  });

  test('ends when its answer breaks off', async () => {
    server.handler = (_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('half');
      setImmediate(() => response.destroy());
    };
    await expect(send('http://a.test/')).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test('is given up when the client goes away', async () => {
    const closed = new Promise((resolve) => {
      server.handler = (incoming) => incoming.socket.on('close', resolve);
    });
    const headers = { 'proxy-authorization': credentials };
    const { port } = proxyUrl;
    const outgoing = request({ port, path: 'http://a.test/', agent: false, headers }).on('error', () => {});
    outgoing.end();
    await expect.poll(() => server.seen.length).toBe(1);
    outgoing.destroy();
    await closed;
  });

  test.each(['/not/a/proxy/request', 'https://a.test/', 'http://a:b:c/'])('%s is refused', async (path) => {
    const headers = { 'proxy-authorization': credentials };
    const outgoing = request({ port: proxyUrl.port, path, agent: false, headers }).end();
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect(incoming.statusCode).toBe(400);
    expect(asked).toEqual([]);
  });
});

describe('a tunnel', () => {
  /** Writes bytes to the proxy, and reads what comes. */
  function raw(bytes: string): Socket {
    const socket = connect(Number(proxyUrl.port), '127.0.0.1');
    sockets.push(socket.setEncoding('latin1').on('error', () => {}));
    socket.write(bytes.replace('\r\n', `\r\nProxy-Authorization: ${credentials}\r\n`));
    return socket;
  }

  async function serve(answer: (socket: Socket) => void): Promise<void> {
    const far = createServer((socket) => {
      sockets.push(socket.on('error', () => {}));
      answer(socket);
    }).listen(0, '127.0.0.1');
    tcp.push(far);
    await once(far, 'listening');
    found = { kind: 'address', host: '127.0.0.1', port: (far.address() as AddressInfo).port };
  }

  async function readTo(socket: Socket, text: string): Promise<string> {
    let read = '';
    for await (const chunk of socket) {
      read += chunk;
      if (read.endsWith(text)) return read;
    }
    return read;
  }

  test('carries bytes both ways, also those that came with its request', async () => {
    await serve((socket) => socket.on('data', (data) => socket.write(`<${data}>`)));
    const socket = raw('CONNECT keys.test:443 HTTP/1.1\r\nHost: keys.test:443\r\n\r\nearly');
    expect(await readTo(socket, '<early>')).toBe('HTTP/1.1 200 OK\r\n\r\n<early>');
    expect(asked).toEqual([['keys.test', 443]]);
  });

  test('is a bad gateway when nobody answers there', async () => {
    found = { kind: 'refused', why: 'no endpoints' };
    expect(await readTo(raw('CONNECT a.foo:443 HTTP/1.1\r\n\r\n'), '\0')).toMatch(/^HTTP\/1\.1 502 /);
    found = at(await closedUrl());
    expect(await readTo(raw('CONNECT a.foo:443 HTTP/1.1\r\n\r\n'), '\0')).toMatch(/^HTTP\/1\.1 502 /);
  });

  test('to nothing that is a host and a port is refused', async () => {
    expect(await readTo(raw('CONNECT nonsense HTTP/1.1\r\n\r\n'), '\0')).toMatch(/^HTTP\/1\.1 400 /);
    expect(asked).toEqual([]);
  });

  test('to an IPv6 address names it without brackets', async () => {
    found = { kind: 'refused', why: '' };
    await readTo(raw('CONNECT [::1]:443 HTTP/1.1\r\n\r\n'), '\0');
    expect(asked).toEqual([['::1', 443]]);
  });

  test('brings everything before it ends, however slowly it is read', async () => {
    const size = 8 * 1024 * 1024;
    await serve((socket) => socket.end(Buffer.alloc(size, 'x')));
    const socket = raw('CONNECT a.foo:443 HTTP/1.1\r\n\r\n');
    let read = 0;
    for await (const chunk of socket) {
      read += chunk.length;
      await setTimeout(1);
    }
    expect(read).toBe('HTTP/1.1 200 OK\r\n\r\n'.length + size);
  });

  test('ends on both sides when either ends', async () => {
    const accepted: Socket[] = [];
    await serve((socket) => void accepted.push(socket));
    const socket = raw('CONNECT a.foo:443 HTTP/1.1\r\n\r\n');
    await expect.poll(() => accepted.length).toBe(1);
    const ended = once(accepted[0]!.resume(), 'close');
    socket.destroy();
    await ended;
  });
});

test.each(['', 'Basic ', 'Basic aXN0aW9kOg==', 'Basic aXN0aW9kOmlzdGlvZA=='])(
  'whoever shows "%s" gets nowhere',
  async (shown) => {
    credentials = shown;
    expect((await send('http://a.test/')).status).toBe(407);
    const outgoing = request({
      port: proxyUrl.port,
      method: 'CONNECT',
      path: 'a.test:443',
      headers: { 'proxy-authorization': shown },
    }).end();
    const [incoming] = (await once(outgoing, 'connect')) as [IncomingMessage];
    expect(incoming.statusCode).toBe(407);
    expect(asked).toEqual([]);
    expect(server.seen).toEqual([]);
  },
);

test('its secret is another one for each', async () => {
  const other = new NameProxy(() => found);
  const url = new URL(await other.listen('127.0.0.1', await freePort()));
  other.close();
  expect(url.password).toMatch(/^[\w-]{32}$/);
  expect(url.password).not.toBe(proxyUrl.password);
});

test('closing ends every connection', async () => {
  server.handler = () => {};
  const waiting = send('http://a.test/').catch((error: NodeJS.ErrnoException) => error.code);
  await expect.poll(() => server.seen.length).toBe(1);
  proxy.close();
  expect(await waiting).toBe('ECONNRESET');
});

test('a port that is taken is an error', async () => {
  const other = new NameProxy(() => found);
  await expect(other.listen('127.0.0.1', Number(proxyUrl.port))).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
});
