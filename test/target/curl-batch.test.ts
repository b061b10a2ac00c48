/** With the curl of this machine, which sends what a curl in a pod would. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { shellQuote } from '../../src/base/names.ts';
import { curlBatch, curlLine } from '../../src/target/curl-batch.ts';
import type { HttpRequest, HttpResponse, SendLimit } from '../../src/target/target.ts';
import { closedUrl, type HttpServer, startHttpServer, valuesOf } from '../support/http-server.ts';

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

const env = { PATH: process.env.PATH, HOME: '/nowhere' };

async function output(program: string, args: string[], input?: string): Promise<Buffer> {
  const child = spawn(program, args, {
    env,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'inherit'],
  });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin?.end(input);
  await once(child, 'close');
  return Buffer.concat(chunks);
}

/** As a target does it: the number of bytes is known, the end of input is not. */
async function send(
  requests: readonly HttpRequest[],
  endedAt = Date.now(),
  limit: SendLimit = { requestMs: 5_000, allMs: 20_000 },
): Promise<HttpResponse[]> {
  const batch = curlBatch(requests, limit);
  return batch.parse(await output('sh', ['-c', batch.command], batch.config), endedAt);
}

function get(path: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return { id: 'test-1', method: 'GET', url: `${server.url}${path}`, headers: [], ...more };
}

