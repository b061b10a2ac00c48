import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { imageExists, imageTags } from '../../../src/programs/oci/image.ts';
import { unaborted } from '../../support/signals.ts';
import { downloads, quick, temporaryFolder } from '../downloads.ts';
import { failure, fetcher } from './fetcher.ts';
import { digest, pushImage, pushIndex, pushManifest } from './images.ts';
import { front, skipped, startRegistry } from './registries.ts';
import { file, folder, layerOf, program, symlink, tarOf } from './tarballs.ts';

const pilot = 'usr/local/bin/pilot-discovery';
const base = layerOf(folder('usr'), folder('usr/lib'), file('usr/lib/big', Buffer.alloc(100_000)));

describe.skipIf(skipped !== undefined)(`files out of a registry (skipped when ${skipped})`, () => {
  test('come from the build for the platform, executable and complete', async () => {
    const registry = await startRegistry();
    const pushed = await pushIndex(
      registry,
      'istio/pilot',
      [
        { layers: [base, layerOf(...program(pilot, 'for arm64'))], architecture: 'arm64' },
        { layers: [base, layerOf(...program(pilot, 'for amd64'), file('etc/license', 'text', 0o644))] },
      ],
      '1.31.1',
    );
    const { folder, target, said, run } = fetcher();
    const license = join(folder, 'LICENSE');

    const result = await run(`${registry}/istio/pilot:1.31.1`, {
      files: [
        { path: `/${pilot}`, target },
        { path: '/etc/license', target: license },
      ],
    });

    expect(result).toEqual({ digest: pushed.digest });
    expect(readFileSync(target, 'utf8')).toBe('for amd64');
    expect(readFileSync(license, 'utf8')).toBe('text');
    expect(statSync(target).mode & 0o777).toBe(0o755);
    expect(statSync(license).mode & 0o777).toBe(0o644);
    expect(readdirSync(folder).sort()).toEqual(['LICENSE', 'pilot-discovery']);
    expect(said[0]).toBe(`${registry}/istio/pilot:1.31.1: downloading (${pushed.digest})`);
    await run(`${registry}/istio/pilot:1.31.1`, { platform: 'linux-arm64' });
    expect(readFileSync(target, 'utf8')).toBe('for arm64');
  });

  test("in Docker's formats, with plain layers and a folder in the hub", async () => {
    const registry = await startRegistry();
    const layers = [tarOf(program(pilot, 'plain'))];
    const layerType = 'application/vnd.docker.image.rootfs.diff.tar';
    await pushIndex(registry, 'mirror/istio/pilot', [{ layers, layerType, docker: true }], '1.31.1');
    const { target, run } = fetcher();

    await run(`${registry}/mirror/istio/pilot:1.31.1`);

    expect(readFileSync(target, 'utf8')).toBe('plain');
  });

  test('download the upper layers only, each once', async () => {
    const registry = await startRegistry();
    const upper = layerOf(...program(pilot, 'program'), ...program('usr/local/bin/other', 'other'));
    const above = layerOf(folder('etc'), file('etc/passwd', ''));
    await pushImage(registry, 'istio/pilot', { layers: [base, upper, above] }, '1.31.1');
    const proxy = await front(registry);
    const { folder: out, target, run } = fetcher();

    await run(`${proxy.address}/istio/pilot:1.31.1`, {
      files: [
        { path: `/${pilot}`, target },
        { path: '/usr/local/bin/other', target: join(out, 'other') },
        { path: `/${pilot}`, target: join(out, 'again') },
      ],
    });

    const blobs = proxy.asked.filter((path) => path.startsWith('blobs/')).slice(1);
    expect(blobs).toEqual([above, upper].map((layer) => `blobs/${digest(layer)}`));
    expect(readdirSync(out).map((name) => readFileSync(join(out, name), 'utf8'))).toEqual([
      'program',
      'other',
      'program',
    ]);
  });

  test('through links and whiteouts of several layers', async () => {
    const registry = await startRegistry();
    const layers = [
      layerOf(...program('opt/istio/pilot', 'linked'), ...program('usr/bin/gone', 'old')),
      layerOf(folder('usr'), folder('usr/bin'), file('usr/bin/.wh.gone', '')),
      layerOf(),
      layerOf(folder('usr'), folder('usr/local'), symlink('usr/local/bin', '../../opt/current')),
      layerOf(folder('opt'), symlink('opt/current', 'links'), folder('opt/links')),
      layerOf(
        folder('opt'),
        folder('opt/links'),
        symlink('opt/links/pilot-discovery', '/../opt/istio/pilot'),
      ),
    ];
    await pushImage(registry, 'istio/pilot', { layers }, '1.31.1');
    const { target, run } = fetcher();

    await run(`${registry}/istio/pilot:1.31.1`);
    const files = [{ path: '/usr/bin/gone', target }];
    const error = await failure(run(`${registry}/istio/pilot:1.31.1`, { files }));

    expect(readFileSync(target, 'utf8')).toBe('linked');
    expect(error.message).toContain('the image has no file /usr/bin/gone');
  });

  test('by digest of the index or of the manifest, whatever the tag says today', async () => {
    const registry = await startRegistry();
    const old = await pushIndex(
      registry,
      'istio/pilot',
      [{ layers: [layerOf(...program(pilot, 'old'))] }],
      '1.31.1',
    );
    await pushIndex(registry, 'istio/pilot', [{ layers: [layerOf(...program(pilot, 'new'))] }], '1.31.1');
    const { target, run } = fetcher();

    for (const pin of [old.digest, old.manifests[0]!.digest]) {
      expect(await run(`${registry}/istio/pilot:1.31.1`, { digest: pin })).toEqual({ digest: pin });
      expect(await run(`${registry}/istio/pilot@${old.digest}`, { digest: pin })).toEqual({
        digest: old.digest,
      });
      expect(readFileSync(target, 'utf8')).toBe('old');
    }
    const other = await failure(run(`${registry}/istio/pilot@${old.digest}`, { digest: digest('other') }));
    const missing = await failure(run(`${registry}/istio/pilot:1.31.1`, { digest: digest('other') }));

    expect(other.message).toContain('has a wrong digest; it was not used');
    expect(other.details).toContain(`expected ${digest('other')}\nactual   ${old.digest}`);
    expect(missing.message).toContain('MANIFEST_UNKNOWN');
    expect(missing.message).toContain(digest('other'));
  });

  test('of a program that several runs fetch at once', async () => {
    const registry = await startRegistry();
    const content = Buffer.alloc(3_000_000, 'x');
    await pushImage(registry, 'istio/pilot', { layers: [layerOf(...program(pilot, content))] }, '1.31.1');
    const { folder, target, run } = fetcher();

    await Promise.all([1, 2, 3].map(() => run(`${registry}/istio/pilot:1.31.1`)));

    expect(readFileSync(target).equals(content)).toBe(true);
    expect(readdirSync(folder)).toEqual(['pilot-discovery']);
  });

  test('leave nothing of a process that was killed, but let running ones go on', async () => {
    const registry = await startRegistry();
    await pushImage(registry, 'istio/pilot', { layers: [layerOf(...program(pilot, 'x'))] }, '1.31.1');
    const { folder, run } = fetcher();
    for (const name of ['.part-1-old', '.part-2-new']) writeFileSync(join(folder, name), 'half');
    const yesterday = Date.now() / 1000 - 90_000;
    utimesSync(join(folder, '.part-1-old'), yesterday, yesterday);

    await run(`${registry}/istio/pilot:1.31.1`);

    expect(readdirSync(folder).sort()).toEqual(['.part-2-new', 'pilot-discovery']);
  });

  test('are not there', async () => {
    const registry = await startRegistry();
    const image = { layers: [base, layerOf(...program(pilot, 'x'))] };
    await pushIndex(registry, 'istio/pilot', [image], '1.31.1');
    await pushImage(registry, 'istio/pilot', { ...image, architecture: 's390x' }, 'single');
    const artifact = await pushImage(
      registry,
      'istio/pilot',
      { ...image, layerType: 'text/wasm' },
      'artifact',
    );
    expect(artifact.size).toBeGreaterThan(0);
    const { folder, run } = fetcher();
    const message = async (tag: string, more: Parameters<typeof run>[1] = {}) => {
      const error = await failure(run(`${registry}/istio/pilot:${tag}`, more));
      expect(error.code).toBe('E_PROGRAM');
      return `${error.message.replace(/^cannot fetch \S+: /, '')}. ${error.hint}`;
    };
    const files = (path: string) => ({ files: [{ path, target: join(folder, 'x') }] });

    expect(await message('9.9.9')).toBe(
      `${registry} has no istio/pilot 9.9.9 (MANIFEST_UNKNOWN). check the version and the hub; a mirror may not have this image`,
    );
    expect(await message('1.31.1', { platform: 'linux-arm64' })).toContain(
      'has no build for linux/arm64. there is linux/amd64',
    );
    expect(await message('1.31.1', { platform: 'darwin-arm64' })).toContain('has no build for darwin/arm64');
    expect(await message('single')).toContain('has no build for linux/amd64. there is linux/s390x');
    expect(await message('artifact')).toContain('it has a layer of type "text/wasm"');
    expect(await message('1.31.1', files('/usr/bin/envoy'))).toContain(
      'the image has no file /usr/bin/envoy',
    );
    expect(await message('1.31.1', files('/usr/local'))).toContain('the image has a directory /usr/local');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('when a layer is damaged although its digest is right', async () => {
    const registry = await startRegistry();
    const whole = layerOf(...program(pilot, Buffer.alloc(50_000, 'x')));
    const plain = tarOf(program(pilot, Buffer.alloc(50_000, 'x')));
    const { folder, run } = fetcher();
    for (const [tag, layer] of Object.entries({
      gzip: whole.subarray(0, -20),
      tar: plain.subarray(0, 20_000),
      header: Buffer.concat([plain.subarray(0, 10), Buffer.from('?'), plain.subarray(11)]),
      none: Buffer.from('<html>'),
      short: Buffer.from('x'),
    })) {
      await pushImage(registry, 'istio/pilot', { layers: [layer] }, tag);
      const error = await failure(run(`${registry}/istio/pilot:${tag}`));
      expect(error.message).toContain('a layer of the image cannot be unpacked');
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  test('with zstd layers, where Node.js can read them', async () => {
    const registry = await startRegistry();
    const compress: ((bytes: Buffer) => Buffer) | undefined = Reflect.get(
      await import('node:zlib'),
      'zstdCompressSync',
    );
    const start = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
    const layer = compress?.(tarOf(program(pilot, 'zstd'))) ?? start;
    const layerType = 'application/vnd.oci.image.layer.v1.tar+zstd';
    await pushImage(registry, 'istio/pilot', { layers: [layer], layerType }, '1.31.1');
    const { target, run } = fetcher();

    const fetched = run(`${registry}/istio/pilot:1.31.1`);

    if (compress === undefined) {
      const error = await failure(fetched);
      expect(error.message).toContain(`compressed with zstd, which Node.js ${process.version} cannot read`);
    } else {
      await fetched;
      expect(readFileSync(target, 'utf8')).toBe('zstd');
    }
  });

  test('that are too large', async () => {
    const registry = await startRegistry();
    const random = Buffer.from(Array.from({ length: 20_000 }, (_, index) => (index * 7919) % 251));
    const layers = {
      blob: layerOf(...program(pilot, random)),
      file: layerOf(...program(pilot, Buffer.alloc(20_000))),
    };
    const bomb = layerOf(...program('bomb', Buffer.alloc(500_000)), ...program(pilot, 'x'));
    await pushImage(registry, 'istio/pilot', { layers: [tarOf(program(pilot, random))] }, 'blob');
    await pushImage(registry, 'istio/pilot', { layers: [layers.file] }, 'file');
    await pushImage(registry, 'istio/pilot', { layers: [bomb] }, 'bomb');
    const many = Array.from({ length: 5 }, (_, index) =>
      tarOf([file(`f${index}`, random.subarray(0, 12_000))]),
    );
    await pushImage(registry, 'istio/pilot', { layers: many }, 'many');
    const { folder, run } = fetcher({ limits: { ...quick, maxBytes: 15_000 } });

    expect((await failure(run(`${registry}/istio/pilot:blob`))).message).toMatch(
      /is too large: 2\d{4} bytes/,
    );
    expect((await failure(run(`${registry}/istio/pilot:file`))).message).toContain(
      `/${pilot} is too large: 20000 bytes, more than 15000`,
    );
    expect((await failure(run(`${registry}/istio/pilot:bomb`))).message).toMatch(
      'unpacks to more than 120000 bytes',
    );
    expect((await failure(run(`${registry}/istio/pilot:many`))).message).toMatch(
      'the image has layers of more than 60000 bytes in all',
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test('of an image whose manifest is a manifest and an index at once', async () => {
    const registry = await startRegistry();
    const pushed = await pushImage(registry, 'istio/pilot', { layers: [base] }, 'good');
    const proxy = await front(registry);
    proxy.faults.set('manifests/', async (_, response, upstream) => {
      const { body } = await upstream();
      const both = { ...JSON.parse(body.toString()), manifests: [] };
      response.end(JSON.stringify(both));
    });
    const { run } = fetcher();

    const error = await failure(run(`${proxy.address}/istio/pilot:good`));

    expect(pushed.digest).toMatch(/^sha256:/);
    expect(error.message).toContain('it has neither layers nor manifests, or both');
  });

  test('exist or not, found out without downloading layers', async () => {
    const registry = await startRegistry();
    const layers = [base, layerOf(...program(pilot, 'x'))];
    const pushed = await pushIndex(registry, 'istio/pilot', [{ layers }], '1.31.1');
    const proxy = await front(registry);
    const signal = new AbortController().signal;
    const ask = (tag: string, platform: 'linux-amd64' | 'linux-arm64' = 'linux-amd64') =>
      imageExists({ image: `${proxy.address}/istio/pilot:${tag}`, platform, signal, limits: quick });

    expect(await ask('1.31.1')).toEqual({ digest: pushed.digest });
    expect(await ask('1.31.1', 'linux-arm64')).toEqual({
      problem: expect.stringContaining('has no build for linux/arm64'),
    });
    expect(await ask('9.9.9')).toEqual({ problem: expect.stringContaining('has no istio/pilot 9.9.9') });
    expect(proxy.asked.filter((path) => path.startsWith('blobs/'))).toEqual([]);
    const image = 'https://registry.example/istio/pilot';
    expect(await imageExists({ image, platform: 'linux-amd64', signal })).toEqual({
      problem: expect.stringContaining('write it without https://'),
    });
    const aborted = AbortSignal.abort();
    const question = {
      image: `${proxy.address}/istio/pilot:1.31.1`,
      platform: 'linux-amd64',
      signal: aborted,
    } as const;
    expect((await failure(imageExists(question))).code).toBe('E_INTERRUPTED');
  });

  test('when nothing listens at the address of the registry', async () => {
    const signal = new AbortController().signal;
    const answer = await imageExists({
      image: '127.0.0.1:1/istio/pilot:1.31.1',
      platform: 'linux-amd64',
      signal,
      limits: quick,
    });

    expect(answer).toEqual({ problem: expect.stringMatching(/download failed 3 times: .*ECONNREFUSED/) });
  });

  test('when their folder cannot be written', async () => {
    const registry = await startRegistry();
    await pushImage(registry, 'istio/pilot', { layers: [layerOf(...program(pilot, 'x'))] }, '1.31.1');
    const target = join(temporaryFolder(), 'file');
    const { run } = fetcher();
    await run(`${registry}/istio/pilot:1.31.1`, { files: [{ path: `/${pilot}`, target }] });

    const files = [{ path: `/${pilot}`, target: join(target, 'pilot') }];
    const error = await failure(run(`${registry}/istio/pilot:1.31.1`, { files }));

    expect(error.code).toBe('E_PROGRAM');
    expect(error.message).toContain(`cannot write to ${target}`);
    // Everything was unpacked already when it is found out that a folder has the name of the file.
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'taken'));
    const taken = [{ path: `/${pilot}`, target: join(folder, 'taken') }];
    const late = await failure(run(`${registry}/istio/pilot:1.31.1`, { files: taken }));
    expect(late.message).toMatch(/cannot write to .*EISDIR/);
    expect(readdirSync(folder)).toEqual(['taken']);
  });

  test('with a manifest that a builder of today would not write', async () => {
    const registry = await startRegistry();
    const nested = await pushIndex(
      registry,
      'istio/pilot',
      [{ layers: [layerOf(...program(pilot, 'deep'))] }],
      'flat',
    );
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const platform = { os: 'linux', architecture: 'amd64', variant: 'v1' };
    const attestation = { ...nested, mediaType, platform: { os: 'unknown', architecture: 'unknown' } };
    const manifests = [attestation, { mediaType, digest: nested.digest, size: nested.size, platform }];
    await pushManifest(registry, 'istio/pilot', { schemaVersion: 2, mediaType, manifests }, 'nested');
    const { target, run } = fetcher();

    await run(`${registry}/istio/pilot:nested`);

    expect(readFileSync(target, 'utf8')).toBe('deep');
  });
});

/** Answers with pages of tags; `link` makes the header of each but the last. */
async function paged(pages: readonly (readonly string[])[], link: (page: number, url: string) => string) {
  const server = await downloads();
  const path = (page: number) => `/v2/istio/pilot/tags/list?n=1000${page === 0 ? '' : `&last=${page}`}`;
  for (const [page, tags] of pages.entries()) {
    server.routes.set(path(page), (_: IncomingMessage, response: ServerResponse) => {
      if (page < pages.length - 1) response.setHeader('Link', link(page + 1, server.url));
      response.end(JSON.stringify({ name: 'istio/pilot', tags: tags.length === 0 ? null : tags }));
    });
  }
  return { image: `${server.url.slice('http://'.length)}/istio/pilot`, asked: server.asked };
}

describe('the tags of a repository', () => {
  test('are read to the last page, whether links are relative or absolute', async () => {
    const links = [
      (page: number) => `</v2/istio/pilot/tags/list?n=1000&last=${page}>; rel="next"`,
      (page: number, url: string) => `<${url}/v2/istio/pilot/tags/list?n=1000&last=${page}>; rel=next`,
    ];
    for (const link of links) {
      const { image } = await paged([['a'], ['b', 'c'], []], link);
      expect(await imageTags({ image, signal: unaborted(), limits: quick })).toEqual(['a', 'b', 'c']);
    }
  });

  test('are asked for at the registry only, wherever a link leads', async () => {
    const { image, asked } = await paged(
      [['a'], ['b']],
      () => '<https://attacker.example/v2/istio/pilot/tags/list?n=1000&last=1>; rel="next"',
    );
    expect(await imageTags({ image, signal: unaborted(), limits: quick })).toEqual(['a', 'b']);
    expect(asked).toHaveLength(2);
  });

  test('that never end are an error', async () => {
    const { image, asked } = await paged(
      [['a'], ['b'], ['c']],
      () => '</v2/istio/pilot/tags/list?n=1000&last=1>; rel="next"',
    );
    const error = await failure(imageTags({ image, signal: unaborted(), limits: quick }));
    expect(error.message).toMatch(/last=1 is page 100 and not the last$/);
    expect(asked).toHaveLength(100);
  });

  test('that are no list are an error that names the registry', async () => {
    const server = await downloads();
    server.routes.set('/v2/istio/pilot/tags/list?n=1000', (_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<html>log in</html>');
    });
    const image = `${server.url.slice('http://'.length)}/istio/pilot`;
    expect((await failure(imageTags({ image, signal: unaborted(), limits: quick }))).message).toContain(
      'with an HTML page',
    );
  });
});
