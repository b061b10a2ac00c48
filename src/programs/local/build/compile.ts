/** Compiles the control plane of a mesh out of its Go modules: three programs in one file. */
import { copyFile, link } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../sources/source-context.ts';
import { type Go, goTool } from './go.ts';

/** The names that the file is called by, which make it another program each. */
export const compiled = ['etcd', 'kube-apiserver', 'pilot-discovery'] as const;

/** Where Istio's CustomResourceDefinitions are in its module. */
const crdsInModule = 'manifests/charts/base/files/crd-all.gen.yaml';

/** Measured with nothing in Go's cache, on two cores. */
const minutesFromNothing = 8;

/** What is set in the programs, so that they say their versions. */
export function linkerFlags({ istio, commit, kubernetes }: Context['versions']['local']['build']): string {
  const of = 'istio.io/istio/pkg/version';
  const [major, minor] = kubernetes.split('.');
  const set = [
    ...[`${of}.buildVersion=${istio}`, `${of}.buildTag=${istio}`, `${of}.buildGitRevision=${commit}`],
    ...[`${of}.buildStatus=Clean`, `${of}.buildHub=docker.io/istio`],
    ...['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((name) => [
      `${name}.gitVersion=v${kubernetes}`,
      `${name}.gitMajor=${major}`,
      `${name}.gitMinor=${minor}`,
      `${name}.gitTreeState=clean`,
    ]),
  ];
  return ['-s', '-w', ...set.flatMap((each) => ['-X', each])].join(' ');
}

/**
 * Builds the programs and copies the CustomResourceDefinitions into `folder`. Progress goes to `context.report`.
 *
 * @param temporary an empty folder for what Go writes meanwhile, some 2 GB; a Go that is killed does not remove it
 * @throws HarnessError E_PROGRAM with the last lines of what Go wrote; E_INTERRUPTED
 */
export async function compile(
  go: Go,
  recipe: string,
  folder: string,
  temporary: string,
  context: Context,
): Promise<void> {
  const { versions, platform, deadlines } = context;
  const [GOOS, GOARCH] = platform.split('-') as [string, string];
  const env = {
    CGO_ENABLED: '0',
    GOFLAGS: '-buildvcs=false',
    GOWORK: 'off',
    GOOS,
    GOARCH,
    GOTMPDIR: temporary,
  };
  const run = (args: string[], timeoutMs: number, onLine?: (line: string) => void) =>
    goTool(go.path, args, context, env, {
      cwd: recipe,
      timeoutMs,
      hint: 'a full disk (Go needs some 6 GB) and a module proxy that cannot be reached (GOPROXY) are the usual reasons',
      ...(onLine === undefined ? {} : { onLine }),
    });
  let modules = 0;
  const downloading = every(deadlines.progressMs, () => {
    if (modules > 0) context.report('build: downloading modules', { done: modules, unit: 'modules' });
  });
  const stale = await run(
    ['list', '-deps', '-trimpath', '-f', '{{.Stale}}', '.'],
    deadlines.modulesMs,
    (line) => {
      if (line.startsWith('go: downloading')) modules++;
    },
  ).finally(downloading.stop);
  const all = stale.split('\n');
  const total = all.filter((each) => each === 'true').length;
  context.report(`build: ${forecast(total, all.length)}`, 'step');
  let done = 0;
  const compiling = every(deadlines.progressMs, () => {
    if (done < total && total > 1) context.report('build: compiling', { done, total, unit: 'packages' });
    else context.report('build: linking', 'step');
  });
  const flags = ['-v', '-trimpath', '-ldflags', linkerFlags(versions.local.build)];
  const first = join(folder, compiled[0]);
  // With -v it names each package that it compiles, one in a line.
  await run(['build', ...flags, '-o', first, '.'], deadlines.buildMs, (line) => {
    if (/^[\w./-]+$/.test(line)) done++;
  }).finally(compiling.stop);
  for (const name of compiled.slice(1)) {
    await link(first, join(folder, name)).catch(() => copyFile(first, join(folder, name)));
  }
  const module = await run(['list', '-m', '-f', '{{.Dir}}', 'istio.io/istio'], deadlines.goMs);
  await copyFile(join(module, crdsInModule), join(folder, 'crds.yaml'));
}

/** How much there is to do. The last package is our own, which takes the linker some seconds. */
function forecast(total: number, all: number): string {
  if (total <= 1) return 'all packages are compiled already, so it takes some seconds';
  const minutes = Math.max(1, Math.round((minutesFromNothing * total) / all));
  return `${total} of ${all} packages are to be compiled, about ${minutes} min on two cores`;
}

/** Calls `work` every so many milliseconds, until it is stopped. */
function every(ms: number, work: () => void): { readonly stop: () => void } {
  const timer = setInterval(work, ms);
  return { stop: () => clearInterval(timer) };
}