describe('answers', () => {
  test('status, headers in lower case, body and time', async () => {
    server.handler = (_, response) => {
      response.writeHead(401, { 'WWW-Authenticate': 'Bearer realm="x", error="invalid_token"' });
      response.end('Jwt is expired');
    };
    const before = Date.now();
    const [answer] = await send([get('/')], before + 5000);
    expect(answer).toMatchObject({
      status: 401,
      body: 'Jwt is expired',
      headers: { 'www-authenticate': 'Bearer realm="x", error="invalid_token"' },
      at: before + 5000,
    });
    expect(answer?.error).toBeUndefined();
    expect(answer?.durationMs).toBeGreaterThanOrEqual(0);
  });

  test.each([
    ['empty', ''],
    [
      'that looks like headers and boundaries',
      '\n\nHTTP/1.1 500 No\r\n\r\n--0123456789abcdef0123 000 1 2 3\n--.\n',
    ],
    ['with line ends only', '\r\n\r\n\n\n'],
    ['of one line without an end', 'RBAC: access denied'],
    ['with umlauts', 'Schlüssel — 鍵'],
  ])('a body %s', async (_, body) => {
    server.handler = (_, response) => void response.end(body);
    const answers = await send([get('/1'), get('/2')]);
    expect(answers.map((each) => each.body)).toEqual([body, body]);
    expect(answers.map((each) => each.status)).toEqual([200, 200]);
  });

  test('a body that is no text does not disturb the answers after it', async () => {
    const bytes = Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7) % 256));
    server.handler = (request, response) => void response.end(request.url === '/binary' ? bytes : 'text');
    const [binary, text] = await send([get('/binary'), get('/text')]);
    expect(binary?.body).toBe(bytes.toString('utf8'));
    expect(text?.body).toBe('text');
  });

  test('at most 64 KiB of a body, and what comes after it whole', async () => {
    server.handler = (request, response) =>
      void response.end(request.url === '/1' ? 'x'.repeat(300_000) : 'short');
    const [long, short] = await send([get('/1'), get('/2')]);
    expect(long?.body).toBe('x'.repeat(64 * 1024));
    expect(short?.body).toBe('short');
  });

  /** Answers with a body that has no end, and says how much of it was taken. */
  const endless = (response: ServerResponse) => {
    let sent = 0;
    response.writeEarlyHints({ link: '</early>; rel=preload' });
    response.writeHead(200, { 'x-endless': 'yes' });
    const piece = Buffer.alloc(64 * 1024, 'x');
    const more = () => {
      while (!response.destroyed && response.write(piece)) sent += piece.length;
    };
    response.on('drain', more);
    more();
    return () => sent;
  };

  test('a body without an end is cut in the pod, and what comes after it is left to be sent anew', async () => {
    let sent = () => 0;
    server.handler = (request, response) => {
      if (request.url === '/endless') sent = endless(response);
      else response.end(request.url);
    };
    const started = performance.now();
    const answers = await send([get('/1'), get('/endless'), get('/2')]);
    expect(performance.now() - started).toBeLessThan(4000);
    expect(answers.map(({ status, body, isCut }) => [status, body.length, isCut])).toEqual([
      [200, 2, undefined],
      [200, 64 * 1024, true],
    ]);
    expect(answers[1]?.headers).toMatchObject({ 'x-endless': 'yes' });
    expect(answers[1]?.headers).not.toHaveProperty('link');
    // What was on its way is some MiB, and not what a second can carry.
    expect(sent()).toBeLessThan(32 * 1024 * 1024);
  });

  test('large bodies fill what there is room for: the last one that is not known is left out', async () => {
    const size = 1_500_000;
    server.handler = (_, response) => void response.end('x'.repeat(size));
    const answers = await send(Array.from({ length: 5 }, (_, index) => get(`/${index}`)));
    // 4 MiB are two and the most of a third.
    expect(answers.map(({ status, body, isCut }) => [status, body.length, isCut])).toEqual([
      [200, 64 * 1024, true],
      [200, 64 * 1024, true],
      [200, 64 * 1024, true],
    ]);
  });

  test('a header without an end is no answer', () => {
    const { parse } = curlBatch([get('/'), get('/')], { requestMs: 1, allMs: 1 });
    const output = Buffer.alloc(4 * 1024 * 1024, 'x-a: b\r\n');
    output.write('HTTP/1.1 200 OK\r\n');
    expect(parse(output, 0)).toMatchObject([
      { status: 0, body: '', error: 'its header has no end within 4 MiB' },
    ]);
  });

  test('chunks, repeated headers and interim answers', async () => {
    server.handler = (_, response) => {
      response.writeEarlyHints({ link: '</early>; rel=preload', 'x-early': 'yes' });
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      response.setHeader('x-final', 'yes');
      response.write('one ');
      response.end('two');
    };
    const [answer] = await send([get('/')]);
    expect(answer).toMatchObject({ status: 200, body: 'one two' });
    expect(answer?.headers).toMatchObject({ 'set-cookie': 'a=1, b=2', 'x-final': 'yes' });
    expect(answer?.headers).not.toHaveProperty('x-early');
  });

  test('headers may have the names of what every object has', async () => {
    server.handler = (_, response) =>
      void response.setHeader('constructor', 'a').setHeader('__proto__', 'b').end();
    const [answer] = await send([get('/')]);
    const headers = new Map(Object.entries(answer?.headers ?? {}));
    expect(['constructor', '__proto__'].map((name) => headers.get(name))).toEqual(['a', 'b']);
  });

  test('no answer has status 0 and says why, and the requests after it are sent', async () => {
    server.handler = (request, response) => {
      if (request.url === '/broken') request.socket.destroy();
      else response.end('ok');
    };
    const answers = await send([
      { ...get('/'), url: `${await closedUrl()}/` },
      get('/broken'),
      { ...get('/'), url: 'http://does-not-exist.invalid/' },
      get('/fine'),
    ]);
    expect(answers.map((each) => each.status)).toEqual([0, 0, 0, 200]);
    expect(answers.map((each) => each.error)).toEqual([
      expect.stringMatching(/^curl exit code 7: .*[Cc]onnect/),
      expect.stringMatching(/^curl exit code 52: Empty reply/),
      expect.stringMatching(/^curl exit code 6: Could not resolve host/),
      undefined,
    ]);
  });

  test('an answer that breaks off has its status, and the reason', async () => {
    server.handler = (request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half');
      setTimeout(() => request.socket.destroy(), 20);
    };
    const [answer] = await send([get('/')]);
    expect(answer).toMatchObject({
      status: 200,
      body: 'half',
      error: expect.stringContaining('curl exit code 18'),
    });
  });

  test('times are those of each answer, one after the other', async () => {
    server.handler = (_, response) => void setTimeout(() => response.end(), 60);
    const [first, second, third] = await send([get('/1'), get('/2'), get('/3')], 1_000_000);
    expect(third?.at).toBe(1_000_000);
    for (const [earlier, later] of [
      [first, second],
      [second, third],
    ]) {
      expect((later?.at ?? 0) - (earlier?.at ?? 0)).toBeGreaterThanOrEqual(55);
    }
  });

  test('what hangs is cut off, and the answers before it count', async () => {
    server.handler = (request, response) => void (request.url === '/never' || response.end('ok'));
    const requests = [get('/1'), get('/never'), get('/2')];
    const slow = await send(requests, Date.now(), { requestMs: 300, allMs: 20_000 });
    expect(slow.map(({ status }) => status)).toEqual([200, 0, 200]);
    expect(slow[1]?.error).toMatch(/^curl exit code 28/);
    // The end of the last answer may be lost with it.
    const more = ['/1', '/2', '/never', '/3'].map((path) => get(path));
    const cut = await send(more, Date.now(), { requestMs: 20_000, allMs: 1_000 });
    expect(cut.map(({ status }) => status)).toEqual(cut.length === 1 ? [200] : [200, 200]);
  });

  test('a curl that ends early is an error that says how far it came, with what it wrote', () => {
    const batch = curlBatch([get('/1'), get('/2')], { requestMs: 1000, allMs: 1000 });
    expect(() => batch.parse(Buffer.from('HTTP/1.1 200 OK\r\n'), 0)).toThrow(
      expect.objectContaining({
        code: 'E_SEND',
        message: 'curl ended after 0 of 2 requests',
        details: expect.stringContaining('HTTP/1.1 200 OK'),
      }),
    );
    expect(() => batch.parse(Buffer.alloc(0), 0, 'sh: curl: not found')).toThrow(
      expect.objectContaining({ details: expect.stringContaining('curl: not found') }),
    );
  });
});

