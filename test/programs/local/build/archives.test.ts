/** Sources that are archives: envtest, container images; and the CustomResourceDefinitions that istioctl writes. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { create } from 'tar';
import { describe, expect, test } from 'vitest';
import { IstioctlSource } from '../../../../src/programs/local/sources/crds.ts';
import { EnvtestSource } from '../../../../src/programs/local/sources/envtest.ts';
import { ImageSource, type Registry } from '../../../../src/programs/local/sources/image-source.ts';
import { downloads, send, temporaryFolder } from '../../downloads.ts';
import { contextWith, type Fake, fake, folderOf, localVersions, writeProgram } from '../support.ts';

const sha512 = (content: Buffer) => createHash('sha512').update(content).digest('hex');

async function envtest(files = ['etcd', 'kube-apiserver', 'kubectl']): Promise<Buffer> {
  const folder = temporaryFolder();
  const versions = { etcd: '3.6.8', 'kube-apiserver': '1.36.2' } as Readonly<Record<string, string>>;
  for (const name of files) {
    const path = join(folder, 'controller-tools/envtest', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, fake(name === 'kubectl' ? 'etcd' : (name as Fake), versions[name] ?? '0.0.0'));
  }
  await create({ file: join(folder, 'a.tgz'), gzip: true, cwd: folder }, ['controller-tools']);
  return readFileSync(join(folder, 'a.tgz'));
}

describe('the envtest archive', () => {
  const path =
    '/mirror/kubernetes-sigs/controller-tools/releases/download/envtest-v1.36.2/envtest-v1.36.2-linux-amd64.tar.gz';

  async function source(archive: Buffer, pinned = sha512(archive)) {
    const server = await downloads();
    server.routes.set(path, send(archive));
    const context = contextWith({
      mirror: `${server.url}/mirror`,
      versions: localVersions((local) => {
        local.envtest.sha512['linux-amd64'] = pinned;
      }),
    });
    return { context, archive: new EnvtestSource(context) };
  }

  test('gives etcd and kube-apiserver, from a mirror if there is one', async () => {
    const { archive } = await source(await envtest());
    expect([await archive.find('etcd'), await archive.problem()]).toEqual([undefined, undefined]);
    await archive.get();
    const origin = 'envtest archive of Kubernetes 1.36.2';
    expect(await archive.find('etcd')).toMatchObject({ version: '3.6.8', origin });
    expect(await archive.find('kube-apiserver')).toMatchObject({ version: '1.36.2', origin });
    expect(await archive.find('envoy')).toBeUndefined();
  });

  test('is not used with a wrong SHA-512, or when it lacks a program', async () => {
    const wrong = await source(await envtest(), 'ab'.repeat(64));
    await expect(wrong.archive.get()).rejects.toThrow('wrong SHA-512; it was not used');
    const lacking = await source(await envtest(['etcd']));
    await expect(lacking.archive.get()).rejects.toThrow('no file controller-tools/envtest/kube-apiserver');
    expect(await lacking.archive.find('etcd')).toBeUndefined();
  });

  test('is no source when its host cannot be reached, or must not be', async () => {
    const silent = new EnvtestSource(contextWith({ mirror: 'http://127.0.0.1:9' }));
    expect(await silent.problem()).toMatchObject({
      why: expect.stringContaining('http://127.0.0.1:9 cannot be reached'),
      remedy: expect.stringContaining('--downloads'),
    });
    const off = new EnvtestSource(contextWith({ download: false }));
    expect(await off.problem()).toMatchObject({ remedy: 'leave out --no-download' });
  });
});

/** A registry that has images with fake programs. */
function registryWith(programs: Readonly<Record<string, string>>): Registry & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    exists: async ({ image }) =>
      image in programs ? { digest: `sha256:${'ab'.repeat(32)}` } : { problem: `${image} is not there` },
    fetch: async ({ image, files }) => {
      asked.push(`${image} ${files.map((file) => file.path).join()}`);
      for (const { target } of files) writeProgram(target, programs[image] ?? '');
      return { digest: `sha256:${'ab'.repeat(32)}` };
    },
  };
}

