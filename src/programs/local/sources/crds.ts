/** Istio's CustomResourceDefinitions, as istioctl would install them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HarnessError } from '../../../base/errors.ts';
import { isExecutable } from '../../lookup.ts';
import { runTool } from '../../tools.ts';
import { type Found, type MeshProgram, once, type Problem, type Source } from '../build/source.ts';
import { digestOf, onceForFile } from '../integrity.ts';
import { versionOf } from '../version.ts';
import { findBundle, foundIn, makeBundle } from './bundle.ts';
import type { Context } from './source-context.ts';

/**
 * Writes the CustomResourceDefinitions of an istioctl to a file, as YAML documents. No cluster is contacted.
 *
 * @throws HarnessError E_PROGRAM when istioctl fails or has none; E_INTERRUPTED
 */
export async function writeCrds(
  istioctl: string,
  file: string,
  { signal, deadlines }: Pick<Context, 'signal' | 'deadlines'>,
): Promise<void> {
  const manifests = await runTool(istioctl, ['manifest', 'generate', '--set', 'profile=minimal'], {
    signal,
    timeoutMs: deadlines.manifestsMs,
    code: 'E_PROGRAM',
    env: { KUBECONFIG: '/dev/null' },
  });
  const crds = manifests
    .split(/^---[ \t]*$/m)
    .filter((document) => /^kind: CustomResourceDefinition[ \t]*$/m.test(document));
  if (crds.length === 0) {
    throw new HarnessError('E_PROGRAM', `${istioctl} manifest generate has no CustomResourceDefinitions`);
  }
  await writeFile(
    file,
    crds
      .map((document) => document.trim())
      .join('\n---\n')
      .concat('\n'),
  );
}

/** Those of the istioctl in a folder, which must be the one of an Istio version. Made once for each istioctl. */
export class IstioctlSource implements Source {
  readonly label: string;
  readonly problem = once(() => this.#problem());
  readonly #context: Context;
  readonly #istioctl: string;
  readonly #istio: string;

  constructor(context: Context, folder: string, istio: string) {
    this.#context = context;
    this.#istioctl = join(folder, 'istioctl');
    this.#istio = istio;
    this.label = this.#istioctl;
  }

  async find(program: MeshProgram): Promise<Found | undefined> {
    if (program !== 'crds' || !isExecutable(this.#istioctl)) return undefined;
    const bundle = await findBundle(this.#context.cacheDir, await this.#name(), this.#context);
    return foundIn(bundle, 'crds.yaml', true);
  }

  async get(): Promise<void> {
    await makeBundle(this.#context.cacheDir, await this.#name(), async (folder) => {
      await writeCrds(this.#istioctl, join(folder, 'crds.yaml'), this.#context);
      return { origin: `made by ${this.#istioctl}`, versions: { 'crds.yaml': this.#istio } };
    });
  }

  async #name() {
    const { platform } = this.#context;
    const digest = await onceForFile(this.#istioctl, 'digest', () => digestOf(this.#istioctl));
    return { name: 'crds', version: this.#istio, platform, digest };
  }

  async #problem(): Promise<Problem | undefined> {
    const remedy = `put the istioctl of Istio ${this.#istio} there, or its CustomResourceDefinitions as crds.yaml`;
    if (!isExecutable(this.#istioctl)) return { why: 'it is not there', remedy };
    try {
      const version = await versionOf('istioctl', this.#istioctl, this.#context);
      if (version === this.#istio) return undefined;
      return { why: `its version is ${version}, ${this.#istio} is needed`, remedy };
    } catch (thrown) {
      if (this.#context.signal.aborted) throw thrown;
      return { why: (thrown as Error).message, remedy };
    }
  }
}
