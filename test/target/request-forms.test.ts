/** Everybody who sends a request sends the same: curl in a pod, the line for a shell, and this tool itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { curlBatch, curlLine } from '../../src/target/curl-batch.ts';
import { absoluteTarget } from '../../src/target/request-forms.ts';
import { sendThroughIngress } from '../../src/target/send-through-ingress.ts';
import type { HttpRequest, HttpResponse } from '../../src/target/target.ts';
import { unaborted } from '../support/signals.ts';

interface Seen {
  readonly line: string;
  readonly host: string;
  readonly authorization: string | undefined;
  readonly upgrade: string | undefined;
  readonly body: string;
  /** Of its connection, counted from 1. */
  readonly connection: number;
}

let one: Server;
let two: http2.Http2Server;
let seen: Seen[] = [];
/** Connections that are closed after one answer, although nobody asked for that. */
let hangsUp = false;
const connections: object[] = [];

function numberOf(connection: object): number {
  if (!connections.includes(connection)) connections.push(connection);
  return connections.indexOf(connection) + 1;
}

async function note(message: IncomingMessage): Promise<void> {
  let body = '';
  for await (const chunk of message) body += String(chunk);
  const { method, url, httpVersion, headers, socket } = message;
  seen.push({
    line: `${method} ${url} HTTP/${httpVersion}`,
    host: headers.host ?? '',
    authorization: headers.authorization,
    upgrade: headers.upgrade,
    body,
    connection: numberOf(socket),
  });
}

