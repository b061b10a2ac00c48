import { once } from 'node:events';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { rootCertificates } from 'node:tls';
import { Agent, request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { issueCertificate, makeCa } from '../../src/jwks/certificates.ts';
import { checkJwks } from '../../src/jwks/check-jwks.ts';
import { KeyServerControl, secretHeader } from '../../src/jwks/key-server-client.ts';
import { makeIssuerKeys } from '../../src/token/issuer-keys.ts';
import { freePorts, type RunningServer, spawnServer, startServer } from './running-server.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await startServer();
});
afterEach(() => server.control.setFault(null));
afterAll(() => server.stop());

const jwks = { keys: [{ kty: 'oct', kid: 'a', k: 'AA' }] };

async function get(url: string, options: Parameters<typeof request>[1] = {}) {
  const { statusCode, headers, body } = await request(url, { reset: true, ...options });
  return { status: statusCode, headers, body: await body.text() };
}

describe('OpenID Connect Discovery', () => {
  it('leads to the keys at the address at which it was asked, where that is wanted', async () => {
    expect(await get(server.url('/.well-known/openid-configuration'))).toMatchObject({ status: 404 });
    const fresh = await startServer({ discovery: true });
    try {
      const url = fresh.url('/.well-known/openid-configuration');
      const { body } = await get(url);
      const issuer = new URL(url).origin;
      expect(JSON.parse(body)).toEqual({ issuer, jwks_uri: `${issuer}/get_jwks` });
      await fresh.control.setFault({ status: 500 });
      expect(await get(url)).toMatchObject({ status: 500 });
    } finally {
      await fresh.stop();
    }
  });
});

describe('a server of HTTP/2 alone', () => {
  it('answers over TLS to whoever speaks it, and to nobody else', async () => {
    const fresh = await startServer({ http2Only: true });
    const ca = await makeCa('h2');
    const ask = async (allowH2: boolean) => {
      const { httpsPort } = await fresh.control.ready(AbortSignal.timeout(5_000));
      const dispatcher = new Agent({ allowH2, connect: { ca: ca.certPem, timeout: 2_000 } });
      try {
        return await get(`https://127.0.0.1:${httpsPort}/get_jwks`, { dispatcher, reset: false });
      } finally {
        await dispatcher.destroy();
      }
    };
    try {
      await fresh.control.setKeys(jwks);
      await fresh.control.setTls(await issueCertificate(ca, { ips: ['127.0.0.1'] }));
      expect(await ask(true)).toMatchObject({ status: 200, body: JSON.stringify(jwks) });
      await expect(ask(false)).rejects.toThrow();
    } finally {
      await fresh.stop();
    }
  });
});