describe("Istio's images", () => {
  test.each([
    ['pilot', 'pilot-discovery', 'pilot-discovery', '1.31.1', '1.31.1'],
    ['proxyv2', 'envoy', 'envoy', '1.39.1-dev', '1.39.1-dev'],
    ['istioctl', 'crds', 'istioctl', '1.31.1', '1.31.1'],
  ] as const)('%s has %s', async (image, program, path, says, version) => {
    const server = await downloads();
    const hub = `${server.url.replace('http://', '')}/mirror/istio`;
    const label = `${hub}/${image}:1.31.1`;
    const registry = registryWith({ [label]: fake(path, says) });
    const context = contextWith();
    const source = new ImageSource(context, registry, { image, hub, istio: '1.31.1' });
    expect([await source.find(program), await source.problem()]).toEqual([undefined, undefined]);
    await source.get();
    expect(await source.find(program)).toMatchObject({ version, origin: `image ${label}` });
    expect(registry.asked).toEqual([`${label} /usr/local/bin/${path}`]);
    const later = new ImageSource(context, registry, { image, hub, istio: '1.31.1' });
    expect(await later.find(program)).toMatchObject({ version, origin: `cache (image ${label})` });
    const elsewhere = new ImageSource(context, registry, { image, hub: 'docker.io/istio', istio: '1.31.1' });
    expect(await elsewhere.find(program)).toBeUndefined();
  });

  test('are said to be of another version than their tag when they are', async () => {
    const label = 'localhost:5/istio/pilot:1.31.1-vendor';
    const context = contextWith();
    const source = new ImageSource(context, registryWith({ [label]: fake('pilot-discovery', '1.31.1') }), {
      image: 'pilot',
      hub: 'localhost:5/istio',
      istio: '1.31.1-vendor',
    });
    await source.get();
    expect(context.told).toEqual([`${label} has Istio 1.31.1`]);
    expect(await source.find('pilot-discovery')).toMatchObject({ version: '1.31.1' });
  });

  test('are no source when there is none, or the registry cannot be reached', async () => {
    const server = await downloads();
    const options = { image: 'pilot', istio: '9.9.9' } as const;
    const hub = `${server.url.replace('http://', '')}/istio`;
    const none = new ImageSource(contextWith(), registryWith({}), { ...options, hub });
    expect(await none.problem()).toMatchObject({ why: `${hub}/pilot:9.9.9 is not there` });
    const silent = new ImageSource(contextWith(), registryWith({}), { ...options, hub: '127.0.0.1:9/istio' });
    expect(await silent.problem()).toMatchObject({ remedy: expect.stringContaining('--hub') });
    const off = new ImageSource(contextWith({ download: false }), registryWith({}), { ...options, hub });
    expect(await off.problem()).toMatchObject({ remedy: 'leave out --no-download' });
  });
});

describe('CustomResourceDefinitions of an istioctl', () => {
  test('are made once, and only they are kept', async () => {
    const folder = folderOf({ istioctl: fake('istioctl', '1.31.1') });
    const context = contextWith();
    const source = new IstioctlSource(context, folder, '1.31.1');
    expect([await source.find('crds'), await source.problem()]).toEqual([undefined, undefined]);
    await source.get();
    const found = await source.find('crds');
    expect(found).toMatchObject({ version: '1.31.1', origin: `made by ${folder}/istioctl` });
    const text = readFileSync(found!.path, 'utf8');
    expect(text.match(/^kind: .*$/gm)).toEqual(Array(2).fill('kind: CustomResourceDefinition'));
    expect(text.match(/^---$/gm)).toHaveLength(1);
    writeProgram(join(folder, 'istioctl'), `${fake('istioctl', '1.31.1')}# another one\n`);
    expect(await new IstioctlSource(context, folder, '1.31.1').find('crds')).toBeUndefined();
  });

  test('need an istioctl of that version that works', async () => {
    const folder = folderOf({ istioctl: fake('istioctl', '1.30.5') });
    const problemOf = (of: string) => new IstioctlSource(contextWith(), of, '1.31.1').problem();
    expect(await problemOf(folder)).toMatchObject({ why: 'its version is 1.30.5, 1.31.1 is needed' });
    expect(await problemOf(temporaryFolder())).toMatchObject({ why: 'it is not there' });
    const broken = folderOf({ istioctl: '#!/bin/sh\nexit 3\n' });
    expect(await problemOf(broken)).toMatchObject({ why: expect.stringContaining('exit code 3') });
    const empty = folderOf({ istioctl: '#!/bin/sh\necho client version: 1.31.1\n' });
    await expect(new IstioctlSource(contextWith(), empty, '1.31.1').get()).rejects.toThrow(
      'has no CustomResourceDefinitions',
    );
  });
});
