/** `jwt-e2e doctor`: what of each target is well, what is doubtful, what is broken, and what to do about it. */
import { exitCodes } from '../../base/errors.ts';
import { versionsFile } from '../../engine/product.ts';
import { loadVersions } from '../../programs/versions.ts';
import type { Values } from '../../settings/settings.ts';
import { flag, text } from '../../settings/typed.ts';
import { namesCluster } from '../doctor/cluster-probes.ts';
import type { Machine, Probe, TargetName } from '../doctor/finding.ts';
import { lookAll, type Section } from '../doctor/look-all.ts';
import { thisMachine } from '../doctor/machine.ts';
import { probes } from '../doctor/probes.ts';
import { asJson, asText } from '../doctor/render.ts';
import type { Io } from '../support/io.ts';
import { withSignals } from '../support/signals.ts';

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
    const isNamed = wanted === 'cluster' || namesCluster(around);
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

function wantedTarget(values: Values): TargetName | undefined {
  const target = text(values, 'target');
  return target === 'kind' || target === 'local' || target === 'cluster' ? target : undefined;
}

/** Those without anything broken; none when the machine itself is. */
function ableTargets(sections: readonly Section[]): TargetName[] {
  const isWhole = ({ findings }: Section) => findings.every(({ state }) => state !== 'broken');
  if (sections.some((section) => section.target === undefined && !isWhole(section))) return [];
  return sections.flatMap((section) =>
    section.target !== undefined && isWhole(section) ? [section.target] : [],
  );
}
