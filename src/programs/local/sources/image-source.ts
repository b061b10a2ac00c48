/** Programs out of Istio's own container images. */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { fetchFromImage, imageExists } from '../../oci/image.ts';
import { parseReference } from '../../oci/registry/reference.ts';
import { type Found, type MeshProgram, once, type Problem, type Source } from '../build/source.ts';
import { executable } from '../integrity.ts';
import { versionOf } from '../version.ts';
import { type BundleName, findBundle, foundIn, makeBundle } from './bundle.ts';
import { writeCrds } from './crds.ts';
import { type Context, noDownload, unreachable } from './source-context.ts';

/** How images are read; tests have their own. */
export interface Registry {
  readonly fetch: typeof fetchFromImage;
  readonly exists: typeof imageExists;
}

/** Which image has what. Of istioctl only what it writes is kept. */
const images = {
  pilot: { program: 'pilot-discovery', file: 'pilot-discovery', path: '/usr/local/bin/pilot-discovery' },
  proxyv2: { program: 'envoy', file: 'envoy', path: '/usr/local/bin/envoy' },
  istioctl: { program: 'crds', file: 'crds.yaml', path: '/usr/local/bin/istioctl' },
} as const;

export class ImageSource implements Source {
  readonly label: string;
  readonly problem = once(() => this.#problem());
  readonly #context: Context;
  readonly #registry: Registry;
  readonly #name: BundleName;
  readonly #what: (typeof images)[keyof typeof images];
  readonly #istio: string;
  #fresh = false;

  /** @param hub registry and folder of the images, such as docker.io/istio */
  constructor(
    context: Context,
    registry: Registry,
    options: { readonly image: keyof typeof images; readonly hub: string; readonly istio: string },
  ) {
    const { image, hub, istio } = options;
    this.#context = context;
    this.#registry = registry;
    this.#what = images[image];
    this.#istio = istio;
    this.label = `${hub}/${image}:${istio}`;
    // Another hub may have something else under the same tag.
    const other = hub === context.versions.istio.hub ? '' : `.${hashOf(hub)}`;
    this.#name = { name: image, version: `${istio}${other}`, platform: context.platform };
  }

  async find(program: MeshProgram): Promise<Found | undefined> {
    const { program: own, file } = this.#what;
    if (program !== own) return undefined;
    const bundle = await findBundle(this.#context.cacheDir, this.#name, this.#context);
    return foundIn(bundle, file, this.#fresh);
  }

  async get(): Promise<void> {
    const { cacheDir, platform, limits, signal } = this.#context;
    await makeBundle(cacheDir, this.#name, async (folder) => {
      const { path, file, program } = this.#what;
      const target = join(folder, program === 'crds' ? 'istioctl' : file);
      const { digest } = await this.#registry.fetch({
        image: this.label,
        platform,
        files: [{ path, target }],
        report: this.#context.report,
        signal,
        limits,
      });
      await executable(target);
      const version = await versionOf(program === 'crds' ? 'istioctl' : program, target, this.#context);
      if (program === 'crds') {
        await writeCrds(target, join(folder, file), this.#context);
        await rm(target);
      }
      if (program !== 'envoy' && version !== this.#istio) {
        this.#context.report(`${this.label} has Istio ${version}`);
      }
      const origin = `image ${this.label}`;
      return { digest: digest.replace(/^sha256:/, ''), origin, versions: { [file]: version } };
    });
    this.#fresh = true;
  }

  async #problem(): Promise<Problem | undefined> {
    const { download, hosts, platform, limits, signal } = this.#context;
    if (!download) return noDownload;
    const { origin } = parseReference(this.label);
    const silent = await unreachable(hosts, origin, 'name another registry with --hub');
    if (silent !== undefined) return silent;
    const answer = await this.#registry.exists({ image: this.label, platform, signal, limits });
    if (!('problem' in answer)) return undefined;
    return { why: answer.problem, remedy: 'name a version that the registry has with --istio' };
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
