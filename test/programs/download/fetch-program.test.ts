import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import type { Limits } from '../../../src/programs/download/download-limits.ts';
import { fetchProgram } from '../../../src/programs/download/fetch-program.ts';
import type { ProgramPin } from '../../../src/programs/pin.ts';
import { typescript } from '../../support/typescript.ts';
import { archiveOf, downloads, pinOf, quick, script, send, sha256, temporaryFolder } from '../downloads.ts';

const program = script('1.31.1');

function fetcher(limits: Limits = quick, signal = new AbortController().signal) {
  const cacheDir = temporaryFolder();
  const said: string[] = [];
  return {
    cacheDir,
    said,
    run: (pin: ProgramPin, name = 'istioctl') =>
      fetchProgram(name, pin, { cacheDir, limits, signal, report: (message) => said.push(message) }),
  };
}

async function failure(promise: Promise<unknown>): Promise<HarnessError> {
  const error = await promise.then(
    (value) => expect.fail(`it returned ${String(value)}`),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(HarnessError);
  return error as HarnessError;
}

describe('a good download', () => {
  test('of an archive, checked by the published checksum file', async () => {
    const server = await downloads();
    const archive = await archiveOf({ LICENSE: 'text', istioctl: program });
    server.routes.set('/istioctl.tar.gz', send(archive));
    server.routes.set('/istioctl.tar.gz.sha256', send(`${sha256(archive)}  istioctl.tar.gz\n`));
    const { cacheDir, said, run } = fetcher();

    const path = await run(pinOf(server, '/istioctl.tar.gz', { member: 'istioctl' }));

    expect(readFileSync(path, 'utf8')).toBe(program);
    expect(statSync(path).mode & 0o777).toBe(0o755);
    expect(readdirSync(cacheDir)).toEqual([`istioctl-1.31.1-linux-amd64-${sha256(archive).slice(0, 12)}`]);
    expect(said[0]).toBe(`istioctl 1.31.1: downloading ${server.url}/istioctl.tar.gz`);
  });

  test('of a plain program with a pinned digest needs no checksum file', async () => {
    const server = await downloads();
    server.routes.set('/kind', send(program));
    const { run } = fetcher();

    const path = await run(pinOf(server, '/kind', { sha256: sha256(program) }), 'kind');

    expect(readFileSync(path, 'utf8')).toBe(program);
    expect(server.asked).toEqual(['/kind']);
  });

  test('follows redirects and drops credentials on the way to another origin', async () => {
    const site = await downloads();
    const store = await downloads();
    const seen: (string | undefined)[] = [];
    site.routes.set('/kind', (request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(302, { location: `${store.url}/blob` }).end();
    });
    store.routes.set('/blob', (request, response) => {
      seen.push(request.headers.authorization);
      response.end(program);
    });
    const { said, run } = fetcher();
    const pin = pinOf(site, '/kind', { sha256: sha256(program) });

    await run({ ...pin, url: pin.url.replace('http://', 'http://me:s%3Acret@') });

    expect(seen).toEqual([`Basic ${Buffer.from('me:s:cret').toString('base64')}`, undefined]);
    expect(said.join('\n')).not.toContain('cret');
  });

  test('after a cut connection and a 503', async () => {
    const server = await downloads();
    let count = 0;
    server.routes.set('/kind', (_, response) => {
      count += 1;
      if (count === 1) response.writeHead(503).end();
      else if (count === 2) {
        response.writeHead(200, { 'content-length': program.length });
        response.write(program.slice(0, 5), () => response.destroy());
      } else response.end(program);
    });
    const { cacheDir, said, run } = fetcher();

    const path = await run(pinOf(server, '/kind', { sha256: sha256(program) }), 'kind');

    expect(readFileSync(path, 'utf8')).toBe(program);
    expect(said.filter((line) => line.endsWith('trying again'))).toHaveLength(2);
    expect(readdirSync(cacheDir)).toHaveLength(1);
  });

  test('goes through the proxy of the environment', async () => {
    const server = await downloads();
    server.routes.set('/kind', send(program));
    const tunnels: string[] = [];
    const proxy = createServer().on('connect', (request, socket) => {
      tunnels.push(request.url ?? '');
      const upstream = connect(Number(new URL(server.url).port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      for (const end of [socket, upstream]) end.on('error', () => {});
    });
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
    onTestFinished(() => {
      vi.unstubAllEnvs();
      proxy.closeAllConnections();
      proxy.close();
    });
    for (const name of ['no_proxy', 'NO_PROXY', 'https_proxy', 'HTTPS_PROXY']) vi.stubEnv(name, '');
    vi.stubEnv('http_proxy', `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
    const { run } = fetcher();
    const pin = pinOf(server, '/kind', { sha256: sha256(program) });

    await run({ ...pin, url: 'http://downloads.example/kind' }, 'kind');

    expect(tunnels).toEqual(['downloads.example:80']);
  });

  test('of several processes at once ends with one complete program', async () => {
    const server = await downloads();
    const archive = await archiveOf({ istioctl: program + '#'.repeat(2_000_000) });
    server.routes.set('/a.tar.gz', send(archive));
    const { cacheDir } = fetcher();
    const pin = pinOf(server, '/a.tar.gz', { member: 'istioctl', sha256: sha256(archive) });
    const one = `
      import { fetchProgram } from './src/programs/download/fetch-program.ts';
      const path = await fetchProgram('istioctl', ${JSON.stringify(pin)}, {
        cacheDir: ${JSON.stringify(cacheDir)}, report() {}, signal: new AbortController().signal });
      process.stdout.write(path);`;
    const start = () =>
      new Promise<string>((done, failed) => {
        const child = spawn('node', ['--import', typescript, '--input-type=module', '-e', one]);
        let out = '';
        let wrong = '';
        child.stdout.on('data', (chunk) => {
          out += chunk;
        });
        child.stderr.on('data', (chunk) => {
          wrong += chunk;
        });
        child.on('close', (code) => (code === 0 ? done(out) : failed(new Error(wrong))));
      });

    const paths = await Promise.all([start(), start()]);

    expect(new Set(paths).size).toBe(1);
    expect(statSync(paths[0]!).size).toBe(program.length + 2_000_000);
    expect(readdirSync(cacheDir)).toHaveLength(1);
  });

  test('removes partial files of killed processes, but not those of running ones', async () => {
    const server = await downloads();
    server.routes.set('/kind', send(program));
    const { cacheDir, run } = fetcher();
    for (const name of ['.part-1-old', '.part-2-new']) writeFileSync(join(cacheDir, name), 'half');
    const yesterday = Date.now() / 1000 - 90_000;
    utimesSync(join(cacheDir, '.part-1-old'), yesterday, yesterday);

    await run(pinOf(server, '/kind', { sha256: sha256(program) }), 'kind');

    expect(readdirSync(cacheDir).filter((name) => name.startsWith('.part'))).toEqual(['.part-2-new']);
  });
});

describe('a bad download leaves nothing in the cache', () => {
  test.each([
    ['kind/versions.yaml', { sha256: 'a'.repeat(64) }],
    ['/kind.sha256', {}],
  ])('with a digest other than in %s', async (origin, more) => {
    const server = await downloads();
    server.routes.set('/kind', send('malware'));
    server.routes.set('/kind.sha256', send(`${'a'.repeat(64)}  kind\n`));
    const { cacheDir, run } = fetcher();

    const error = await failure(run(pinOf(server, '/kind', more), 'kind'));

    expect(error.code).toBe('E_PROGRAM');
    expect(error.message).toBe(
      `cannot fetch kind 1.31.1: ${server.url}/kind has a wrong SHA-256; it was not used`,
    );
    expect(error.details).toContain(`expected ${'a'.repeat(64)} (from `);
    expect(error.details).toContain(origin);
    expect(error.details).toContain(`actual   ${sha256('malware')}`);
    expect(error.hint).toContain('JWT_E2E_DOWNLOADS');
    expect(error.hint).toContain('--kind or JWT_E2E_KIND');
    expect(readdirSync(cacheDir)).toEqual([]);
  });

  test('of something that does not exist is not tried again', async () => {
    const server = await downloads();
    const { cacheDir, run } = fetcher();

    const error = await failure(run(pinOf(server, '/gone', { sha256: 'a'.repeat(64) })));

    expect(error.message).toBe(`cannot fetch istioctl 1.31.1: ${server.url}/gone answered 404`);
    expect(server.asked).toEqual(['/gone']);
    expect(readdirSync(cacheDir)).toEqual([]);
  });

  test('whose connection is always cut', async () => {
    const server = await downloads();
    server.routes.set('/kind', (_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => response.destroy());
    });
    const { cacheDir, run } = fetcher();

    const error = await failure(run(pinOf(server, '/kind', { sha256: sha256('half') })));

    expect(error.message).toContain('download failed 3 times');
    expect(server.asked).toHaveLength(3);
    expect(readdirSync(cacheDir)).toEqual([]);
  });

  test('of a server that stops sending', async () => {
    const server = await downloads();
    server.routes.set('/kind', (_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half');
    });
    const { cacheDir, run } = fetcher({ ...quick, idleMs: 200, attempts: 1 });

    const error = await failure(run(pinOf(server, '/kind', { sha256: sha256('half') })));

    expect(error.message).toMatch(/download failed 1 times: .*[Tt]imeout/);
    expect(readdirSync(cacheDir)).toEqual([]);
  });

  test('of a server that is too slow altogether', async () => {
    const server = await downloads();
    server.routes.set('/kind', (_, response) => {
      response.writeHead(200, { 'content-length': 1_000_000 });
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const { run } = fetcher({ ...quick, downloadMs: 1_000 });

    const error = await failure(run(pinOf(server, '/kind', { sha256: sha256('half') })));

    expect(error.code).toBe('E_TIMEOUT');
    expect(error.message).toContain('took longer than 1 s');
    expect(server.asked).toHaveLength(1);
  });

  test('that is too large', async () => {
    const server = await downloads();
    server.routes.set('/kind', send('x'.repeat(2_000)));
    const { cacheDir, run } = fetcher({ ...quick, maxBytes: 1_000 });

    const error = await failure(run(pinOf(server, '/kind', { sha256: sha256('x'.repeat(2_000)) })));

    expect(error.message).toContain('is larger than');
    expect(readdirSync(cacheDir)).toEqual([]);
  });

  test('that redirects for ever', async () => {
    const server = await downloads();
    server.routes.set('/kind', (_, response) => response.writeHead(302, { location: '/kind' }).end());
    const { run } = fetcher();

    const error = await failure(run(pinOf(server, '/kind', { sha256: 'a'.repeat(64) })));

    expect(error.message).toContain('redirects more than 5 times');
  });

  test.each([
    ['has no such file', { LICENSE: 'text' }, 'the archive has no file istioctl'],
    ['is no archive', undefined, 'the archive of istioctl cannot be unpacked'],
  ])('whose archive %s', async (_, files, message) => {
    const server = await downloads();
    const archive = files === undefined ? Buffer.from('<html>') : await archiveOf(files);
    server.routes.set('/a.tar.gz', send(archive));
    const { cacheDir, run } = fetcher();

    const error = await failure(
      run(pinOf(server, '/a.tar.gz', { member: 'istioctl', sha256: sha256(archive) })),
    );

    expect(error.message).toContain(message);
    expect(readdirSync(cacheDir)).toEqual([]);
  });

  test('that is interrupted', async () => {
    const server = await downloads();
    const user = new AbortController();
    server.routes.set('/kind', (_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => user.abort());
    });
    const { cacheDir, run } = fetcher(quick, user.signal);

    const error = await failure(run(pinOf(server, '/kind', { sha256: sha256('half') })));

    expect(error.code).toBe('E_INTERRUPTED');
    expect(server.asked).toHaveLength(1);
    expect(readdirSync(cacheDir)).toEqual([]);
  });

  test('when the cache cannot be written', async () => {
    const server = await downloads();
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');

    const error = await failure(
      fetchProgram('kind', pinOf(server, '/kind'), {
        cacheDir: join(file, 'programs'),
        report: () => {},
        signal: new AbortController().signal,
      }),
    );

    expect(error.message).toContain(`cannot write to ${file}/programs`);
    expect(server.asked).toEqual([]);
  });
});