describe('the key server', () => {
  it('says on its control port what it says on standard output', async () => {
    expect(server.ports).toEqual({ httpPort: expect.any(Number), controlPort: expect.any(Number) });
    expect(await server.control.ready(AbortSignal.timeout(5_000))).toMatchObject(server.ports);
  });

  it('has no keys before it is given any, then serves them byte for byte until they are rotated', async () => {
    const fresh = await startServer();
    try {
      expect(await get(fresh.url())).toMatchObject({ status: 503, body: 'no keys yet\n' });
      const keys = await makeIssuerKeys('sample', { issuer: 'i', algorithm: 'ES256' }, 'r1');
      await fresh.control.setKeys(keys.jwks());
      const answer = await get(fresh.url());
      expect(answer).toMatchObject({ status: 200, body: JSON.stringify(keys.jwks()) });
      expect(answer.headers).toMatchObject({
        'content-type': 'application/json',
        'cache-control': 'no-store',
      });
      expect(checkJwks(answer.body, ['sample-r1'])).toBeUndefined();
      await fresh.control.setKeys(jwks);
      expect((await get(`${fresh.url()}?some=query`)).body).toBe(JSON.stringify(jwks));
    } finally {
      await fresh.stop();
    }
  });

  it('has nothing at other paths, and wants GET or HEAD', async () => {
    await server.control.setKeys(jwks);
    expect(await get(server.url('/other'))).toMatchObject({ status: 404 });
    expect(await get(server.url('/get_jwks/'))).toMatchObject({ status: 404 });
    expect(await get(server.url(), { method: 'POST', body: 'x' })).toMatchObject({ status: 405 });
    const head = await get(server.url(), { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers['content-length']).toBe(String(JSON.stringify(jwks).length));
  });

  it('logs who asked for what, oldest first', async () => {
    const before = await server.control.logEnd();
    const started = Date.now();
    await get(server.url(), { headers: { 'user-agent': 'Go-http-client/1.1' } });
    await get(`${server.url()}?x=1`, { headers: { 'user-agent': 'Go-browser', 'x-envoy-internal': 'true' } });
    await get(server.url('/other'), { headers: { 'x-envoy-expected-rq-timeout-ms': '5000' } });
    await get(server.url(), { headers: { 'user-agent': 'curl/8', 'x-envoy-attempt-count': '1' } });
    const log = await server.control.log(before);
    expect(log.map(({ at: _, ...entry }) => entry)).toEqual([
      { path: '/get_jwks', status: 200, by: 'istiod', userAgent: 'Go-http-client/1.1', remote: '127.0.0.1' },
      { path: '/get_jwks', status: 200, by: 'envoy', userAgent: 'Go-browser', remote: '127.0.0.1' },
      { path: '/other', status: 404, by: 'envoy', userAgent: '', remote: '127.0.0.1' },
      { path: '/get_jwks', status: 200, by: 'other', userAgent: 'curl/8', remote: '127.0.0.1' },
    ]);
    const times = log.map((entry) => entry.at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(started);
    expect(times.at(-1)).toBeLessThanOrEqual(Date.now());
  });
});

describe('the log of another process', () => {
  it('does not go on where the one before has ended', async () => {
    const [one, other] = await Promise.all([startServer(), startServer()]);
    try {
      const before = await one.control.logEnd();
      expect(await one.control.log(before)).toEqual([]);
      await expect(other.control.log(before)).rejects.toMatchObject({
        code: 'E_KEY_SERVER',
        message: expect.stringContaining('does not know all requests: it has been started anew'),
      });
    } finally {
      await Promise.all([one.stop(), other.stop()]);
    }
  });
});

describe('a key server that fails on purpose', () => {
  beforeAll(() => server.control.setKeys(jwks));

  it('answers with a status, a body, or both, and recovers', async () => {
    await server.control.setFault({ status: 500 });
    expect(await get(server.url())).toMatchObject({ status: 500, body: 'failing on purpose\n' });
    expect(await get(server.url('/other'))).toMatchObject({ status: 404 });
    await server.control.setFault({ body: '{"keys":[]}' });
    expect(await get(server.url())).toMatchObject({ status: 200, body: '{"keys":[]}' });
    await server.control.setFault({ body: '' });
    expect(await get(server.url())).toMatchObject({ status: 200, body: '' });
    await server.control.setFault({ status: 502, body: '<html>' });
    expect(await get(server.url())).toMatchObject({ status: 502, body: '<html>' });
    await server.control.setFault(null);
    expect(await get(server.url())).toMatchObject({ status: 200, body: JSON.stringify(jwks) });
  });

  it('answers late, and has logged the request before', async () => {
    await server.control.setFault({ delayMs: 60_000 });
    const before = await server.control.logEnd();
    const givesUp = new AbortController();
    const waiting = get(server.url(), { headersTimeout: 60_000, signal: givesUp.signal }).catch(String);
    await expect.poll(() => server.control.log(before)).toMatchObject([{ status: 200, isOpen: true }]);
    givesUp.abort();
    await waiting;
    // Whoever has given up waits for nothing any more.
    await expect.poll(async () => (await server.control.log(before))[0]?.isOpen).toBeUndefined();
    await server.control.setFault({ delayMs: 150 });
    const started = performance.now();
    expect(await get(server.url())).toMatchObject({ status: 200 });
    expect(performance.now() - started).toBeGreaterThanOrEqual(149);
  });

  it('resets the connection', async () => {
    await server.control.setFault({ reset: true });
    const before = await server.control.logEnd();
    await expect(get(server.url())).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await server.control.log(before)).toMatchObject([{ status: 0 }]);
  });

  it.each([{ status: 42 }, { status: 100 }, { delayMs: -1 }, { body: 7 }])(
    'refuses the fault %j',
    async (fault) => {
      await expect(server.control.setFault(fault as never)).rejects.toMatchObject({
        code: 'E_KEY_SERVER',
        message: expect.stringContaining('status must be from 200 to 599'),
      });
      expect(await get(server.url())).toMatchObject({ status: 200 });
    },
  );
});

it.each([{ redirect: 'http://a\nb' }, { redirect: 'http://日本' }, { body: '', type: 'text/日' }])(
  'lives on when it is to send %j, which no header can have',
  async (fault) => {
    await expect(server.control.setFault(fault)).rejects.toMatchObject({
      code: 'E_KEY_SERVER',
      message: expect.stringContaining('Invalid character in header content'),
    });
    expect(await get(server.url())).toMatchObject({ status: 200 });
  },
);

describe('HTTPS', () => {
  const getTls = async (port: number, ca: string) => {
    const dispatcher = new Agent({ connect: { ca } });
    try {
      return await get(`https://localhost:${port}/get_jwks`, { dispatcher, headers: { 'user-agent': 'me' } });
    } finally {
      await dispatcher.close();
    }
  };

  it('opens with the first certificate, says so, and replaces it', async () => {
    const running = await startServer();
    try {
      const [ca, other] = await Promise.all([makeCa('ca of the run'), makeCa('ca of nobody')]);
      const [trusted, untrusted] = await Promise.all(
        [ca, other].map((by) => issueCertificate(by, { dnsNames: ['localhost'] })),
      );
      await running.control.setKeys(jwks);
      const start = await running.control.logEnd();
      const ports = await running.control.setTls(trusted!);
      expect(ports).toEqual({ ...running.ports, httpsPort: expect.any(Number) });
      expect(JSON.parse((await running.lines.next()).value)).toEqual(ports);

      expect(await getTls(ports.httpsPort!, ca.certPem)).toMatchObject({
        status: 200,
        body: JSON.stringify(jwks),
      });
      await expect(getTls(ports.httpsPort!, other.certPem)).rejects.toThrow('certificate');
      await expect(getTls(ports.httpsPort!, rootCertificates[0]!)).rejects.toThrow('certificate');
      expect(await running.control.log(start)).toHaveLength(1);

      expect(await running.control.setTls(untrusted!)).toEqual(ports);
      expect(await getTls(ports.httpsPort!, other.certPem)).toMatchObject({ status: 200 });
      await expect(getTls(ports.httpsPort!, ca.certPem)).rejects.toThrow('certificate');
    } finally {
      await running.stop();
    }
  });

  it('refuses what is no certificate and still takes a good one', async () => {
    const running = await startServer();
    try {
      await expect(running.control.setTls({ certPem: 'x', keyPem: 'y' })).rejects.toMatchObject({
        code: 'E_KEY_SERVER',
      });
      const ca = await makeCa('ca');
      const ports = await running.control.setTls(await issueCertificate(ca, { dnsNames: ['localhost'] }));
      expect(await getTls(ports.httpsPort!, ca.certPem)).toMatchObject({ status: 503 });
    } finally {
      await running.stop();
    }
  });
});

describe('the process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends at once with code 0 on %s, even with open connections',
    async (signal) => {
      const running = await startServer();
      await running.control.setFault({ delayMs: 60_000 });
      const before = await running.control.logEnd();
      const hanging = get(running.url()).catch((error: unknown) => error);
      await expect.poll(() => running.control.log(before)).toHaveLength(1);
      const exited = once(running.process, 'exit');
      const started = performance.now();
      running.process.kill(signal);
      expect(await exited).toEqual([0, null]);
      expect(performance.now() - started).toBeLessThan(20_000);
      expect(await hanging).toBeInstanceOf(Error);
    },
  );

  it('says in one line why it cannot start', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address() as { port: number };
    const child = spawnServer({ ...freePorts, httpPort: address.port });
    const [output, [code]] = await Promise.all([text(child.stderr!), once(child, 'exit')]);
    taken.close();
    expect(code).toBe(1);
    expect(output).toBe(`key server: listen EADDRINUSE: address already in use 127.0.0.1:${address.port}\n`);

    const without = spawnServer('');
    expect(await text(without.stderr!)).toMatch(/^key server: KEY_SERVER_CONFIG must be JSON: .*\n$/);

    const open = spawnServer(freePorts, '');
    expect(await text(open.stderr!)).toBe('key server: JWKS_SECRET must hold the secret of control calls\n');
  });
});

