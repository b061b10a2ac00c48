import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { envoyFor, FolderSource, programFolder } from '../../../src/programs/local/program-folder.ts';
import { temporaryFolder } from '../downloads.ts';
import { contextWith, fake, folderOf, versions, writeProgram } from './support.ts';

function source(programs: Readonly<Record<string, string>>, wishes = {}) {
  const context = contextWith();
  return { context, folder: new FolderSource(context, folderOf(programs), wishes) };
}

describe('a folder with programs', () => {
  test('has those that are there, in the version that they say', async () => {
    const { folder } = source({
      etcd: fake('etcd', '3.6.5'),
      'kube-apiserver': fake('kube-apiserver', '1.34.4'),
      'pilot-discovery': fake('pilot-discovery', '1.31.1'),
      'istio-crds.yaml': 'kind: CustomResourceDefinition',
    });
    const of = (name: string, version: string) => ({
      path: join(folder.label, name),
      version,
      origin: folder.label,
    });
    expect(await folder.find('etcd')).toEqual(of('etcd', '3.6.5'));
    expect(await folder.find('kube-apiserver')).toEqual(of('kube-apiserver', '1.34.4'));
    expect(await folder.find('pilot-discovery')).toEqual(of('pilot-discovery', '1.31.1'));
    expect(await folder.find('crds')).toEqual(of('istio-crds.yaml', '1.31.1'));
    expect(await folder.find('envoy')).toBeUndefined();
    expect(await folder.problem()).toMatchObject({ remedy: `put it into ${folder.label}` });
  });

  test('is passed over for a version that is not wanted, which is said once', async () => {
    const programs = {
      'pilot-discovery': fake('pilot-discovery', '1.31.1'),
      'crds.yaml': '',
      envoy: fake('envoy', '1.40.0'),
    };
    const { folder, context } = source(programs, { istio: '1.30.5', envoy: '1.38.3' });
    for (const program of ['pilot-discovery', 'crds', 'envoy', 'pilot-discovery', 'envoy'] as const) {
      expect(await folder.find(program), program).toBeUndefined();
    }
    expect(context.told).toEqual([
      `${folder.label}/pilot-discovery was passed over: its version is 1.31.1, 1.30.5 is wanted`,
      `${folder.label}/envoy was passed over: its version is 1.40.0, 1.38.3 is wanted`,
    ]);
  });

  test('is asked for the version of a program once, as long as that stays as it is', async () => {
    const told = (version: string) => `${fake('etcd', version)}echo asked >> "$0.log"\n`;
    const { folder } = source({ etcd: told('3.6.5') });
    const etcd = join(folder.label, 'etcd');
    const again = () => new FolderSource(contextWith(), folder.label, {}).find('etcd');
    expect(await folder.find('etcd')).toMatchObject({ version: '3.6.5' });
    expect(await again()).toMatchObject({ version: '3.6.5' });
    expect(readFileSync(`${etcd}.log`, 'utf8')).toBe('asked\n');
    writeProgram(etcd, told('3.6.10'));
    expect(await again()).toMatchObject({ version: '3.6.10' });
    expect(readFileSync(`${etcd}.log`, 'utf8')).toBe('asked\nasked\n');
    // What could not be asked is asked again.
    writeProgram(etcd, 'exit 1');
    expect(await again()).toBeUndefined();
    expect(await again()).toBeUndefined();
    rmSync(etcd);
    expect(await again()).toBeUndefined();
  });

  test('is passed over for a program that does not run', async () => {
    const { folder, context } = source({ etcd: '#!/bin/sh\necho "Exec format error" >&2; exit 126\n' });
    expect(await folder.find('etcd')).toBeUndefined();
    expect(context.told).toEqual([expect.stringMatching(/etcd was passed over: .*Exec format error/)]);
  });

  test('that is none is an error that names the setting', () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    for (const wrong of [file, `${file}/x`, '/no/such/folder', `/${'x'.repeat(300)}`]) {
      expect(() => programFolder(wrong)).toThrow(
        expect.objectContaining({ code: 'E_PROGRAM', hint: expect.stringContaining('--programs') }),
      );
    }
    expect(programFolder('~/')).toBe(homedir());
  });
});

describe('of several Envoys it takes', () => {
  const envoys = {
    envoy: fake('envoy', '1.40.0'),
    'envoy-1.38.3': fake('envoy', '1.38.3'),
    'envoy-1.38.1': fake('envoy', '1.38.1'),
    'envoy-1.36.4': fake('envoy', '1.36.4'),
  };
  const pilot = (version: string) => ({ 'pilot-discovery': fake('pilot-discovery', version) });
  test.each([
    ['the one that is wanted', {}, { envoy: '1.36.4' }, 'envoy-1.36.4'],
    ['the one that belongs to the Istio there', pilot('1.30.5'), {}, 'envoy-1.38.3'],
    ['another of the same minor', { ...pilot('1.30.5'), 'envoy-1.38.3': '' }, {}, 'envoy-1.38.1'],
    ['the one that is called envoy, when there is no such', pilot('1.29.9'), {}, 'envoy'],
    ['the one that is called envoy, without an Istio', {}, {}, 'envoy'],
  ])('%s', async (_, more, wishes, name) => {
    const { folder } = source({ ...envoys, ...more }, wishes);
    expect(await folder.find('envoy')).toMatchObject({ path: join(folder.label, name) });
  });
});

test('which Envoy belongs to an Istio is known by its minor', () => {
  expect(envoyFor(versions, '1.29.2')).toBe(versions.local.envoy.istio['1.29']);
  expect(envoyFor(versions, versions.local.build.istio)).toBe(versions.local.build.envoy);
  expect(envoyFor(versions, '1.2.3')).toBeUndefined();
});
