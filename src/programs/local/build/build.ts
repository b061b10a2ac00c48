/** etcd, kube-apiserver, pilot-discovery and the CustomResourceDefinitions, built from Go modules on this machine. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { HarnessError } from '../../../base/errors.ts';
import { LockFile } from '../../../base/files/lock-file.ts';
import { productRoot } from '../../../base/files/product-files.ts';
import { pause } from '../../../base/wait.ts';
import { type Bundle, bundleFolder, findBundle, foundIn, makeBundle } from '../sources/bundle.ts';
import { type Context, noDownload, unreachable } from '../sources/source-context.ts';
import { versionOf } from '../version.ts';
import { compile, compiled, linkerFlags } from './compile.ts';
import { findGo, goTool } from './go.ts';
import { type Found, type MeshProgram, once, type Problem, type Source } from './source.ts';

/** The folder with the module that is built. */
export const recipeFolder = join(productRoot, 'kind', 'local');

export class BuildSource implements Source {
  readonly label: string;
  readonly problem = once(() => this.#problem());
  readonly #context: Context;
  readonly #recipe: string;
  readonly #go = once(() => findGo(this.#recipe, this.#context));
  #fresh = false;

  constructor(context: Context, recipe: string) {
    this.#context = context;
    this.#recipe = recipe;
    this.label = `Go modules of Istio ${context.versions.local.build.istio}`;
  }

  async find(program: MeshProgram): Promise<Found | undefined> {
    const file = program === 'crds' ? 'crds.yaml' : program;
    return foundIn(await this.#bundle(), file, this.#fresh);
  }

  async get(): Promise<void> {
    const { cacheDir, report, signal, deadlines, versions } = this.#context;
    const go = await this.#go();
    if ('why' in go) throw new HarnessError('E_PROGRAM', go.why, { hint: go.remedy });
    const { istio, kubernetes } = versions.local.build;
    const onWait = (pid: number) =>
      report(`build: process ${pid} is building the same; waiting for it`, 'step');
    const lock = join(bundleFolder(cacheDir), `.build-${this.#recipeDigest.slice(0, 12)}`);
    await inTurn(lock, { ...deadlines, onWait, signal }, async () => {
      if ((await this.#bundle()) !== undefined) return;
      report(
        `build: etcd, kube-apiserver ${kubernetes} and pilot-discovery (Istio ${istio}) from Go modules with ${go.version}; ` +
          "some 8 min on two cores when nothing of it is in Go's cache, else less (--no-build rules it out)",
        'step',
      );
      await makeBundle(cacheDir, this.#name(go.version), async (folder) => {
        await inTemporary(`${lock}-tmp`, (temporary) =>
          compile(go, this.#recipe, folder, temporary, this.#context),
        );
        const found: Record<string, string> = { 'crds.yaml': istio };
        for (const program of compiled) {
          found[program] = await versionOf(program, join(folder, program), this.#context);
        }
        const origin = `built from Go modules with ${go.version}`;
        return { origin, versions: found, recipe: this.#recipeDigest };
      });
    });
    this.#fresh = true;
  }

  /** One built by another Go will do as well: a new Go is no reason to build for minutes. */
  #bundle(): Promise<Bundle | undefined> {
    const { cacheDir, verify, report } = this.#context;
    return findBundle(cacheDir, this.#name(), { verify, report, recipe: this.#recipeDigest });
  }

  #name(go?: string) {
    const { versions, platform } = this.#context;
    const key = createHash('sha256').update(`${this.#recipeDigest} ${go} ${platform}`).digest('hex');
    const digest = go === undefined ? undefined : key;
    return { name: 'control-plane', version: versions.local.build.istio, platform, digest };
  }

  /** Of everything that decides what is built, apart from Go itself and the platform. */
  get #recipeDigest(): string {
    const hash = createHash('sha256');
    for (const file of ['main.go', 'go.mod', 'go.sum']) hash.update(readFileSync(join(this.#recipe, file)));
    return hash.update(linkerFlags(this.#context.versions.local.build)).digest('hex');
  }

  async #problem(): Promise<Problem | undefined> {
    const { build, download, hosts } = this.#context;
    if (!build) return { why: 'building is switched off with --no-build', remedy: 'leave out --no-build' };
    const go = await this.#go();
    if ('why' in go) return go;
    if (await this.#hasModules(go.path)) return undefined;
    if (!download) return noDownload;
    const proxies = await goTool(go.path, ['env', 'GOPROXY'], this.#context);
    const proxy = proxies.split(/[,|]/).find((each) => URL.canParse(each));
    if (proxy === undefined) return undefined;
    return unreachable(hosts, proxy, 'name another module proxy with GOPROXY');
  }

  /** Whether Go has all modules that are needed, so that there is nothing to download. */
  async #hasModules(go: string): Promise<boolean> {
    const env = { GOPROXY: 'off', GOFLAGS: '', GOWORK: 'off', CGO_ENABLED: '0', GOTOOLCHAIN: 'local' };
    try {
      await goTool(go, ['list', '-deps', '-f', '{{.Name}}', '.'], this.#context, env, { cwd: this.#recipe });
      return true;
    } catch (thrown) {
      if (this.#context.signal.aborted) throw thrown;
      return false;
    }
  }
}

interface TurnOptions {
  /** Between two looks whether it is our turn, milliseconds. */
  readonly waitMs: number;
  /** Called once when another process, by its id, has to be waited for. */
  readonly onWait: (pid: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Calls `work` while no other process that uses the same `file` does. A process that was killed does not keep the others
 * waiting. Processes of other machines that share the folder are not waited for.
 *
 * @throws HarnessError E_INTERRUPTED while it waits; what `work` throws
 */
export async function inTurn<T>(file: string, options: TurnOptions, work: () => Promise<T>): Promise<T> {
  const { waitMs, onWait, signal } = options;
  const lock = new LockFile(`${file}-${hostname()}`, 'XDG_CACHE_HOME');
  let told = false;
  for (let holder = lock.take(); holder !== undefined; holder = lock.take()) {
    if (!told) onWait(holder.pid);
    told = true;
    await pause(waitMs, signal);
  }
  try {
    return await work();
  } finally {
    lock.release();
  }
}

/** Works with an empty folder that only one process at a time may have. What a killed one has left is removed first. */
async function inTemporary(folder: string, work: (folder: string) => Promise<void>): Promise<void> {
  // Those whom the killed Go had started may still write for a moment.
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 5 });
  await remove();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    await work(folder);
  } finally {
    // It must not hide the error; the next build removes it.
    await remove().catch(() => {});
  }
}
