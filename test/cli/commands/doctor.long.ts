/** The doctor as a whole: what it writes, and what it ends with. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { doctorCommand } from '../../../src/cli/commands/doctor.ts';
import type { Finding, Probe } from '../../../src/cli/doctor/finding.ts';
import { downloads, temporaryFolder } from '../../programs/downloads.ts';
import { fake, folderOf, writeProgram } from '../../programs/local/support.ts';
import { recorder } from '../../scenario/support.ts';
import { fakeDocker, machineWith } from '../doctor/support.ts';

const whole = {
  etcd: fake('etcd', '3.6.5'),
  'kube-apiserver': fake('kube-apiserver', '1.34.4'),
  'pilot-discovery': fake('pilot-discovery', '1.30.5'),
  envoy: fake('envoy', '1.38.3'),
  istioctl: fake('istioctl', '1.30.5'),
};
const offline = { 'no-download': true, 'no-build': true, hub: '127.0.0.1:9/istio' } as const;

async function diagnose(
  values: Parameters<typeof doctorCommand>[0],
  options: Parameters<typeof doctorCommand>[2] = {},
  variables: NodeJS.ProcessEnv = {},
) {
  const { io, stdout, stderr } = recorder();
  const env = {
    PATH: '/nowhere',
    XDG_CACHE_HOME: temporaryFolder(),
    PIP_INDEX_URL: 'http://127.0.0.1:9/',
    ...variables,
  };
  const code = await doctorCommand(values, { ...io, env, cwd: '/' }, { machine: machineWith(), ...options });
  return { code, text: stdout(), said: stderr(), cache: env.XDG_CACHE_HOME };
}

const finding = (name: string, state: Finding['state'], remedy?: string): Finding => ({
  name,
  state,
  text: `what is to be said of ${name}`,
  remedy,
});
const probe = (target: Probe['target'], ...findings: Finding[]): Probe => ({
  name: findings[0]?.name ?? 'nothing',
  ...(target === undefined ? {} : { target }),
  look: async () => findings,
});

describe('what it writes', () => {
  const all = [
    probe(undefined, { ...finding('Node.js', 'ok'), version: '22.12.0' }),
    probe(undefined, finding('proxy variables', 'warning', 'export NO_PROXY=localhost')),
    probe('kind', finding('Docker engine', 'broken', 'Start Docker.')),
    probe('local', finding('etcd', 'ok', 'jwt-e2e fetch')),
    probe('kind', finding('kind', 'ok')),
  ];

  test('for people', async () => {
    const { code, text } = await diagnose({}, { all });
    expect(code).toBe(0);
    await expect(text).toMatchFileSnapshot('../../golden/cli/doctor.txt');
  });

  test('for programs', async () => {
    const { code, text } = await diagnose({ json: true, target: 'kind' }, { all });
    expect(code).toBe(4);
    await expect(text).toMatchFileSnapshot('../../golden/cli/doctor-kind.json');
  });
});

describe('what it ends with', () => {
  const state = (each: Finding['state']) => finding('it', each);
  test.each([
    ['auto, one of two', {}, ['ok', 'broken', 'ok', undefined], 0],
    ['auto, none', {}, ['ok', 'broken', 'broken', undefined], 4],
    ['warnings everywhere', {}, ['warning', 'warning', 'warning', undefined], 0],
    ['the other one is wanted', { target: 'kind' }, ['ok', 'broken', 'ok', undefined], 4],
    ['the wanted one', { target: 'local' }, ['ok', 'broken', 'ok', undefined], 0],
    ['the machine itself', {}, ['broken', 'ok', 'ok', undefined], 4],
    ['the cluster that is named', { context: 'mine' }, ['ok', 'ok', 'ok', 'broken'], 4],
    ['the cluster that is named', { context: 'mine' }, ['ok', 'broken', 'broken', 'ok'], 0],
  ] as const)('%s', async (_, values, [machine, kind, local, cluster], wanted) => {
    const all = [probe(undefined, state(machine)), probe('kind', state(kind)), probe('local', state(local))];
    if (cluster !== undefined) all.push(probe('cluster', state(cluster)));
    expect((await diagnose(values, { all })).code).toBe(wanted);
  });

  test('a cluster that nobody named is not looked at', async () => {
    const cluster: Probe = {
      name: 'cluster',
      target: 'cluster',
      look: () => Promise.reject(new Error('no')),
    };
    const { text } = await diagnose({}, { all: [probe('local', state('ok')), cluster] });
    expect(text).toContain('An existing cluster was not looked at: name it with --context NAME');
  });

  test('a cluster that is wanted and not named', async () => {
    const { code, text } = await diagnose({ target: 'cluster' });
    expect(code).toBe(4);
    expect(text).toMatch(/broken +cluster +--target cluster needs to be told which cluster/);
  });
});

describe('never hangs', () => {
  test('with a probe that heeds nothing', async () => {
    const stuck: Probe = { name: 'stuck', target: 'kind', limitMs: 50, look: () => new Promise(() => {}) };
    const { code, text } = await diagnose({}, { all: [stuck, probe('local', finding('etcd', 'ok'))] });
    expect(code).toBe(0);
    expect(text).toMatch(/broken +stuck +no answer within 0 s/);
  });

  test('with a proxy that swallows everything', { timeout: 60_000 }, async () => {
    const proxy = createServer(() => {});
    proxy.on('connect', () => {});
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
    onTestFinished(() => {
      proxy.closeAllConnections();
      proxy.close();
      vi.unstubAllEnvs();
    });
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    vi.stubEnv('HTTPS_PROXY', url);
    const start = performance.now();
    const values = { docker: fakeDocker('none'), 'no-build': true };
    const { code, text } = await diagnose(values, {}, { HTTPS_PROXY: url });
    expect(performance.now() - start).toBeLessThan(42_000);
    expect(code).toBe(4);
    expect(text).toMatch(/warning +proxy variables +HTTPS_PROXY is set/);
    expect(text).toMatch(
      /broken +kind +\S+ is neither in PATH nor in the cache, and https:\/\/github.com cannot/,
    );
    expect(text).toMatch(/broken +images +11 images cannot be had: https:\/\/registry-1.docker.io cannot/);
  });
});

describe('looks at real things', () => {
  test('programs in a folder, no engine, Go and Python in PATH', async () => {
    const bin = folderOf({
      go: '#!/bin/sh\necho go1.26.8\n',
      python3: '#!/bin/sh\necho "pip 23.2 from /x (python 3.11)"\n',
      kubectl: '#!/bin/sh\nexit 7\n',
    });
    const docker = writeProgram(join(bin, 'docker'), '#!/bin/sh\necho "no daemon" >&2; exit 1\n');
    const programs = folderOf({ ...whole, 'kube-apiserver': '#!/bin/sh\nexit 1\n' });
    const values = { ...offline, docker, programs, kind: '/no/such/kind' };
    const { code, text, said, cache } = await diagnose(values, {}, { PATH: bin });
    expect(code).toBe(4);
    expect(said).toMatch(/kube-apiserver was passed over: /);
    const plain = text
      .replaceAll(programs, 'PROGRAMS')
      .replaceAll(bin, 'BIN')
      .replaceAll(cache ?? '', 'CACHE')
      .replace(/(free in )\/\S+(?=\n)/, '$1TMP')
      // The newest one, with each release another.
      .replace(/(istioctl +)1\.\d+\.\d+(?= is)/, '$1VERSION')
      .replace(/^.*loopback addresses.*\n(?: +->.*\n)?/m, '');
    await expect(plain).toMatchFileSnapshot('../../golden/cli/doctor-faults.txt');
  });

  test('Go and Python are not spoken of when every program is here', async () => {
    const { code, text } = await diagnose({ ...offline, target: 'local', programs: folderOf(whole) });
    expect(code).toBe(0);
    expect(text).not.toMatch(/Go,|Python/);
    expect(text).not.toContain('Target kind');
  });

  test('a host of downloads is asked only whether it answers', async () => {
    const server = await downloads();
    const values = {
      'no-build': true,
      hub: '127.0.0.1:9/istio',
      downloads: server.url,
      docker: '/no/docker',
    };
    const { text } = await diagnose(values);
    for (const name of ['kind', 'istioctl']) {
      expect(text).toMatch(
        new RegExp(`ok +${name} .*not here yet; comes from ${server.url} when it is needed`),
      );
    }
    expect(new Set(server.asked)).toEqual(new Set(['/']));
  });
});
