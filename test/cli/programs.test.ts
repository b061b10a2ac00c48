/** `fetch`, and what settings mean for the programs of the target local. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fetchCommand } from '../../src/cli/commands/fetch-command.ts';
import { meshVersions } from '../../src/engine/targets/mesh-programs.ts';
import type { Values } from '../../src/settings/settings.ts';
import { temporaryFolder } from '../programs/downloads.ts';
import { fake, folderOf } from '../programs/local/support.ts';
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

  test('takes the programs of each mesh from the folder of its version', async () => {
    const { io, stdout, stderr } = surroundings();
    const newer = folderOf({
      ...whole,
      'pilot-discovery': fake('pilot-discovery', '1.31.1'),
      istioctl: fake('istioctl', '1.31.1'),
    });
    const older = folderOf(whole);
    const programs = [`1.31.1=${newer}`, `1.30.5=${older}`];
    await fetchCommand({ ...offline, programs, istio: '1.30.5,1.31.1' }, io);
    const lines = stdout().split('\n');
    expect(lines.filter((line) => /^Istio|pilot-discovery /.test(line))).toEqual([
      'Istio 1.30.5, Envoy 1.38.3, Kubernetes v1.34.4',
      expect.stringContaining(join(older, 'pilot-discovery')),
      'Istio 1.31.1, Envoy 1.38.3, Kubernetes v1.34.4',
      expect.stringContaining(join(newer, 'pilot-discovery')),
    ]);
    expect(stderr()).toBe('');
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
