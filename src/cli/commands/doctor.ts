/** `jwt-e2e doctor`: what of each target is well, what is doubtful, what is broken, and what to do about it. */
import { exitCodes } from '../../base/errors.ts';
import { versionsFile } from '../../engine/product.ts';
import { loadVersions } from '../../programs/versions.ts';
import type { Values } from '../../settings/settings.ts';
import { clusterFlags, flag, type TargetName, wantedTarget } from '../../settings/typed.ts';
import { cluster } from '../doctor/cluster-probes.ts';
import { engine } from '../doctor/engine-probe.ts';
import type { Machine, Probe } from '../doctor/finding.ts';
import { downloadable, kubectl, ports } from '../doctor/kind-probes.ts';
import { addresses, meshPrograms } from '../doctor/local-probes.ts';
import { lookAll, type Section } from '../doctor/look-all.ts';
import { diskForLocal, inotify, memoryForLocal, node, thisMachine } from '../doctor/machine.ts';
import { proxies } from '../doctor/proxy-variables.ts';
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
    const isNamed = wanted === 'cluster' || clusterFlags(values).length > 0;
    const chosen = all.filter(({ target }) => {
      if (target === undefined) return true;
      return wanted === undefined ? target !== 'cluster' || isNamed : target === wanted;
    });
    const sections = await lookAll(chosen, around);
    const able = ableTargets(sections);
    // As with `run`, whoever names a cluster means it.
    const decisive = wanted ?? (isNamed ? 'cluster' : undefined);
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
