/** `jwt-e2e doctor`: what this machine has of what a mesh needs, what can be had, and what is missing. */
import { exitCodes } from '../../errors.ts';
import { loadVersions } from '../../programs/versions.ts';
import type { Values } from '../../settings/settings.ts';
import type { Io } from '../io.ts';
import { versionsFile } from '../product.ts';
import { withSignals } from '../signals.ts';
import { alignedLines } from '../table.ts';
import { type Finding, type Probe, probes } from './doctor-probes.ts';

const marks: Readonly<Record<Finding['state'], string>> = {
  here: 'here',
  obtainable: 'can be had',
  missing: 'missing',
};

/**
 * Writes the table to standard output. Nothing is downloaded, built or changed.
 *
 * @returns 0 when at least one target can be had here, else 4
 * @throws HarnessError for wrong settings; E_INTERRUPTED
 */
export async function doctorCommand(values: Values, io: Io, all: readonly Probe[] = probes): Promise<number> {
  const versions = loadVersions(versionsFile);
  return withSignals(async (signal) => {
    const report = (message: string) => io.stderr.write(`${message}\n`);
    const around = { values, versions, env: io.env, report, signal };
    const looked = await Promise.all(
      all.map(async (probe) => ({ target: probe.target, findings: await probe.look(around) })),
    );
    const isWhole = (target: Probe['target']) =>
      looked.every(
        (each) => each.target !== target || each.findings.every(({ state }) => state !== 'missing'),
      );
    const targets = [...new Set(looked.flatMap(({ target }) => target ?? []))];
    const able = targets.filter(isWhole);
    for (const target of [...targets, undefined]) {
      const findings = looked.filter((each) => each.target === target).flatMap((each) => each.findings);
      if (findings.length > 0) io.stdout.write(block(titleOf(target, isWhole(target)), findings));
    }
    io.stdout.write(
      able.length > 0
        ? `Here you can run with ${able.map((target) => `--target ${target}`).join(' or ')}.\n`
        : 'Here you can run only on an existing cluster: --target cluster --context NAME.\n',
    );
    return able.length > 0 ? exitCodes.passed : exitCodes.noVerdict;
  }, 'Nothing was changed.');
}

function titleOf(target: Probe['target'], isWhole: boolean): string {
  if (target === undefined) return 'For getting programs';
  return `Target ${target}: ${isWhole ? 'can be had' : 'cannot be had'}`;
}

/** A title, and below it a line for each finding, with what to do about it. */
function block(title: string, findings: readonly Finding[]): string {
  const lines = alignedLines(
    findings.map(({ name, state, version = '', where }) => [name, marks[state], version, where]),
  );
  const texts = findings.flatMap(({ state, remedy }, index) => {
    const line = `  ${lines[index]}`;
    return state === 'here' || remedy === undefined ? [line] : [line, `      -> ${remedy}`];
  });
  return `${[title, ...texts].join('\n')}\n\n`;
}
