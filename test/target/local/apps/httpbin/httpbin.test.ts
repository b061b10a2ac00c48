import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeApps, send, start, type TestApp } from '../support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await start('httpbin');
});
afterAll(closeApps);

const json = 'application/json; charset=utf-8';
const text = 'text/plain; charset=utf-8';
const html = 'text/html; charset=utf-8';

// Taken from go-httpbin v2.26.0.
describe('status and content type', () => {
  test.each([
    ['/', 200, html],
    ['HEAD /', 200, html],
    ['POST /', 405, text],
    ['/get', 200, json],
    ['HEAD /get', 200, json],
    ['POST /get', 405, text],
    ['POST /post', 200, json],
    ['GET /post', 405, text],
    ['PUT /put', 200, json],
    ['PATCH /patch', 200, json],
    ['DELETE /delete', 200, json],
    ['/head', 405, text],
    ['PROPFIND /anything', 200, json],
    ['/anything/a/b', 200, json],
    ['POST /headers', 200, json],
    ['/ip', 200, json],
    ['/user-agent', 200, json],
    ['/json', 200, json],
    ['/uuid', 200, json],
    ['/cookies', 200, json],
    ['/robots.txt', 200, text],
    ['OPTIONS /nope', 200, undefined],
    ['/status/204', 204, text],
    ['/status/304', 304, undefined],
    ['/status/418', 418, text],
    ['DELETE /status/503', 503, text],
    ['/status/99', 400, json],
    ['/status/600', 400, json],
    ['/status/abc', 400, json],
    ['/status/200,abc', 400, json],
    ['/status/200:0,403:1', 403, text],
    ['/delay/0', 200, json],
    ['/delay/10.1', 400, json],
    ['/delay/11s', 400, json],
    ['/delay/-1', 400, json],
    ['/delay/soon', 400, json],
    ['/bearer', 401, json],
    ['/get/', 404, text],
    ['/get%2F', 404, text],
    ['/%67et', 200, json],
    ['/anything%2Fx', 404, text],
    ['/status%2F200', 404, text],
    ['/status%2F*', 404, text],
    ['/status/', 404, text],
    ['/status', 404, text],
    ['/headers/x', 404, text],
    ['/%zz', 400, text],
    ['/constructor', 404, text],
    ['/*', 404, text],
    ['/gzip', 501, json],
    ['/cookies/set?a=b', 501, json],
    ['/cookies/', 404, text],
  ])('%s answers %i', async (what, status, type) => {
    const answer = await send(app, what);
    expect([answer.status, answer.headers['content-type']]).toEqual([status, type]);
  });
});

