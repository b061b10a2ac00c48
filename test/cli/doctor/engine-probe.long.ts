/** The Docker engine and its images: the real docker program with sockets that are broken, and a docker of ours. */
import { spawnSync } from 'node:child_process';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { engine } from '../../../src/cli/doctor/engine-probe.ts';
import { GiB } from '../../../src/cli/doctor/machine.ts';
import { type Downloads, downloads, sha256, temporaryFolder } from '../../programs/downloads.ts';
import { folderOf } from '../../programs/local/support.ts';
import { around, fakeDocker, machineWith } from './support.ts';

async function socket(answer: RequestListener): Promise<string> {
  const path = join(temporaryFolder(), 'docker.sock');
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(path, done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return path;
}

const hasDocker = spawnSync('docker', ['--version']).error === undefined;

describe.skipIf(!hasDocker)('the real docker program (skipped where there is none), with a socket', () => {
  const diagnose = async (path: string) =>
    engine(around({}, { PATH: process.env.PATH, DOCKER_HOST: `unix://${path}` }));

  test('that takes questions and does not answer', { timeout: 20_000 }, async () => {
    const path = await socket(() => {});
    const start = performance.now();
    expect(await diagnose(path)).toEqual([
      {
        name: 'Docker engine',
        state: 'broken',
        text: `the engine at unix://${path} takes the question and does not answer`,
        remedy: 'Restart Docker, such as with: sudo systemctl restart docker',
      },
    ]);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test('that answers with an error', async () => {
    const path = await socket((_, response) => {
      response.writeHead(500, { 'content-type': 'application/json' });
      response.end('{"message": "the layer store is broken"}');
    });
    const [finding] = await diagnose(path);
    expect(finding).toMatchObject({ state: 'broken', remedy: expect.stringContaining('journalctl') });
    expect(finding?.text).toContain('the layer store is broken');
  });

  test('that is not there', async () => {
    const [finding] = await diagnose('/no/such.sock');
    expect(finding).toMatchObject({ state: 'broken', text: 'no engine is at unix:///no/such.sock' });
    expect(finding?.remedy).toContain('systemctl start docker');
  });
});

test('a user without rights on the socket is told how to get them', async () => {
  const said =
    'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock';
  const docker = `${folderOf({ docker: `#!/bin/sh\necho "${said}" >&2; exit 1\n` })}/docker`;
  expect(await engine(around({ docker }))).toEqual([
    {
      name: 'Docker engine',
      state: 'broken',
      text: 'this user may not use the socket of the engine, unix:///var/run/docker.sock',
      remedy: 'sudo usermod -aG docker $USER, and log in again.',
    },
  ]);
});

test('without docker there is nothing else to say', async () => {
  const [finding, ...others] = await engine(around({}, { PATH: '/nowhere' }));
  expect(finding).toMatchObject({ state: 'broken', text: 'there is no docker program' });
  expect(others).toEqual([]);
});

test('an engine with all images, little memory and little disk', async () => {
  const freeDisk = async () => 2 * GiB;
  const findings = await engine(around({ docker: fakeDocker('*') }, {}, machineWith({ freeDisk })));
  expect(findings).toEqual([
    { name: 'Docker engine', state: 'ok', version: '27.3.1', text: 'it answers; cgroup version 2' },
    { name: 'memory of the engine', state: 'ok', text: '8.0 GiB can be had' },
    expect.objectContaining({ state: 'warning', text: '2.0 GiB free in /var/lib/docker' }),
    { name: 'images', state: 'ok', text: '11 of 11 are in the engine' },
  ]);
});

describe('images that the engine does not have', () => {
  const look = async (values: Parameters<typeof around>[0], mirrors?: string) =>
    (await engine(around({ docker: fakeDocker('docker.io/*|kindest/*', mirrors), ...values }))).slice(3);

  test('are fine when their registry has them, and broken when it does not', async () => {
    const server = await downloads();
    const registry = server.url.replace('http://', '');
    const absent = `${registry}/apps/httpbin:none`;
    const findings = await look({ image: [`httpbin=${absent}`] });
    expect(findings[0]).toMatchObject({ text: '10 of 11 are in the engine' });
    expect(findings[1]).toMatchObject({ name: 'images', state: 'broken' });
    expect(findings[1]?.text).toContain('1 image cannot be had: ');
    expect(findings[1]?.remedy).toBe(
      `Bring it to the engine with docker pull or docker load, or name others with --image: ${absent}`,
    );
    serveImage(server, '/v2/apps/httpbin', '1');
    expect(await look({ image: [`httpbin=${registry}/apps/httpbin:1`] })).toEqual([
      { name: 'images', state: 'ok', text: '10 of 11 are in the engine, 1 will be pulled' },
    ]);
  });

  test('of registries that nobody reaches are named together', { timeout: 20_000 }, async () => {
    const values = { hub: '127.0.0.1:9/istio', 'node-image': '127.0.0.1:9/node:v1.36.4' };
    const [, finding, ...others] = await look(values);
    expect(finding?.state).toBe('broken');
    expect(finding?.text).toMatch(/^3 images cannot be had: http:\/\/127\.0\.0\.1:9 cannot be reached: /);
    expect(finding?.remedy).toContain(
      'with --node-image, --hub: 127.0.0.1:9/node:v1.36.4 127.0.0.1:9/istio/pilot:',
    );
    expect(others).toEqual([]);
    // An engine with mirrors may know another way.
    const [, doubtful] = await look(values, '["https://mirror.example.com/"]');
    expect(doubtful).toMatchObject({ state: 'warning' });
  });

  test('and a registry that does not answer does not hold it up', { timeout: 30_000 }, async () => {
    const server = createServer(() => {});
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const start = performance.now();
    const [, finding] = await look({ image: [`nginx=127.0.0.1:${port}/nginx:1`] });
    expect(finding?.text).toContain('cannot be reached');
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test('a name that is none', async () => {
    const [, finding] = await look({ image: ['nginx=UPPER/case'] });
    expect(finding?.text).toContain('is no reference to an image');
  });
});

/** Makes a registry of a server, with an image for this machine. */
function serveImage(server: Downloads, path: string, tag: string): void {
  const types = {
    index: 'application/vnd.oci.image.index.v1+json',
    own: 'application/vnd.oci.image.manifest.v1+json',
  };
  const config = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: `sha256:${'c'.repeat(64)}`,
    size: 1,
  };
  const layer = { ...config, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' };
  const own = JSON.stringify({ schemaVersion: 2, mediaType: types.own, config, layers: [layer] });
  const digest = `sha256:${sha256(own)}`;
  const platform = { os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' };
  const manifests = [{ mediaType: types.own, digest, size: own.length, platform }];
  const index = JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests });
  const answer = (body: string, type: string) => (_: IncomingMessage, response: ServerResponse) =>
    response.writeHead(200, { 'content-type': type }).end(body);
  server.routes.set(`${path}/manifests/${tag}`, answer(index, types.index));
  server.routes.set(`${path}/manifests/${digest}`, answer(own, types.own));
}