describe('requests', () => {
  test.each([
    '/a/../b',
    '/a/./b//c',
    '/admin%2Fsecret/%2e%2e/x',
    '/[a]/{b,c}?x=[1-3]&y={z}',
    "/quotes'and(more)!*;,:@&=+$",
    '/?access_token=a.b.c',
  ])('the path %s is sent as it is', async (path) => {
    await send([get(path)]);
    expect(server.seen.map((each) => each.url)).toEqual([path]);
  });

  test.each(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])('method %s', async (method) => {
    server.handler = (_, response) => void response.writeHead(200, { 'x-seen': method }).end('body');
    const [answer, after] = await send([get('/', { method }), get('/after')]);
    expect(server.seen.map((each) => each.method)).toEqual([method, 'GET']);
    expect(answer).toMatchObject({ status: 200, headers: { 'x-seen': method } });
    expect(answer?.body).toBe(method === 'HEAD' ? '' : 'body');
    expect(after?.body).toBe('body');
  });

  test('headers repeat, can be empty, and the Host can be chosen', async () => {
    await send([
      get('/', {
        headers: [
          ['X-Many', 'one'],
          ['X-Many', 'two'],
          ['X-Empty', ''],
          ['X-Blank', '  '],
          ['Host', 'bookinfo.example.com'],
          ['X-Odd', String.raw`"quoted" \back\slash\n \" 'single' $HOME @file`],
        ],
      }),
    ]);
    const [request] = server.seen;
    expect(valuesOf(request, 'x-many')).toEqual(['one', 'two']);
    expect(valuesOf(request, 'x-empty')).toEqual(['']);
    expect(valuesOf(request, 'x-blank')).toEqual(['']);
    expect(valuesOf(request, 'host')).toEqual(['bookinfo.example.com']);
    expect(valuesOf(request, 'x-odd')).toEqual([String.raw`"quoted" \back\slash\n \" 'single' $HOME @file`]);
  });

  test('the id is the user agent, unless the scenario sets one', async () => {
    await send([get('/'), get('/', { headers: [['user-agent', 'own']] })]);
    expect(server.seen.map((each) => valuesOf(each, 'user-agent'))).toEqual([['test-1'], ['own']]);
  });

  test('headers and methods of one request do not reach the next', async () => {
    await send([get('/', { method: 'HEAD', headers: [['X-Only', 'first']] }), get('/')]);
    expect(server.seen.map((each) => [each.method, valuesOf(each, 'x-only')])).toEqual([
      ['HEAD', ['first']],
      ['GET', []],
    ]);
  });

  test('each has a connection of its own, which the server is asked to close', async () => {
    await send([get('/1'), get('/2'), get('/3')]);
    expect(new Set(server.seen.map((each) => each.connection)).size).toBe(3);
    expect(server.seen.flatMap((each) => valuesOf(each, 'connection'))).toEqual(['close', 'close', 'close']);
  });

  test('three rounds of a hundred come back in order', async () => {
    server.handler = (request, response) => {
      response.statusCode = Number(request.url?.slice(1)) % 2 === 0 ? 200 : 403;
      response.end(request.url);
    };
    const token = `Bearer ${'x'.repeat(1500)}`;
    const round = Array.from({ length: 100 }, (_, index) =>
      get(`/${index}`, { headers: [['Authorization', token]] }),
    );
    const answers = await send([...round, ...round, ...round]);
    expect(answers.map((each) => each.body)).toEqual(
      Array.from({ length: 300 }, (_, index) => `/${index % 100}`),
    );
    expect(answers.map((each) => each.status)).toEqual(
      Array.from({ length: 300 }, (_, index) => (index % 2 === 0 ? 200 : 403)),
    );
  });

  test('a header value of printable ASCII arrives unchanged', async () => {
    // Blanks around a value are no part of it (RFC 9110, section 5.5).
    const value = fc.string({ unit: 'grapheme-ascii', maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 20 }), async (values) => {
        server.seen.length = 0;
        const answers = await send(values.map((each) => get('/', { headers: [['X-Value', each]] })));
        expect(answers.map((each) => each.status)).toEqual(values.map(() => 200));
        expect(server.seen.map((each) => valuesOf(each, 'x-value'))).toEqual(
          values.map((each) => [each.trim()]),
        );
      }),
      { numRuns: 20 },
    );
  });
});

