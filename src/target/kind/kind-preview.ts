/** What the target kind is going to make, in words, for `--dry-run`: no program is run for it. */
import type { MeshFacts } from '../../base/events.ts';
import { imagesOf, loadApp } from '../kubernetes/load-apps.ts';
import type { PreviewPart } from '../target.ts';
import type { KindSettings } from './kind-settings.ts';

/** What of the settings says how the mesh will be. */
export type KindChoice = Pick<KindSettings, 'name' | 'hub' | 'tag' | 'nodeImage' | 'images' | 'apps'>;

/** What the mesh will be, as far as settings tell. */
export function expectedFacts(choice: KindChoice, reason: string): MeshFacts {
  return {
    id: `${choice.tag} kind`,
    target: 'kind',
    reason,
    istio: choice.tag,
    kubernetes: choice.nodeImage.split('@')[0]?.match(/:(v?\d[^:/]*)$/)?.[1],
    fetch: 'istiod',
  };
}

/**
 * @param apps applications that the scenarios need
 * @param modes fetch modes besides istiod's, for which istiod is restarted
 */
export function kindPreview(
  choice: KindChoice,
  apps: readonly string[],
  modes: readonly string[],
  settings: { readonly appsFolder: string; readonly keep: boolean; readonly reuse: boolean },
): PreviewPart[] {
  const { name, nodeImage, hub, tag, images } = choice;
  const { appsFolder, keep, reuse } = settings;
  const objects = apps.flatMap((app) => loadApp(appsFolder, app, images));
  const cluster = `kind cluster "${name}"`;
  return [
    {
      title: 'Mesh',
      lines: [
        reuse
          ? `use ${cluster} if it is there, else create it from ${nodeImage}`
          : `create ${cluster} from ${nodeImage}`,
        `install Istio ${tag} from ${hub}`,
        ...modes.map((mode) => `restart istiod for scenarios in fetch mode ${mode}`),
      ],
    },
    {
      title: 'Images, loaded from the local engine when it has them',
      lines: [`${hub}/pilot:${tag}`, `${hub}/proxyv2:${tag}`, ...imagesOf(objects)],
    },
    { title: 'Applications', lines: apps.map((app) => `start ${app}`) },
    {
      title: 'At the end',
      lines: [keep ? `keep ${cluster}` : `delete ${cluster}, if this run has created it`],
    },
  ].filter(({ lines }) => lines.length > 0);
}
