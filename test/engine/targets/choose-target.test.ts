/** Which mesh `--target auto` takes, with programs that are shell scripts; and a run that can have none. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import { runCommand } from '../../../src/cli/commands/run/run-command.ts';
import { chooseTarget } from '../../../src/engine/targets/choose-target.ts';
import type { Values } from '../../../src/settings/settings.ts';
import { temporaryFolder } from '../../programs/downloads.ts';
import { fake, folderOf, versions, writeProgram } from '../../programs/local/support.ts';
import { validateJUnit } from '../../report/validate.ts';
import { recorder } from '../../scenario/support.ts';
import { unaborted } from '../../support/signals.ts';

/** All that a local mesh needs, made for the Envoy of the Istio in it. */
const whole = {
  etcd: fake('etcd', '3.6.5'),
  'kube-apiserver': fake('kube-apiserver', '1.34.4'),
  'pilot-discovery': fake('pilot-discovery', '1.30.5'),
  envoy: fake('envoy', '1.38.3'),
  istioctl: fake('istioctl', '1.30.5'),
};
const engine = '#!/bin/sh\necho "27.1.0 2"\n';
const noEngine = '#!/bin/sh\necho "Cannot connect to the Docker daemon. Is it running?" >&2\nexit 1\n';
const says = (version: string) => `#!/bin/sh\necho "version ${version}"\n`;

/** The folder that is all of PATH. */
let bin: string;
let values: Values;
beforeEach(() => {
  bin = temporaryFolder();
  vi.stubEnv('PATH', bin);
  vi.stubEnv('XDG_CACHE_HOME', temporaryFolder());
  values = { 'no-download': true, 'no-build': true, hub: '127.0.0.1:9/istio' };
});
afterEach(() => vi.unstubAllEnvs());

const have = (name: string, content: string) => writeProgram(join(bin, name), content);
const choose = (more: Values = {}, signal = unaborted()) =>
  chooseTarget({ values: { ...values, ...more }, versions, signal });
const local = () => ({ programs: folderOf(whole) });
const { kind } = versions.programs;
const istioctl = versions.istio.default;

describe('--target auto takes', () => {
  test('kind, when a Docker engine answers and all that kind needs is here', async () => {
    have('docker', engine);
    have('kind', says(kind.version));
    have('istioctl', says(istioctl));
    expect(await choose(local())).toEqual({
      name: 'kind',
      reason: '--target auto: Docker engine 27.1.0 answers',
    });
  });

  test('local, when no Docker engine answers, or there is none', async () => {
    const reason = '--target auto: no Docker engine answers';
    expect(await choose(local())).toEqual({ name: 'local', reason });
    have('docker', noEngine);
    expect(await choose(local())).toEqual({ name: 'local', reason });
  });

  test('local, when there is an engine but no kind, or not the one that is needed', async () => {
    have('docker', engine);
    const reason = `--target auto: Docker engine 27.1.0 answers, but kind ${kind.version} is not in PATH, and downloading is switched off`;
    expect(await choose(local())).toEqual({ name: 'local', reason });
    have('kind', says('0.1.0'));
    expect(await choose(local())).toEqual({ name: 'local', reason });
  });

  test('local, when there is nothing to install Istio with; a mesh that is kept has its Istio', async () => {
    have('docker', engine);
    have('kind', says(kind.version));
    expect(await choose(local())).toEqual({
      name: 'local',
      reason: `--target auto: Docker engine 27.1.0 answers, but istioctl ${istioctl} is not in PATH, and downloading is switched off`,
    });
    expect(await choose({ ...local(), reuse: true })).toMatchObject({ name: 'kind' });
  });

  test.each([
    [{ envoy: '1.38.3' }, '--envoy'],
    [{ istio: '1.30.5,1.31.1' }, '--istio with several versions'],
  ])('local, for what only local meshes can be: %j', async (more, what) => {
    have('docker', engine);
    expect(await choose(more)).toEqual({
      name: 'local',
      reason: `--target auto: ${what} is for local meshes`,
    });
    await expect(choose({ ...more, target: 'kind' })).rejects.toMatchObject({
      code: 'E_USAGE',
      message: `${what} is for the target local, not for kind`,
    });
  });

  test('none, when a cluster is to be looked at and none is named', async () => {
    have('docker', engine);
    have('kind', says(kind.version));
    await expect(choose({ ...local(), live: true })).rejects.toMatchObject({
      code: 'E_USAGE',
      message: '--live is for a cluster that is there, not for local',
    });
    expect(await choose({ live: true, context: 'mine' })).toMatchObject({ name: 'cluster' });
  });

  test('nothing but a cluster, when keys are to come from a server of the user', async () => {
    have('docker', noEngine);
    const own = { 'external-jwks': 'http://keys.example.com/get_jwks' };
    await expect(choose({ ...local(), ...own })).rejects.toMatchObject({
      code: 'E_USAGE',
      message: '--external-jwks is for a cluster that is there, not for local',
    });
    expect(await choose({ ...own, context: 'mine' })).toMatchObject({ name: 'cluster' });
  });

  test('the one that is asked for, whatever cluster the settings file names for others', async () => {
    const reason = 'asked for with --target local; --context mine is not used';
    expect(await choose({ target: 'local', context: 'mine' })).toEqual({ name: 'local', reason });
    expect(await choose({ target: 'cluster', context: 'mine' })).toMatchObject({
      reason: 'asked for with --target cluster',
    });
  });

  test('nothing, once the run is interrupted', async () => {
    have('docker', '#!/bin/sh\nexec /bin/sleep 30\n');
    const interrupted = new AbortController();
    const choosing = choose(local(), interrupted.signal);
    interrupted.abort('SIGINT');
    await expect(choosing).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
  });
});