describe('control calls', () => {
  test.each<[method: 'GET' | 'PUT', path: string, body: string | null]>([
    ['PUT', '/keys', '{"keys":[]}'],
    ['PUT', '/fault', '{"status":500}'],
    ['PUT', '/tls', '{}'],
    ['GET', '/log', null],
    ['GET', '/ready', null],
  ])('%s %s is for those who have the secret alone', async (method, path, body) => {
    await server.control.setKeys(jwks);
    const url = `http://127.0.0.1:${server.ports.controlPort}${path}`;
    for (const secret of [undefined, '', 'undefined', 'x'.repeat(32)]) {
      const headers: Record<string, string> = secret === undefined ? {} : { 'x-jwt-e2e-secret': secret };
      const answer = await get(url, { method, body, headers });
      expect(answer).toMatchObject({ status: 403, body: expect.stringContaining('x-jwt-e2e-secret') });
      expect(answer.body).not.toContain('entries');
    }
    expect(await get(server.url())).toMatchObject({ status: 200, body: JSON.stringify(jwks) });
  });

  it('with another secret fail, and say so', async () => {
    const other = new KeyServerControl(`http://127.0.0.1:${server.ports.controlPort}`, 'other');
    await expect(other.setKeys(jwks)).rejects.toMatchObject({
      code: 'E_KEY_SERVER',
      message: expect.stringContaining('403'),
    });
  });
});

