/** Programs that are shell scripts, archives that have them, and what sources of programs are made with. */

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { type Deadlines, deadlines } from '../../../src/programs/local/deadlines.ts';
import { Hosts } from '../../../src/programs/local/hosts-that-answer.ts';
import type { Context } from '../../../src/programs/local/sources/source-context.ts';
import { loadVersions, type Versions } from '../../../src/programs/versions.ts';
import { unaborted } from '../../support/signals.ts';
import { asLine } from '../as-line.ts';
import { quick, temporaryFolder } from '../downloads.ts';

export const versions = loadVersions('kind/versions.yaml');

/** What each program says about its version. */
const answers = {
  etcd: (version: string) => `etcd Version: ${version}`,
  'kube-apiserver': (version: string) => `Kubernetes v${version}`,
  'pilot-discovery': (version: string) => `client version: ${version}`,
  istioctl: (version: string) => `client version: ${version}`,
  envoy: (version: string) => `$0  version: 0123abcd/${version}/Clean/RELEASE/BoringSSL`,
};

export type Fake = keyof typeof answers;

/** A shell script that says its version as the program does; istioctl writes manifests, too. */
export function fake(program: Fake, version: string): string {
  const manifests = [
    'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: istiod }',
    `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: of-${version} }`,
    'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: second }',
  ].join('\n---\n');
  return [
    '#!/bin/sh',
    `if [ "$1" = manifest ]; then cat <<'END'\n${manifests}\nEND\nelse echo "${answers[program](version)}"; fi\n`,
  ].join('\n');
}

export function writeProgram(path: string, content: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, 0o755);
  return path;
}

/** A folder with some programs, by file name. */
export function folderOf(programs: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(programs)) writeProgram(join(folder, name), content);
  return folder;
}

/** A zip archive as Python makes wheels, with faults on demand. */
export function zipOf(
  files: Readonly<Record<string, string>>,
  faults: { readonly stored?: boolean; readonly method?: number; readonly crc?: number } = {},
): Buffer {
  const method = faults.method ?? (faults.stored ? 0 : 8);
  const [bodies, directory]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const content = Buffer.from(text);
    const packed = method === 8 ? deflateRawSync(content) : content;
    const numbers = Buffer.alloc(26);
    numbers.writeUInt16LE(20, 0);
    numbers.writeUInt16LE(method, 4);
    numbers.writeUInt32LE(faults.crc ?? crc32(content), 10);
    numbers.writeUInt32LE(packed.length, 14);
    numbers.writeUInt32LE(content.length, 18);
    numbers.writeUInt16LE(name.length, 22);
    bodies.push(Buffer.from('PK\x03\x04'), numbers, Buffer.from(name), packed);
    const more = Buffer.alloc(14);
    more.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), numbers, more, Buffer.from(name));
    offset += 30 + name.length + packed.length;
  }
  const end = Buffer.alloc(18);
  end.writeUInt32LE(Buffer.concat(directory).length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...bodies, ...directory, Buffer.from('PK\x05\x06'), end]);
}

/** Impatient, so that tests of what hangs are quick. */
export const hurried: Deadlines = {
  ...deadlines,
  reachMs: 1_000,
  versionMs: 5_000,
  progressMs: 50,
  waitMs: 20,
};

export interface Told extends Context {
  readonly told: string[];
}

/** What sources are made with: an empty cache, nothing in PATH, and a list of what was reported. */
export function contextWith(more: Partial<Context> = {}): Told {
  const told: string[] = [];
  const signal = more.signal ?? unaborted();
  return {
    versions,
    platform: 'linux-amd64',
    cacheDir: join(temporaryFolder(), 'cache'),
    download: true,
    build: true,
    mirror: undefined,
    verify: false,
    report: (message, kind) => told.push(asLine(message, kind)),
    signal,
    env: { PATH: '/nowhere' },
    limits: quick,
    deadlines: hurried,
    hosts: new Hosts(signal, hurried.reachMs),
    told,
    ...more,
  };
}

/** kind/versions.yaml with other values for the target local. */
export function localVersions(change: (local: Versions['local']) => void): Versions {
  const copy = structuredClone(versions);
  change(copy.local);
  return copy;
}