describe('what it tells of a request', () => {
  test.each([
    '/anything/a%2Fb',
    '/anything/%2e%2e/x',
    '/anything/a;b=c/d,e',
    '/anything/..;/x',
    '/get?a=%2F&b=../c',
    '/anything?',
  ])('the path %s comes back as it was sent', async (path) => {
    const { body } = await send(app, path, { headers: { host: 'httpbin.foo:8000' } });
    expect(JSON.parse(body).url).toBe(`http://httpbin.foo:8000${path}`);
  });

  test.each([
    ['//get', '/get'],
    ['/./get', '/get'],
    ['/get/../ip?a=b', '/ip?a=b'],
    ['/anything/a%2Fb//c', '/anything/a%252Fb/c'],
    ['/../..', '/'],
    ['/anything/a/./', '/anything/a/'],
  ])('%s is redirected, as Go does', async (path, location) => {
    const { status, headers } = await send(app, path);
    expect([status, headers.location]).toEqual([307, location]);
  });

  test('headers, all values under the names of Go, among them those that a sidecar adds', async () => {
    const { body } = await send(app, '/headers', {
      headers: {
        host: 'httpbin.foo',
        'x-jwt-payload': 'e30',
        'x-many': ['1', '2'],
        'x-empty': '',
        connection: 'close',
      },
    });
    expect(JSON.parse(body)).toEqual({
      headers: {
        Connection: ['close'],
        Host: ['httpbin.foo'],
        'X-Empty': [''],
        'X-Jwt-Payload': ['e30'],
        'X-Many': ['1', '2'],
      },
    });
  });

  test('query parameters: repeated, empty, escaped; bad ones are left out', async () => {
    const { body } = await send(app, '/get?a=1&a=2&b=&c&d+e=%C3%A9&%zz=1&f;g=1');
    expect(JSON.parse(body).args).toEqual({ a: ['1', '2'], b: [''], c: [''], 'd e': ['é'] });
  });

  test.each([
    [
      'application/x-www-form-urlencoded',
      'a=1&b=2&a=3+4',
      { data: 'a=1&b=2&a=3+4', form: { a: ['1', '3 4'], b: ['2'] } },
    ],
    ['application/json; charset=utf-8', '{"a":[null]}', { data: '{"a":[null]}', json: { a: [null] } }],
    ['text/plain', 'é', { data: 'é' }],
    ['application/octet-stream', 'a>>?', { data: 'data:application/octet-stream;base64,YT4-Pw==' }],
    ['', 'xyz', { data: 'data:application/octet-stream;base64,eHl6' }],
  ])('a body of type %j', async (type, body, expected) => {
    const answer = await send(app, 'POST /post', { headers: type ? { 'content-type': type } : {}, body });
    const { data, files, form, json: value } = JSON.parse(answer.body);
    expect({ data, files, form, json: value }).toEqual({ files: {}, form: {}, json: null, ...expected });
  });

  test('a body of several parts', async () => {
    const parts = ['name="x"\r\n\r\n1', 'name="f"; filename="f.txt"\r\nContent-Type: text/plain\r\n\r\nfile'];
    const body = `${parts.map((part) => `--B\r\nContent-Disposition: form-data; ${part}\r\n`).join('')}--B--\r\n`;
    const headers = { 'content-type': 'multipart/form-data; boundary=B' };
    const answer = JSON.parse((await send(app, 'POST /post', { headers, body })).body);
    expect(answer).toMatchObject({ form: { x: ['1'] }, files: { f: ['file'] } });
  });

  test.each([
    ['application/json', '{bad', 400],
    ['multipart/form-data', 'no boundary', 400],
    ['text/plain', 'a'.repeat(1024 * 1024), 200],
    ['text/plain', 'a'.repeat(1024 * 1024 + 1), 400],
  ])('%s, case %#', async (type, body, status) => {
    const answer = await send(app, 'POST /anything', { headers: { 'content-type': type }, body });
    expect(answer.status).toBe(status);
    if (status === 400) expect(JSON.parse(answer.body).detail).toMatch(/^error parsing request body: ./);
  });

  test('origin and scheme are believed', async () => {
    const headers = { host: 'a', 'x-forwarded-for': '10.1.2.3, 10.9.9.9', 'x-forwarded-proto': 'https' };
    const { body } = await send(app, '/get', { headers });
    expect(JSON.parse(body)).toMatchObject({ origin: '10.1.2.3', url: 'https://a/get' });
    expect(JSON.parse((await send(app, '/ip')).body)).toEqual({ origin: '127.0.0.1' });
  });
});