describe('the line for a shell', () => {
  const paste = (line: string) => output('sh', ['-c', line]);

  test('sends the same request', async () => {
    const path = "/a/../b?q=[1]&r={x,y}&s='$HOME'";
    const request = get(path, {
      method: 'POST',
      headers: [
        ['Authorization', 'Bearer a.b.c'],
        ['X-Empty', ''],
        ['X-Odd', `it's "$HOME" \`id\` \\ !`],
      ],
    });
    const answer = (await paste(curlLine(request, request.url))).toString();
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*\r\n\r\nok$/);
    const [seen] = server.seen;
    expect(seen).toMatchObject({ method: 'POST', url: path });
    expect(valuesOf(seen, 'authorization')).toEqual(['Bearer a.b.c']);
    expect(valuesOf(seen, 'x-empty')).toEqual(['']);
    expect(valuesOf(seen, 'x-odd')).toEqual([`it's "$HOME" \`id\` \\ !`]);
  });

  test('does not wait for a body that HEAD never has', async () => {
    server.handler = (_, response) => void response.writeHead(200, { 'content-length': '5' }).end();
    const started = Date.now();
    const request = get('/', { method: 'HEAD' });
    expect((await paste(curlLine(request, request.url))).toString()).toContain('HTTP/1.1 200 OK');
    expect(server.seen[0]?.method).toBe('HEAD');
    expect(Date.now() - started).toBeLessThan(4000);
  });

  test('keeps every argument whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), async (given) => {
        const texts = given.map((each) => each.replaceAll('\0', ''));
        const line = `printf '%s\\0' ${texts.map(shellQuote).join(' ')}`;
        expect((await paste(line)).toString('utf8')).toBe(texts.map((each) => `${each}\0`).join(''));
      }),
      { numRuns: 20 },
    );
  });

  test('sends any header value unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme-ascii', maxLength: 60 }), async (value) => {
        server.seen.length = 0;
        const request = get('/', { headers: [['X-Value', value]] });
        await paste(curlLine(request, request.url));
        expect(valuesOf(server.seen[0], 'x-value')).toEqual([value.trim()]);
      }),
      { numRuns: 20 },
    );
  });
});
