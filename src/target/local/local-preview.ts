/** What the target local is going to start, in words, for `--dry-run`: nothing is run, fetched or built for it. */
import { loadApp } from '../kubernetes/load-apps.ts';
import type { PreviewPart } from '../target.ts';
import { standInFor } from './kubelet/stand-ins.ts';

interface ProgramState {
  readonly name: string;
  readonly state: 'here' | 'obtainable' | 'missing';
  readonly version?: string | undefined;
  readonly where: string;
}

/**
 * @param programs what there is of each
 * @param apps applications that the scenarios need
 * @param modes fetch modes besides istiod's, for which istiod is restarted
 */
export function localPreview(
  programs: readonly ProgramState[],
  apps: readonly string[],
  modes: readonly string[],
  settings: {
    readonly appsFolder: string;
    readonly images: Readonly<Record<string, string>>;
    readonly name: string;
    readonly keep: boolean;
    readonly reuse: boolean;
  },
): PreviewPart[] {
  const { appsFolder, images, name, keep, reuse } = settings;
  const own = keep || reuse ? `local mesh "${name}"` : 'the local mesh';
  const start = 'start etcd, the API server, istiod and an Envoy for each workload, on loopback addresses';
  return [
    {
      title: 'Mesh',
      lines: [reuse ? `use ${own} if it is there, else ${start}` : start, ...modes.map(restart)],
    },
    { title: 'Programs', lines: programs.map(programLine) },
    { title: 'Applications', lines: apps.map((app) => `start ${app} (${standIns(app)})`) },
    { title: 'At the end', lines: [keep ? `keep ${own}` : `end ${own} and delete its files`] },
  ].filter(({ lines }) => lines.length > 0);

  function standIns(app: string): string {
    const containers = loadApp(appsFolder, app, images)
      .filter(({ kind }) => kind === 'Deployment')
      .flatMap(({ spec }) => (spec as PodOwner).template.spec.containers);
    return containers.map(({ image, name: container }) => standInFor(image, container, images)).join(', ');
  }
}

interface PodOwner {
  readonly template: { readonly spec: { readonly containers: readonly { name: string; image: string }[] } };
}

function restart(mode: string): string {
  return `restart istiod for scenarios in fetch mode ${mode}`;
}

function programLine({ name, state, version, where }: ProgramState): string {
  if (state === 'here') return `${name}${version === undefined ? '' : ` ${version}`}: ${where}`;
  return state === 'obtainable' ? `get ${name} from ${where}` : `there is no ${name}: ${where}`;
}