describe('with neither', () => {
  test('says of each what is missing and how to get it', async () => {
    have('docker', noEngine);
    const error = await choose().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HarnessError);
    const { code, exitCode, message, details = '' } = error as HarnessError;
    expect([code, exitCode]).toEqual(['E_DOCKER', 4]);
    expect(message).toBe('there is no mesh to test: neither kind nor local can be had');
    expect(details.split('\n')).toEqual([
      expect.stringMatching(
        /^kind: no Docker engine answers: .*Is it running; start Docker, or set DOCKER_HOST$/,
      ),
      expect.stringMatching(
        /^local: there is no etcd, no kube-apiserver, no pilot-discovery, no envoy, no crds; leave out --no-download; or .*--programs/,
      ),
    ]);
    expect(details.length).toBeLessThan(600);
  });

  test('names only what is missing of the programs of the target local', async () => {
    const { etcd, envoy, ...some } = whole;
    await expect(choose({ programs: folderOf(some) })).rejects.toMatchObject({
      details: expect.stringContaining('\nlocal: there is no etcd, no envoy; '),
    });
  });

  test('a run ends with 4, and its reports say why', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'reports'));
    const { io, stdout } = recorder();
    const reports = {
      junit: join(folder, 'junit.xml'),
      json: join(folder, 'results.json'),
      artifacts: join(folder, 'artifacts'),
    };
    const exitCode = await runCommand([], { ...values, ...reports }, { ...io, env: {}, cwd: folder });
    expect(exitCode).toBe(4);
    const statement = 'there is no mesh to test: neither kind nor local can be had';
    expect(stdout().split(statement)).toHaveLength(2);
    expect(stdout()).toMatch(/hint: .*--target cluster --context NAME/);
    const junit = readFileSync(reports.junit, 'utf8');
    expect(await validateJUnit(junit)).toEqual([]);
    expect(junit).toContain(`<error message="${statement}" type="E_DOCKER">`);
    expect(JSON.parse(readFileSync(reports.json, 'utf8'))).toMatchObject({
      exitCode: 4,
      run: { problem: { code: 'E_DOCKER' } },
    });
  });
});
