/** `fetch` and `doctor`, and what settings mean for the programs of the target local. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { doctorCommand } from '../../src/cli/commands/doctor.ts';
import type { Finding, Probe } from '../../src/cli/commands/doctor-probes.ts';
import { fetchCommand } from '../../src/cli/commands/fetch.ts';
import { meshVersions } from '../../src/cli/mesh-programs.ts';
import type { Values } from '../../src/settings/settings.ts';
import { downloads, temporaryFolder } from '../programs/downloads.ts';
import { fake, folderOf, writeProgram } from '../programs/local/support.ts';
import { recorder } from '../scenario/support.ts';

const whole = {
  etcd: fake('etcd', '3.6.5'),
  'kube-apiserver': fake('kube-apiserver', '1.34.4'),
  'pilot-discovery': fake('pilot-discovery', '1.30.5'),
  envoy: fake('envoy', '1.38.3'),
  istioctl: fake('istioctl', '1.30.5'),
};

function surroundings() {
  const { io, stdout, stderr } = recorder();
  const env = { PATH: '/nowhere', XDG_CACHE_HOME: temporaryFolder(), PIP_INDEX_URL: 'http://127.0.0.1:9/' };
  return { io: { ...io, env, cwd: '/' }, stdout, stderr };
}

const offline = { 'no-download': true, 'no-build': true, hub: '127.0.0.1:9/istio' } as const;

describe('fetch', () => {
  test('says of each program where it was taken from and where it is', async () => {
    const { io, stdout, stderr } = surroundings();
    const programs = folderOf(whole);
    expect(await fetchCommand({ ...offline, programs }, io)).toBe(0);
    const crds = `${io.env.XDG_CACHE_HOME}/istio-jwt-e2e/programs/local/crds-1.30.5-`;
    const [title, ...lines] = stdout().trimEnd().split('\n');
    expect(title).toBe('Istio 1.30.5, Envoy 1.38.3, Kubernetes v1.34.4');
    expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['etcd', programs, join(programs, 'etcd')],
      ['kube-apiserver', programs, join(programs, 'kube-apiserver')],
      ['pilot-discovery', programs, join(programs, 'pilot-discovery')],
      ['envoy', programs, join(programs, 'envoy')],
      ['crds', `made by ${programs}/istioctl`, expect.stringContaining(crds)],
    ]);
    expect(stderr()).toBe('');
  });

  test('gets the programs of several meshes', async () => {
    const { io, stdout } = surroundings();
    const programs = folderOf({ ...whole, 'envoy-1.36.4': fake('envoy', '1.36.4') });
    await fetchCommand({ ...offline, programs, istio: '1.30.5', envoy: '1.38.3,1.36.4' }, io);
    expect(stdout().match(/^Istio .*$/gm)).toEqual([
      'Istio 1.30.5, Envoy 1.38.3, Kubernetes v1.34.4',
      'Istio 1.30.5, Envoy 1.36.4, Kubernetes v1.34.4',
    ]);
  });

  test('ends with 4 when something cannot be had', async () => {
    const { istioctl, envoy, ...some } = whole;
    const running = fetchCommand({ ...offline, programs: folderOf(some) }, surroundings().io);
    await expect(running).rejects.toMatchObject({
      exitCode: 4,
      message: 'there is no envoy, no crds for the target local with Istio 1.30.5',
    });
  });
});

describe('which versions belong together', () => {
  test.each([
    [{}, [{ istio: undefined, envoy: undefined }]],
    [{ istio: '1.30.5' }, [{ istio: '1.30.5', envoy: undefined }]],
    [
      { istio: '1.30.5, 1.31.1,' },
      [
        { istio: '1.30.5', envoy: undefined },
        { istio: '1.31.1', envoy: undefined },
      ],
    ],
    [
      { istio: 'a,b', envoy: 'c' },
      [
        { istio: 'a', envoy: 'c' },
        { istio: 'b', envoy: 'c' },
      ],
    ],
    [
      { istio: 'a,b', envoy: 'c,d' },
      [
        { istio: 'a', envoy: 'c' },
        { istio: 'b', envoy: 'd' },
      ],
    ],
    [
      { envoy: 'c,d' },
      [
        { istio: undefined, envoy: 'c' },
        { istio: undefined, envoy: 'd' },
      ],
    ],
  ] as [Values, unknown][])('%o', (values, wanted) => {
    expect(meshVersions(values)).toEqual(wanted);
  });

  test('must be clear', () => {
    expect(() => meshVersions({ istio: 'a,b,c', envoy: 'd,e' })).toThrow(
      expect.objectContaining({
        code: 'E_USAGE',
        message: expect.stringContaining('--istio has 3 versions and --envoy has 2'),
      }),
    );
  });
});

describe('doctor', () => {
  const finding = (name: string, state: Finding['state'], remedy?: string): Finding => ({
    name,
    state,
    where: `where ${name} is`,
    remedy,
  });
  const probe = (target: Probe['target'], ...findings: Finding[]): Probe =>
    target === undefined ? { look: async () => findings } : { target, look: async () => findings };
  const diagnose = async (...probes: Probe[]) => {
    const { io, stdout } = surroundings();
    return { code: await doctorCommand({}, io, probes), text: stdout() };
  };

  test('shows what there is for each target, with what mends it', async () => {
    const { code, text } = await diagnose(
      probe('kind', finding('Docker engine', 'missing', 'start Docker')),
      probe('kind', finding('kind', 'here', 'not shown')),
      probe('local', finding('etcd', 'obtainable', 'jwt-e2e fetch')),
      probe(undefined, finding('Go', 'missing', 'install Go')),
    );
    expect(code).toBe(0);
    expect(text).toBe(`Target kind: cannot be had
  Docker engine  missing    where Docker engine is
      -> start Docker
  kind           here       where kind is

Target local: can be had
  etcd  can be had    where etcd is
      -> jwt-e2e fetch

For getting programs
  Go  missing    where Go is
      -> install Go

Here you can run with --target local.
`);
  });

  test('ends with 4 when no target can be had', async () => {
    const { code, text } = await diagnose(
      probe('kind', finding('Docker engine', 'missing')),
      probe('local', finding('etcd', 'here'), finding('envoy', 'missing')),
      probe(undefined, finding('Go', 'here')),
    );
    expect(code).toBe(4);
    expect(text).toMatch(
      /^Here you can run only on an existing cluster: --target cluster --context NAME\.$/m,
    );
  });

  test('looks at this machine: programs in a folder, no engine, Go and Python in PATH', async () => {
    const { io, stdout, stderr } = surroundings();
    const bin = folderOf({
      go: '#!/bin/sh\necho go1.26.8\n',
      python3: '#!/bin/sh\necho "pip 23.2 from /x (python 3.11)"\n',
      etcd: '#!/bin/sh\nexit 1\n',
    });
    const docker = writeProgram(join(bin, 'docker'), '#!/bin/sh\necho "no daemon" >&2; exit 1\n');
    const programs = folderOf({ ...whole, 'kube-apiserver': '#!/bin/sh\nexit 1\n' });
    const env = { ...io.env, PATH: bin };
    const values = { ...offline, docker, programs, kind: '/no/such/kind' };
    expect(await doctorCommand(values, { ...io, env })).toBe(4);
    const text = stdout();
    expect(text).toMatch(/Docker engine +missing +no Docker engine answers: .*no daemon/);
    expect(text).toMatch(
      / kind +missing +the kind that was set, \/no\/such\/kind, is not an executable file/,
    );
    expect(text).toMatch(
      /istioctl +missing +\S+ is neither in PATH nor in the cache, and downloading is switched off/,
    );
    expect(text).toContain('Target local: cannot be had');
    expect(text).toMatch(/ etcd +here +3\.6\.5 /);
    expect(text).toMatch(/ kube-apiserver +missing .*envtest archive/);
    expect(text).toMatch(/ crds +can be had .*istioctl\n +-> jwt-e2e fetch/);
    expect(text).toMatch(/ Go +here +1\.26\.8 /);
    expect(text).toMatch(/ Python +here +3\.11 +.*with pip/);
    expect(stderr()).toMatch(/kube-apiserver was passed over: /);
  });

  test('says that kind and istioctl can be downloaded, after asking the host only whether it answers', async () => {
    const server = await downloads();
    const { io, stdout } = surroundings();
    await doctorCommand(
      { 'no-build': true, hub: '127.0.0.1:9/istio', downloads: server.url, docker: '/no/docker' },
      io,
    );
    expect(stdout()).toMatch(new RegExp(` kind +can be had +${server.url}$`, 'm'));
    expect(stdout()).toMatch(new RegExp(` istioctl +can be had +${server.url}$`, 'm'));
    expect(new Set(server.asked)).toEqual(new Set(['/']));
  });
});
