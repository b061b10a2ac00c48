/** etcd and kube-apiserver out of the archive that controller-tools publishes for tests of controllers. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HarnessError } from '../../../base/errors.ts';
import { extractMember } from '../../download/archive.ts';
import { download } from '../../download/download.ts';
import { dispatcher, shown } from '../../download/http-get.ts';
import { mirrored } from '../../pin.ts';
import { named } from '../../report.ts';
import { type Found, type MeshProgram, once, type Problem, type Source } from '../build/source.ts';
import { digestOf, executable } from '../integrity.ts';
import { versionOf } from '../version.ts';
import { findBundle, foundIn, makeBundle } from './bundle.ts';
import { type Context, noDownload, unreachable } from './source-context.ts';

const programs = ['etcd', 'kube-apiserver'] as const;

export class EnvtestSource implements Source {
  readonly label: string;
  readonly problem = once(() => this.#problem());
  readonly #context: Context;
  #fresh = false;

  constructor(context: Context) {
    this.#context = context;
    this.label = `envtest archive of Kubernetes ${context.versions.local.envtest.kubernetes}`;
  }

  async find(program: MeshProgram): Promise<Found | undefined> {
    if (!programs.some((each) => each === program)) return undefined;
    const bundle = await findBundle(this.#context.cacheDir, this.#name, this.#context);
    return foundIn(bundle, program, this.#fresh);
  }

  async get(): Promise<void> {
    const { cacheDir, versions, limits, signal } = this.#context;
    await makeBundle(cacheDir, this.#name, async (folder) => {
      const archive = join(folder, 'archive');
      await this.#fetch(archive);
      const found: Record<string, string> = {};
      for (const program of programs) {
        const path = join(folder, program);
        const member = `${versions.local.envtest.folder}/${program}`;
        await extractMember(archive, member, path, { ...limits, signal });
        await executable(path);
        found[program] = await versionOf(program, path, this.#context);
      }
      await rm(archive);
      return { origin: this.label, versions: found };
    });
    this.#fresh = true;
  }

  get #url(): string {
    const { versions, platform, mirror } = this.#context;
    const { url, kubernetes } = versions.local.envtest;
    const original = url.replaceAll('{version}', kubernetes).replaceAll('{platform}', platform);
    return mirror === undefined ? original : mirrored(original, mirror);
  }

  get #name() {
    const { versions, platform } = this.#context;
    const { kubernetes, sha512 } = versions.local.envtest;
    return { name: 'envtest', version: kubernetes, platform, digest: sha512[platform] };
  }

  async #problem(): Promise<Problem | undefined> {
    if (!this.#context.download) return noDownload;
    return unreachable(this.#context.hosts, this.#url, 'name a mirror with --downloads');
  }

  async #fetch(file: string): Promise<void> {
    const { limits, signal } = this.#context;
    const { version, digest } = this.#name;
    const report = named(`envtest ${version}`, this.#context.report);
    const through = dispatcher(limits);
    try {
      report(`downloading ${shown(this.#url)}`, 'step');
      await download(this.#url, file, { through, limits, signal, report });
    } finally {
      await through.destroy();
    }
    const actual = await digestOf(file, 'sha512');
    if (actual === digest) return;
    throw new HarnessError('E_PROGRAM', `${shown(this.#url)} has a wrong SHA-512; it was not used`, {
      details: `expected ${digest} (from kind/versions.yaml)\nactual   ${actual}`,
    });
  }
}