describe('single paths', () => {
  test.each([
    ['Bearer a.b.c', 200, { authenticated: true, token: 'a.b.c' }],
    ['Bearer  a', 200, { authenticated: true, token: 'a' }],
    ['bearer a', 401, { status_code: 401, error: 'Unauthorized' }],
    ['Bearer', 401, { status_code: 401, error: 'Unauthorized' }],
    ['Bearer a b', 401, { status_code: 401, error: 'Unauthorized' }],
    ['Basic a', 401, { status_code: 401, error: 'Unauthorized' }],
  ])('/bearer with %j', async (authorization, status, expected) => {
    const answer = await send(app, '/bearer', { headers: { authorization } });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([status, expected]);
    expect(answer.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
  });

  test('/cookies', async () => {
    const { body } = await send(app, '/cookies', { headers: { cookie: 'a=1; a=2; b="q"; c=x=y; bad' } });
    expect(JSON.parse(body)).toEqual({ cookies: { a: '2', b: 'q', bad: '', c: 'x=y' } });
  });

  test('/response-headers, also those that cannot be', async () => {
    const { headers, body } = await send(
      app,
      '/response-headers?X-A=1&X-A=2&content-type=text/x&b%20d=x&X-B=%0d%0aC:%20d&X-D=%E2%82%AC',
    );
    expect(headers).toMatchObject({ 'content-type': 'text/x', 'x-a': '1, 2', 'x-b': 'C: d' });
    expect(headers).not.toHaveProperty('c');
    expect(JSON.parse(body)).toMatchObject({ 'X-A': ['1', '2'], 'b d': ['x'], 'Content-Type': ['text/x'] });
  });

  test('/delay waits for as long as asked', async () => {
    const begin = performance.now();
    const answer = await send(app, '/delay/300ms');
    expect(answer.status).toBe(200);
    expect(performance.now() - begin).toBeGreaterThan(295);
  });

  test('/status draws by weight', async () => {
    const seen = new Set<number>();
    for (let i = 0; i < 60; i++) seen.add((await send(app, '/status/200,500:2')).status);
    expect([...seen].sort()).toEqual([200, 500]);
  });

  test('wrong methods and CORS', async () => {
    expect((await send(app, 'POST /get')).headers).toMatchObject({
      allow: 'GET, HEAD',
      'x-content-type-options': 'nosniff',
    });
    const headers = { origin: 'http://a.example', 'access-control-request-headers': 'authorization' };
    expect((await send(app, 'OPTIONS /get', { headers })).headers).toMatchObject({
      'access-control-allow-origin': 'http://a.example',
      'access-control-allow-headers': 'authorization',
    });
  });

  test('each request has a line in the log, written before the answer', async () => {
    const before = app.lines.length;
    await send(app, '/status/403?a"b', { headers: { 'user-agent': 'curl/8' } });
    expect(app.lines.slice(before)).toEqual([
      expect.stringMatching(
        /level=WARN status=403 method=GET uri="\/status\/403\?a\\"b" size_bytes=0 user_agent="curl\/8"/,
      ),
    ]);
  });
});

describe('a WebSocket', () => {
  const handshake = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };

  test('is begun, and ends when the client says something in it', async () => {
    const port = [...app.ports.values()][0]!;
    const sent = request({
      host: '127.0.0.1',
      port,
      path: '/websocket/echo',
      headers: { ...handshake, 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' },
    }).end();
    const [response, socket] = (await once(sent, 'upgrade')) as [IncomingMessage, Socket];
    expect(response.statusCode).toBe(101);
    // The example of RFC 6455, section 1.3.
    expect(response.headers).toMatchObject({
      upgrade: 'websocket',
      'sec-websocket-accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    });
    socket.resume().write('frame');
    await once(socket, 'end');
  });

  test('does not keep the application from being stopped', async () => {
    const other = await start('httpbin');
    const port = [...other.ports.values()][0]!;
    const headers = { ...handshake, 'sec-websocket-key': 'a' };
    const sent = request({ host: '127.0.0.1', port, path: '/websocket/echo', headers }).end();
    const [, socket] = (await once(sent, 'upgrade')) as [IncomingMessage, Socket];
    socket.on('error', () => {});
    await other.close();
    expect(other.ports.size).toBe(1);
  });

  test.each<[string, Record<string, string>, number]>([
    ['/websocket/echo', {}, 400],
    ['/websocket/echo', handshake, 400],
    ['/websocket/other', {}, 404],
    ['POST /websocket/echo', {}, 405],
    ['/headers', { ...handshake, 'sec-websocket-key': 'a' }, 200],
  ])('%s %j', async (what, headers, status) => {
    expect((await send(app, what, { headers })).status).toBe(status);
  });
});
