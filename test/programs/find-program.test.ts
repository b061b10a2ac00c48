import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import { type FindOptions, findProgram } from '../../src/programs/find-program.ts';
import { inPath } from '../../src/programs/lookup.ts';
import { downloads, pinOf, quick, script, send, sha256, temporaryFolder } from './downloads.ts';

function install(folder: string, name: string, content: string, mode = 0o755): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

function options(more: Partial<FindOptions> = {}): FindOptions & { said: string[]; bin: string } {
  const bin = temporaryFolder();
  const said: string[] = [];
  return {
    bin,
    said,
    cacheDir: temporaryFolder(),
    env: { PATH: bin },
    fetch: false,
    report: (message) => said.push(message),
    signal: new AbortController().signal,
    limits: quick,
    ...more,
  };
}

async function failure(promise: Promise<unknown>): Promise<HarnessError> {
  const error = await promise.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(HarnessError);
  expect((error as HarnessError).code).toBe('E_PROGRAM');
  return error as HarnessError;
}

describe('what the user set', () => {
  test('comes before PATH', async () => {
    const given = options();
    install(given.bin, 'kind', script('0.33.0'));
    const setting = install(temporaryFolder(), 'my-kind', script('0.33.0'));
    const found = await findProgram('kind', { ...given, setting });
    expect(found).toEqual({ path: setting, version: '0.33.0', origin: 'setting' });
  });

  test('is used in another version than needed, and that is said', async () => {
    const server = await downloads();
    const given = options({ pin: pinOf(server, '/x') });
    const setting = install(temporaryFolder(), 'istioctl', script('1.30.5-solo'));
    const found = await findProgram('istioctl', { ...given, setting });
    expect(found.version).toBe('1.30.5-solo');
    expect(given.said).toEqual([`${setting} is istioctl 1.30.5-solo, not 1.31.1; it is used as it was set`]);
  });

  test('must exist; PATH does not stand in for it', async () => {
    const given = options();
    install(given.bin, 'kind', script('0.33.0'));
    const error = await failure(findProgram('kind', { ...given, setting: '/no/such/kind' }));
    expect(error.message).toBe('the kind that was set, /no/such/kind, is not an executable file');
    expect(error.hint).toContain('--kind or JWT_E2E_KIND');
  });

  test('must be executable', async () => {
    const setting = install(temporaryFolder(), 'istioctl', script('1.31.1'), 0o644);
    const error = await failure(findProgram('istioctl', { ...options(), setting }));
    expect(error.message).toContain('is not an executable file');
    expect(error.hint).toContain('--istioctl or JWT_E2E_ISTIOCTL');
  });

  test('must work', async () => {
    const setting = install(temporaryFolder(), 'kind', '#!/bin/sh\necho broken >&2\nexit 3\n');
    const error = await failure(findProgram('kind', { ...options(), setting }));
    expect(error.message).toContain('does not work');
    expect(error.details).toContain('exit code 3');
  });
});

describe('PATH', () => {
  test('gives the first executable file of that name', async () => {
    const first = temporaryFolder();
    const second = temporaryFolder();
    install(first, 'docker', script('1.0.0'), 0o644);
    mkdirSync(join(first, 'kubectl'));
    const docker = install(second, 'docker', script('29.9.2'));
    const kubectl = install(second, 'kubectl', script('1.36.4'));
    const path = `${first}:${second}`;
    expect(inPath('docker', path)).toBe(docker);
    expect(inPath('kubectl', path)).toBe(kubectl);
    expect(await findProgram('docker', options({ env: { PATH: path } }))).toEqual({
      path: docker,
      version: '29.9.2',
      origin: 'path',
    });
  });

  test('is not searched in relative folders', () => {
    expect(inPath('biome', 'node_modules/.bin')).toBeUndefined();
    expect(inPath('biome', undefined)).toBeUndefined();
  });

  test('gives a program in the version needed, without asking the network', async () => {
    const server = await downloads();
    const given = options({ pin: pinOf(server, '/x'), fetch: true });
    const path = install(given.bin, 'istioctl', script('1.31.1'));
    expect(await findProgram('istioctl', given)).toEqual({ path, version: '1.31.1', origin: 'path' });
    expect(server.asked).toEqual([]);
  });

  test('without the program says how to install it', async () => {
    const docker = await failure(findProgram('docker', options()));
    expect(docker.message).toBe('docker is not in PATH');
    expect(docker.hint).toContain('https://docs.docker.com/engine/install/');
    const server = await downloads();
    const istioctl = await failure(findProgram('istioctl', options({ pin: pinOf(server, '/x') })));
    expect(istioctl.message).toBe('istioctl 1.31.1 is not in PATH, and downloading is switched off');
    expect(istioctl.hint).toContain('--istioctl or JWT_E2E_ISTIOCTL');
  });

  test('with another version only says so', async () => {
    const server = await downloads();
    const given = options({ pin: pinOf(server, '/x') });
    const path = install(given.bin, 'istioctl', script('1.28.3'));
    const error = await failure(findProgram('istioctl', given));
    expect(error.details).toBe(`${path} was passed over: its version is 1.28.3, 1.31.1 is needed`);
  });
});

describe('the cache', () => {
  test('is filled by a download and used afterwards', async () => {
    const server = await downloads();
    server.routes.set('/istioctl', send(script('1.31.1')));
    server.routes.set('/istioctl.sha256', send(`${sha256(script('1.31.1'))}  istioctl\n`));
    const given = options({ pin: pinOf(server, '/istioctl'), fetch: true });

    const first = await findProgram('istioctl', given);
    const asked = server.asked.length;
    const second = await findProgram('istioctl', { ...given, fetch: false });

    expect(first).toMatchObject({ version: '1.31.1', origin: 'download' });
    expect(second).toEqual({ ...first, origin: 'cache' });
    expect(server.asked).toHaveLength(asked);
    expect(readFileSync(first.path, 'utf8')).toBe(script('1.31.1'));
  });

  test('is not used for another version, platform or digest, nor for a partial file', async () => {
    const server = await downloads();
    const given = options();
    const digest = 'a'.repeat(64);
    for (const name of [
      'istioctl-1.31.0-linux-amd64-aaaaaaaaaaaa',
      'istioctl-1.31.1-linux-arm64-aaaaaaaaaaaa',
      'istioctl-1.31.1-linux-amd64-bbbbbbbbbbbb',
      '.part-1-istioctl-1.31.1-linux-amd64-aaaaaaaaaaaa',
    ]) {
      install(given.cacheDir!, name, script('1.31.1'));
    }
    const pin = pinOf(server, '/x', { sha256: digest });
    await failure(findProgram('istioctl', { ...given, pin }));
    install(given.cacheDir!, 'istioctl-1.31.1-linux-amd64-aaaaaaaaaaaa', script('1.31.1'));
    expect(await findProgram('istioctl', { ...given, pin })).toMatchObject({ origin: 'cache' });
  });

  test('is in XDG_CACHE_HOME', async () => {
    const server = await downloads();
    const cache = temporaryFolder();
    const folder = join(cache, 'istio-jwt-e2e', 'programs');
    const path = install(folder, 'kind-1.31.1-linux-amd64-aaaaaaaaaaaa', script('1.31.1'));
    const given = options({
      pin: pinOf(server, '/x'),
      cacheDir: undefined,
      env: { PATH: '', XDG_CACHE_HOME: cache },
    });
    expect(await findProgram('kind', given)).toEqual({ path, version: '1.31.1', origin: 'cache' });
  });
});
