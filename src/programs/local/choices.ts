/** Which Istio it can be, and where each program for it may come from, best first. */
import { fetchFromImage, imageExists } from '../oci/image.ts';
import { BuildSource, recipeFolder } from './build/build.ts';
import type { MeshProgram, Source, Tried } from './build/source.ts';
import { WheelSource } from './build/wheel.ts';
import { envoyFor, FolderSource, programFolder } from './program-folder.ts';
import { IstioctlSource } from './sources/crds.ts';
import { EnvtestSource } from './sources/envtest.ts';
import { ImageSource, type Registry } from './sources/image-source.ts';
import type { Context } from './sources/source-context.ts';

/** One Istio that would do. */
export interface Choice {
  readonly istio: string;
  readonly sources: Readonly<Record<MeshProgram, readonly Source[]>>;
  /** What there is to say about a program that has no source at all. */
  readonly unknown: Partial<Record<MeshProgram, Tried>>;
}

export interface Wanted {
  readonly folder?: string | undefined;
  readonly istio?: string | undefined;
  readonly envoy?: string | undefined;
  readonly hub: string;
}

/** What sources are made with; tests have their own. */
export interface Workshop {
  readonly registry: Registry;
  /** The folder with the Go module. */
  readonly recipe: string;
}

export const workshop: Workshop = {
  registry: { fetch: fetchFromImage, exists: imageExists },
  recipe: recipeFolder,
};

/** @throws HarnessError E_PROGRAM for a folder that is none, E_INTERRUPTED */
export async function choicesOf(context: Context, wanted: Wanted, tools: Workshop): Promise<Choice[]> {
  const folder =
    wanted.folder === undefined ? undefined : new FolderSource(context, programFolder(wanted.folder), wanted);
  const build = new BuildSource(context, tools.recipe);
  const envtest = new EnvtestSource(context);
  const choice = (
    istio: string,
    own: Pick<Choice['sources'], 'pilot-discovery' | 'crds' | 'envoy'>,
  ): Choice => {
    const isBuild = istio === context.versions.local.build.istio;
    const kubernetes = isBuild ? [build, envtest] : [envtest, build];
    const before = folder === undefined ? [] : [folder];
    const stock = wanted.envoy ?? envoyFor(context.versions, istio);
    const wheel = stock === undefined ? [] : [new WheelSource(context, stock)];
    return {
      istio,
      sources: {
        etcd: [...before, ...kubernetes],
        'kube-apiserver': [...before, ...kubernetes],
        'pilot-discovery': own['pilot-discovery'],
        envoy: [...before, ...own.envoy, ...wheel],
        crds: own.crds,
      },
      unknown:
        stock === undefined
          ? {
              envoy: {
                source: 'kind/versions.yaml',
                why: `it names no Envoy for Istio ${istio}`,
                remedy: 'name one with --envoy',
              },
            }
          : {},
    };
  };
  const fromImages = (istio: string): Choice => {
    const image = (name: 'pilot' | 'proxyv2' | 'istioctl') =>
      new ImageSource(context, tools.registry, { image: name, hub: wanted.hub, istio });
    return choice(istio, {
      'pilot-discovery': [image('pilot')],
      crds: [image('istioctl')],
      // Another Envoy than Istio's own is wanted only when it is named.
      envoy: wanted.envoy === undefined ? [image('proxyv2')] : [],
    });
  };
  const { build: built } = context.versions.local;
  const fromModules = () => choice(built.istio, { 'pilot-discovery': [build], crds: [build], envoy: [] });
  const ours = await folder?.find('pilot-discovery');
  if (folder !== undefined && ours !== undefined) {
    const istioctl = new IstioctlSource(context, folder.label, ours.version);
    const others = ours.version === built.istio ? fromModules() : fromImages(ours.version);
    return [
      choice(ours.version, {
        'pilot-discovery': [folder],
        crds: [folder, istioctl, ...others.sources.crds],
        envoy: others.sources.envoy.filter((source) => source instanceof ImageSource),
      }),
    ];
  }
  if (wanted.istio === undefined) return [fromImages(context.versions.istio.default), fromModules()];
  return [wanted.istio === built.istio ? fromModules() : fromImages(wanted.istio)];
}