describe('the client', () => {
  it('waits until the server is there', async () => {
    const earlier = await startServer();
    await earlier.stop();
    const port = earlier.ports.controlPort;
    const waiting = new KeyServerControl(`http://127.0.0.1:${port}/`, 'secret').ready(
      AbortSignal.timeout(20_000),
    );
    const running = await startServer({ ...freePorts, controlPort: port }, 'secret');
    expect(await waiting).toEqual(running.ports);
    await running.stop();
  });

  it('gives up when it is told to, and says why', async () => {
    const nobody = new KeyServerControl('http://127.0.0.1:1', 'secret');
    await expect(nobody.ready(AbortSignal.timeout(250))).rejects.toMatchObject({
      code: 'E_TIMEOUT',
      message: 'the key server at http://127.0.0.1:1 did not get ready in time',
      details: expect.stringContaining('ECONNREFUSED'),
    });
    await expect(nobody.ready(AbortSignal.abort())).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    await expect(nobody.setKeys({})).rejects.toMatchObject({
      code: 'E_KEY_SERVER',
      message: 'key server at http://127.0.0.1:1, PUT /keys: connect ECONNREFUSED 127.0.0.1:1',
    });
  });

  it('reports what the server refuses', async () => {
    await expect(server.control.setKeys(undefined)).rejects.toMatchObject({ code: 'E_KEY_SERVER' });
    const nothing = `http://127.0.0.1:${server.ports.controlPort}/nothing`;
    const headers = secretHeader(server.secret);
    expect(await get(nothing, { headers })).toMatchObject({ status: 404 });
  });
});
