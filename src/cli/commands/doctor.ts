/** `jwt-e2e doctor`: what of each target is well, what is doubtful, what is broken, and what to do about it. */
import { exitCodes } from '../../base/errors.ts';
import { versionsFile } from '../../engine/product.ts';
import { loadVersions } from '../../programs/versions.ts';
import type { Values } from '../../settings/settings.ts';
import { flag, meantTarget, type TargetName, wantedTarget } from '../../settings/typed.ts';
import { cluster } from '../doctor/cluster-probes.ts';
import { engine } from '../doctor/engine-probe.ts';
import type { Finding, Machine, Probe, Surroundings } from '../doctor/finding.ts';
import { downloadable, kubectl, ports } from '../doctor/kind-probes.ts';
import { addresses, meshPrograms } from '../doctor/local-probes.ts';
import { lookAll, type Section } from '../doctor/look-all.ts';
import { diskForLocal, inotify, memoryForLocal, node, thisMachine } from '../doctor/machine.ts';
import { asJson, asText } from '../doctor/render.ts';
import type { Io } from '../support/io.ts';
import { withSignals } from '../support/signals.ts';

/** A new probe is a new entry. */
const probes: readonly Probe[] = [
  { name: 'Node.js', look: node },
  { name: 'proxy variables', look: proxies },
  { name: 'kubectl', look: kubectl },
  { name: 'Docker engine', target: 'kind', limitMs: 25_000, look: engine },
  { name: 'kind', target: 'kind', look: (around) => downloadable('kind', around) },
  { name: 'istioctl', target: 'kind', look: (around) => downloadable('istioctl', around) },
  { name: 'ports', target: 'kind', look: ports },
  { name: 'inotify', target: 'kind', look: inotify },
  { name: 'programs', target: 'local', limitMs: 40_000, look: meshPrograms },
  { name: 'loopback addresses', target: 'local', look: addresses },
  { name: 'memory', target: 'local', look: memoryForLocal },
  { name: 'disk', target: 'local', look: diskForLocal },
  { name: 'cluster', target: 'cluster', limitMs: 20_000, look: cluster },
];

/**
 * Writes what it finds to standard output. Nothing is downloaded, built or changed.
 *
 * @returns 0 when the wanted target can be had, or with `auto` any; else 4. Warnings count for nothing.
 * @throws HarnessError for wrong settings; E_INTERRUPTED
 */
export async function doctorCommand(
  values: Values,
  io: Io,
  { all = probes, machine = thisMachine }: { all?: readonly Probe[]; machine?: Machine } = {},
): Promise<number> {
  const versions = loadVersions(versionsFile);
  return withSignals(async (signal) => {
    const report = (message: string) => io.stderr.write(`${message}\n`);
    const around = { values, versions, env: io.env, machine, report, signal };
    const wanted = wantedTarget(values);
    // As with `run`, whoever names a cluster means it.
    const decisive = meantTarget(values);
    const chosen = all.filter(({ target }) => {
      if (target === undefined) return true;
      return wanted === undefined ? target !== 'cluster' || decisive === 'cluster' : target === wanted;
    });
    const sections = await lookAll(chosen, around);
    const able = ableTargets(sections);
    const well = decisive === undefined ? able.length > 0 : able.includes(decisive);
    io.stdout.write((flag(values, 'json') ? asJson : asText)({ sections, able, well }));
    return well ? exitCodes.passed : exitCodes.noVerdict;
  }, 'Nothing was changed.');
}

/** Those without anything broken; none when the machine itself is. */
function ableTargets(sections: readonly Section[]): TargetName[] {
  const isWhole = ({ findings }: Section) => findings.every(({ state }) => state !== 'broken');
  if (sections.some((section) => section.target === undefined && !isWhole(section))) return [];
  return sections.flatMap((section) =>
    section.target !== undefined && isWhole(section) ? [section.target] : [],
  );
}

/** Of the environment. Such a proxy would come between the parts of a mesh. */
const proxyVariables = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];

/** What must never go to a proxy: this machine, and the names of Services, which only the cluster knows. */
const direct = ['localhost', '127.0.0.1', '.svc'];

/**
 * The proxy variables, which docker, kind, istioctl, curl and this tool all heed. kind gives them to its nodes, too:
 * https://kind.sigs.k8s.io/docs/user/quick-start/#configure-kind-to-use-a-proxy
 */
export async function proxies({ env }: Surroundings): Promise<Finding[]> {
  const name = 'proxy variables';
  const set = proxyVariables.flatMap((variable) => {
    const key = [variable, variable.toLowerCase()].find((each) => (env[each] ?? '') !== '');
    return key === undefined ? [] : [key];
  });
  const wrong = set.filter((key) => !isAddress(env[key] ?? ''));
  if (wrong.length > 0) {
    const text = `${listed(wrong)} ${wrong.length > 1 ? 'are no addresses' : 'is no address'}`;
    return [
      { name, state: 'warning', text, remedy: 'Write such as http://proxy.example.com:3128, or unset it.' },
    ];
  }
  if (set.length === 0) return [{ name, state: 'ok', text: 'none is set' }];
  // Both are read, and by some programs only one of them.
  const lists = ['NO_PROXY', 'no_proxy'].flatMap((key) => ((env[key] ?? '') === '' ? [] : [env[key] ?? '']));
  const lacking = direct.filter((entry) => lists.length === 0 || !lists.every((list) => covers(list, entry)));
  const text = `${listed(set)} ${set.length > 1 ? 'are' : 'is'} set`;
  if (lacking.length === 0) return [{ name, state: 'ok', text: `${text}, and NO_PROXY names what is near` }];
  const now = lists[0] === undefined ? '' : `$${(env.NO_PROXY ?? '') === '' ? 'no_proxy' : 'NO_PROXY'},`;
  const remedy = `export NO_PROXY=${now}${lacking.join(',')} no_proxy=${now}${lacking.join(',')}`;
  return [{ name, state: 'warning', text: `${text}, and NO_PROXY does not name ${listed(lacking)}`, remedy }];
}

/** Whether an entry of NO_PROXY covers this one; `*` covers all, `127.0.0.0/8` and `.cluster.local` do their part. */
function covers(list: string, entry: string): boolean {
  const entries = list.split(/[,\s]+/).filter(Boolean);
  const others: Readonly<Record<string, readonly string[]>> = {
    '127.0.0.1': ['127.0.0.0/8'],
    '.svc': ['svc', '*.svc'],
  };
  return ['*', entry, ...(others[entry] ?? [])].some((each) => entries.includes(each));
}

/** `http://proxy:3128`, or `proxy:3128`, which most programs take as well. */
function isAddress(value: string): boolean {
  return URL.canParse(/^[a-z0-9]+:\/\//i.test(value) ? value : `http://${value}`);
}

function listed(all: readonly string[]): string {
  return [all.slice(0, -1).join(', '), all.at(-1)].filter(Boolean).join(' and ');
}