beforeAll(async () => {
  one = createServer((message, response) => {
    void note(message).then(() => {
      if (hangsUp) response.setHeader('connection', 'close');
      response.setHeader('x-authorization', message.headers.authorization ?? 'none');
      response.end('the body');
    });
  });
  one.on('upgrade', (message: IncomingMessage, socket: Socket) => {
    void note(message);
    const status = message.headers.authorization === undefined ? '403 Forbidden' : '101 Switching Protocols';
    const head = status.startsWith('101') ? 'Connection: Upgrade\r\nUpgrade: websocket' : 'Content-Length: 6';
    socket.write(
      `HTTP/1.1 ${status}\r\n${head}\r\nX-Sent: yes\r\n\r\n${status.startsWith('101') ? '' : 'denied'}`,
    );
  });
  two = http2.createServer();
  two.on('stream', (stream, headers) => {
    let body = '';
    stream.on('data', (chunk) => (body += String(chunk)));
    stream.on('end', () => {
      seen.push({
        line: `${headers[':method']} ${headers[':path']} HTTP/2`,
        host: String(headers[':authority']),
        authorization: headers.authorization,
        upgrade: undefined,
        body,
        connection: numberOf(stream.session as object),
      });
      stream.respond({ ':status': 200, 'x-authorization': headers.authorization ?? 'none' });
      stream.end('the body');
    });
  });
  for (const server of [one, two]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
});
beforeEach(() => {
  seen = [];
  connections.length = 0;
  hangsUp = false;
});
afterAll(async () => {
  one.closeAllConnections();
  one.close();
  two.close();
});

function baseOf({ http }: HttpRequest): string {
  const server = http === '2' ? two : one;
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function shell(command: string, input = ''): Promise<Buffer> {
  const child = spawn('sh', ['-c', command], { stdio: ['pipe', 'pipe', 'ignore'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.end(input);
  await once(child, 'close');
  return Buffer.concat(chunks);
}

const limit = { requestMs: 3_000, allMs: 10_000 };

/** With the whole address, as from a pod. */
function whole(request: HttpRequest): HttpRequest {
  const { before, url } = request;
  return { ...request, url: `${baseOf(request)}${url}`, ...(before && { before: before.map(whole) }) };
}

const ways: readonly [string, (requests: readonly HttpRequest[]) => Promise<HttpResponse[]>][] = [
  [
    'curl in a pod',
    async (requests) => {
      const batch = curlBatch(requests.map(whole), limit);
      return batch.parse(await shell(batch.command, batch.config), Date.now());
    },
  ],
  [
    'from outside',
    async (requests) => {
      const answers: HttpResponse[] = [];
      for (const request of requests) {
        const sent = await sendThroughIngress({ url: baseOf(request) }, [request], 1, unaborted(), limit);
        answers.push(...sent.flat());
      }
      return answers;
    },
  ],
];

const valid: [string, string] = ['Authorization', 'Bearer a.b.c'];
const get = (more: Partial<HttpRequest>): HttpRequest => {
  return { id: 'test-1', method: 'GET', url: '/a/../b?c=%2f', headers: [], ...more };
};

describe.each(ways)('%s', (_, send) => {
  test.each<[string, Partial<HttpRequest>, Partial<Seen>]>([
    ['HTTP/1.1', { http: '1.1' }, { line: 'GET /a/../b?c=%2f HTTP/1.1' }],
    ['HTTP/1.0', { http: '1.0' }, { line: 'GET /a/../b?c=%2f HTTP/1.0' }],
    [
      'HTTP/1.0 with a body',
      { http: '1.0', method: 'POST', body: 'a=b' },
      { line: 'POST /a/../b?c=%2f HTTP/1.0', body: 'a=b' },
    ],
    ['HTTP/2', { http: '2' }, { line: 'GET /a/../b?c=%2f HTTP/2' }],
    [
      'HTTP/2 with a body and a host',
      { http: '2', method: 'POST', body: 'a=b', headers: [['Host', 'a.example.com']] },
      { line: 'POST /a/../b?c=%2f HTTP/2', body: 'a=b', host: 'a.example.com' },
    ],
  ])('%s', async (_name, more, expected) => {
    const [answer] = await send([get({ ...more, headers: [...(more.headers ?? []), valid] })]);
    expect(answer).toMatchObject({ status: 200, body: 'the body', headers: { 'x-authorization': valid[1] } });
    expect(seen).toEqual([expect.objectContaining({ authorization: valid[1], ...expected })]);
  });

  test('the absolute form has the whole address, also beside another Host', async () => {
    const request = get({ absoluteForm: true });
    const [answer] = await send([request, get({ absoluteForm: true, headers: [['Host', 'b.example.com']] })]);
    expect(answer).toMatchObject({ status: 200, body: 'the body' });
    expect(seen[0]?.line).toBe(`GET ${baseOf(request)}/a/../b?c=%2f HTTP/1.1`);
    expect(seen[1]?.host).toBe('b.example.com');
  });

  test('an upgrade ends with the head of its answer, and takes no connection from others', async () => {
    const upgrade = get({ upgrade: 'websocket' });
    const answers = await send([{ ...upgrade, headers: [valid] }, upgrade, get({})]);
    expect(answers.map(({ status, body, headers }) => [status, body, headers['x-sent']])).toEqual([
      [101, '', 'yes'],
      [403, '', 'yes'],
      [200, 'the body', undefined],
    ]);
    expect(answers[0]?.error).toBeUndefined();
    expect(seen.map(({ upgrade: asked, connection }) => [asked, connection])).toEqual([
      ['websocket', 1],
      ['websocket', 2],
      [undefined, 3],
    ]);
    expect(Math.max(...answers.map(({ durationMs }) => durationMs))).toBeLessThan(limit.requestMs);
  });

  test('several on one connection', async () => {
    const before = [get({ headers: [valid] }), get({})];
    const [answer, other] = await send([get({ before }), get({})]);
    expect(answer).toMatchObject({ status: 200, body: 'the body', headers: { 'x-authorization': 'none' } });
    expect(other?.status).toBe(200);
    expect(seen.map(({ authorization, connection }) => [authorization, connection])).toEqual([
      [valid[1], 1],
      [undefined, 1],
      [undefined, 1],
      [undefined, 2],
    ]);
  });

  test('what had to go over another connection is no answer', async () => {
    hangsUp = true;
    const [answer, other] = await send([get({ before: [get({ headers: [valid] })] }), get({})]);
    expect(answer).toMatchObject({
      status: 0,
      error:
        'the connection was closed after the request before it, so this one went over another connection',
    });
    expect(other?.status).toBe(200);
  });

  test('each of several rounds of HTTP/2 has a connection of its own', async () => {
    const answers = await send([get({ http: '2' }), get({ http: '2' }), get({ http: '2' })]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(seen.map(({ connection }) => connection)).toEqual([1, 2, 3]);
  });
});

test.each<[string, Partial<HttpRequest>]>([
  ['HTTP/1.0', { http: '1.0' }],
  ['HTTP/2', { http: '2', headers: [['Host', 'a.example.com']] }],
  ['absolute form', { absoluteForm: true, headers: [['Host', 'a.example.com']] }],
  ['an upgrade', { upgrade: 'websocket', headers: [valid] }],
  ['one after another', { before: [get({ headers: [valid] })] }],
])('the line for a shell sends the same: %s', async (_, more) => {
  const request = whole(get(more));
  await ways[0]![1]([get(more)]);
  const byBatch = seen;
  seen = [];
  connections.length = 0;
  await shell(curlLine(request, request.url));
  expect(seen).toEqual(byBatch);
});

test('a gateway is asked in absolute form for the host that the request names', () => {
  const named = get({ headers: [['host', 'a.example.com']] });
  expect(absoluteTarget(named, 'http://127.0.0.1:80')).toBe('http://a.example.com/a/../b?c=%2f');
  expect(absoluteTarget(get({}), 'https://127.0.0.1:8443')).toBe('https://127.0.0.1:8443/a/../b?c=%2f');
});
