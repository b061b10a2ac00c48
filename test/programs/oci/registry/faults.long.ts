import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { downloads, quick } from '../../downloads.ts';
import { failure, fetcher } from '../fetcher.ts';
import { digest, pushImage, pushIndex } from '../images.ts';
import { type Front, front, skipped, startRegistry } from '../registries.ts';
import { layerOf, program } from '../tarballs.ts';

const layer = layerOf(...program('usr/local/bin/pilot-discovery', 'program'));
const blob = `blobs/${digest(layer)}`;

/** An image with one layer behind a server whose answers can be spoiled. */
async function spoiled(): Promise<{ proxy: Front; image: string }> {
  const registry = await startRegistry();
  await pushImage(registry, 'istio/pilot', { layers: [layer] }, '1.31.1');
  const proxy = await front(registry);
  return { proxy, image: `${proxy.address}/istio/pilot:1.31.1` };
}

describe.skipIf(skipped !== undefined)(`a layer or a manifest (skipped when ${skipped})`, () => {
  test.each([
    ['a layer', blob, `/v2/istio/pilot/${blob} has a wrong digest; it was not used`],
    ['the configuration', 'blobs/', 'has a wrong digest; it was not used'],
    ['a manifest', 'manifests/', '/v2/istio/pilot/manifests/1.31.1 has a wrong digest; it was not used'],
  ])('of which one bit is wrong: %s', async (_, part, message) => {
    const { proxy, image } = await spoiled();
    proxy.faults.set(part, async (_, response, upstream) => {
      const { headers, body } = await upstream();
      body[20]! ^= 1;
      response.writeHead(200, headers).end(body);
    });
    const { folder, run } = fetcher();

    const error = await failure(run(image));

    expect(error.code).toBe('E_PROGRAM');
    expect(error.message).toContain(message);
    expect(error.details).toMatch(/^expected sha256:[0-9a-f]{64}\nactual {3}sha256:[0-9a-f]{64}$/);
    expect(proxy.asked.filter((path) => path.includes(part)).length).toBeLessThanOrEqual(2);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('in whose place another one comes, with a header that is right for it', async () => {
    const registry = await startRegistry();
    const wanted = await pushIndex(registry, 'istio/pilot', [{ layers: [layer] }], '1.31.1');
    const other = { layers: [layerOf(...program('usr/local/bin/pilot-discovery', 'malware'))] };
    const bad = await pushImage(registry, 'istio/pilot', other, 'bad');
    const proxy = await front(registry);
    const { folder, run } = fetcher();
    for (const { digest: replaced } of [wanted, ...wanted.manifests]) {
      proxy.faults.clear();
      proxy.faults.set(`manifests/${replaced}`, async (_, response) => {
        const answer = await fetch(`http://${registry}/v2/istio/pilot/manifests/bad`, {
          headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
        });
        response.writeHead(200, Object.fromEntries(answer.headers)).end(await answer.text());
      });

      const error = await failure(run(`${proxy.address}/istio/pilot@${wanted.digest}`));

      expect(error.message).toContain(`manifests/${replaced} has a wrong digest; it was not used`);
      expect(error.details).toBe(`expected ${replaced}\nactual   ${bad.digest}`);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  test('whose connection is cut, or that a busy server has no time for, is tried again', async () => {
    const { proxy, image } = await spoiled();
    let count = 0;
    proxy.faults.set(blob, async (_, response, upstream) => {
      count += 1;
      const { headers, body } = await upstream();
      if (count === 1) response.writeHead(503).end();
      else if (count === 2)
        response.writeHead(200, headers).write(body.subarray(0, 50), () => response.destroy());
      else if (count === 3) {
        // No length and a proper end: only the manifest tells that something is missing.
        response.writeHead(200).end(body.subarray(0, 50));
      } else response.writeHead(200, headers).end(body);
    });
    const { target, said, run } = fetcher({ limits: { ...quick, attempts: 4 } });

    await run(image);

    expect(readFileSync(target, 'utf8')).toBe('program');
    expect(said.filter((line) => line.endsWith('trying again'))).toHaveLength(3);
    expect(said.join('\n')).toContain(`ended after 50 of ${layer.length} bytes`);
  });

  test('whose connection is always cut', async () => {
    const { proxy, image } = await spoiled();
    proxy.faults.set(blob, (_, response) => response.destroy());
    const { folder, run } = fetcher();

    const error = await failure(run(image));

    expect(error.message).toContain('download failed 3 times');
    expect(proxy.asked.filter((path) => path === blob)).toHaveLength(3);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('that there are too many requests for is asked for again when the server says', async () => {
    const { proxy, image } = await spoiled();
    const times: number[] = [];
    proxy.faults.set('manifests/', async (_, response, upstream) => {
      times.push(Date.now());
      if (times.length === 1) response.writeHead(429, { 'retry-after': '1' }).end();
      else if (times.length === 2) {
        const date = new Date(Date.now() + 1_500).toUTCString();
        response.writeHead(429, { 'retry-after': date }).end();
      } else {
        const { headers, body } = await upstream();
        response.writeHead(200, headers).end(body);
      }
    });
    const { run } = fetcher();

    await run(image);

    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(990);
    // A date has whole seconds.
    expect(times[2]! - times[1]!).toBeGreaterThanOrEqual(490);
  });

  test('that there are too many requests for all the time', async () => {
    const { proxy, image } = await spoiled();
    proxy.faults.set(blob, (_, response) => response.writeHead(429).end());
    const { run } = fetcher();

    const error = await failure(run(image));

    expect(error.message).toMatch(/download failed 3 times: .* answered 429$/);
    expect(error.hint).toContain(`docker login ${proxy.address}`);
  });

  test('that has another length than its manifest says', async () => {
    const { proxy, image } = await spoiled();
    const longer = Buffer.concat([layer, Buffer.from('more')]);
    proxy.faults.set(blob, (_, response) => response.writeHead(200).end(longer));
    const { folder, run } = fetcher();

    const error = await failure(run(image));
    proxy.faults.set(blob, (_, response) => {
      response.writeHead(200, { 'content-length': layer.length + 10 });
      response.write(layer, () => response.destroy());
    });
    const announced = await failure(run(image));

    expect(error.message).toContain(`is larger than ${layer.length} bytes`);
    expect(announced.message).toContain('download failed 3 times');
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([
    ['manifests/', 200],
    ['manifests/', 404],
    ['manifests/', 400],
    [blob, 200],
    ['', 200],
  ])('in whose place comes a page of a proxy: %s %i', async (part, status) => {
    const { proxy, image } = await spoiled();
    proxy.faults.set(part, (_, response) =>
      response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end('<html>Log in, please'),
    );
    const { run } = fetcher();

    const error = await failure(run(image));

    expect(error.message).toContain(
      `${proxy.address} answered ${status} with an HTML page: it is no registry, or a proxy stands before it`,
    );
    expect(error.details).toBe('<html>Log in, please');
  });

  test('that some other server answers', async () => {
    const { proxy, image } = await spoiled();
    const { run } = fetcher();
    const answers = async (status: number, text: string) => {
      proxy.faults.set('', (_, response) => response.writeHead(status).end(text));
      return (await failure(run(image))).message;
    };

    expect(await answers(404, '404 page not found')).toContain('answered 404 in no way that a registry does');
    expect(await answers(200, '{}')).toContain('it has neither layers nor manifests, or both');
    expect(await answers(200, '{"fsLayers":[]}')).toContain('the format of before 2016, schema 1');
    expect(await answers(200, '{"manifests":[{"digest":"sha512:0","size":1}]}')).toContain(
      'manifests.0.digest: only digests of the form sha256:… are supported',
    );
    expect(await answers(418, 'teapot')).toContain('answered 418 for istio/pilot');
    expect(await answers(200, 'x'.repeat(5_000_000))).toContain('more than 4 MiB');
  });

  test('that stops coming', async () => {
    const { proxy, image } = await spoiled();
    proxy.faults.set(blob, (_, response) => response.writeHead(200).write('half'));
    const { folder, run } = fetcher({ limits: { ...quick, idleMs: 200, attempts: 1 } });

    const error = await failure(run(image));

    expect(error.message).toMatch(/download failed 1 times: .*[Tt]imeout/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('that is too slow altogether', async () => {
    const { proxy, image } = await spoiled();
    proxy.faults.set(blob, (_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const { folder, run } = fetcher({ limits: { ...quick, downloadMs: 500 } });

    const error = await failure(run(image));

    expect(error.code).toBe('E_TIMEOUT');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('whose download the user interrupts', async () => {
    const { proxy, image } = await spoiled();
    const user = new AbortController();
    proxy.faults.set(blob, (_, response) =>
      response.writeHead(200).write('half', () => user.abort('SIGINT')),
    );
    const { folder, run } = fetcher({ signal: user.signal });

    const error = await failure(run(image));

    expect(error.code).toBe('E_INTERRUPTED');
    expect(error.message).toBe('interrupted');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('that takes long tells how far it is, every half second', async () => {
    const { proxy, image } = await spoiled();
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const { folder, said, run } = fetcher();
    const arrived = () => statSync(join(folder, readdirSync(folder)[0]!)).size;
    // Each byte takes a fifth of a second; it is sent when the one before it is on disk.
    proxy.faults.set(blob, async (_, response) => {
      response.writeHead(200, { 'content-length': layer.length });
      for (const [index, byte] of layer.subarray(0, 10).entries()) {
        vi.setSystemTime(Date.now() + 200);
        response.write(Buffer.of(byte));
        while (readdirSync(folder).length === 0 || arrived() <= index) {
          await new Promise((done) => setTimeout(done, 1));
        }
      }
      response.end(layer.subarray(10));
    });

    await run(image);

    const progress = said.filter((line) => line.endsWith(' bytes'));
    expect(progress[0]).toMatch(/: downloading a layer: \d of \d+ bytes$/);
    expect(progress.length).toBeGreaterThanOrEqual(2);
    expect(progress.length).toBeLessThanOrEqual(4);
  });
});

describe.skipIf(skipped !== undefined)(`a redirect (skipped when ${skipped})`, () => {
  test('leads to where the layers are, and takes no credentials there', async () => {
    const { proxy, image } = await spoiled();
    const store = await downloads();
    const seen: (string | undefined)[] = [];
    store.routes.set('/layer?signature=x', (request, response) => {
      seen.push(request.headers.authorization);
      response.end(layer);
    });
    proxy.faults.set(blob, (request, response) => {
      seen.push(request.headers.authorization);
      if (request.headers.authorization === undefined) {
        response
          .writeHead(401, { 'www-authenticate': `Bearer realm="${store.url}/token",service="it"` })
          .end();
      } else response.writeHead(307, { location: `${store.url}/layer?signature=x` }).end();
    });
    const scope = encodeURIComponent('repository:istio/pilot:pull').replaceAll('%20', '+');
    store.routes.set(`/token?service=it&scope=${scope}`, (_, response) =>
      response.end('{"access_token":"t"}'),
    );
    const { target, run } = fetcher();

    await run(image);

    expect(readFileSync(target, 'utf8')).toBe('program');
    expect(seen).toEqual([undefined, 'Bearer t', undefined]);
  });

  test('to a server that asks for a password gets none', async () => {
    const { proxy, image } = await spoiled();
    const store = await downloads();
    store.routes.set('/layer', (_, response) =>
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${store.url}/token"` }).end(),
    );
    proxy.faults.set(blob, (_, response) =>
      response.writeHead(302, { location: `${store.url}/layer` }).end(),
    );
    const { run } = fetcher();

    const error = await failure(run(image));

    expect(error.message).toContain('refuses access to istio/pilot: it answered 401');
    expect(store.asked).toEqual(['/layer']);
  });

  test('in a circle ends', async () => {
    const { proxy, image } = await spoiled();
    proxy.faults.set(blob, (request, response) => response.writeHead(302, { location: request.url! }).end());
    const { run } = fetcher();

    const error = await failure(run(image));

    expect(error.message).toContain('redirects more than 5 times');
  });
});
