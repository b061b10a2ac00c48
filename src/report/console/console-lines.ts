/** Lines of the console output about one thing: a mesh, a scenario, a problem. */

import { formatPlace } from '../../base/errors.ts';
import type { CheckResult, CheckState, MeshFacts, Problem } from '../../base/events.ts';
import { lineBreak, oneLine } from '../../base/harmless.ts';
import { glyphs } from '../pieces.ts';
import type { ScenarioResult } from '../result.ts';
import { plural } from '../text.ts';
import { spelled } from './own-command.ts';
import type { Colors } from './terminal.ts';

/** What the mesh is, and why this target was taken. */
export function meshLines(mesh: MeshFacts, { dim }: Colors): string[] {
  const more = [
    mesh.envoy === undefined ? undefined : `Envoy ${mesh.envoy}`,
    mesh.kubernetes === undefined ? undefined : `Kubernetes ${mesh.kubernetes}`,
    mesh.asm === undefined ? undefined : `ASM ${mesh.asm}`,
    `keys fetched by ${mesh.fetch}`,
  ].filter((part) => part !== undefined);
  return [
    oneLine(`Istio ${mesh.istio} on ${mesh.target} (${more.join(', ')})`),
    dim(oneLine(`${mesh.target}: ${mesh.reason}`)),
  ];
}

/** @param name padded; @param time with its colour */
export function scenarioLine(scenario: ScenarioResult, name: string, time: string, colors: Colors): string {
  const { red, yellow, dim } = colors;
  const { checks, notRun, state } = scenario;
  const part = (count: number, word: string, paint: (text: string) => string): string[] =>
    count === 0 ? [] : [paint(`${count} ${word}`)];
  const count = (wanted: CheckState): number => checks.filter((check) => check.state === wanted).length;
  const counts = [
    plural(checks.length + notRun, 'check'),
    ...part(count('failed'), 'failed', red),
    ...part(count('error'), 'without a verdict', yellow),
    ...part(count('known'), count('known') === 1 ? 'known deviation' : 'known deviations', dim),
    ...part(count('skipped'), 'skipped', dim),
    ...part(notRun, 'did not run', yellow),
  ];
  // What still runs is only told when it was broken off.
  const mark = glyphs(colors)[state === 'planned' || state === 'running' ? 'error' : state];
  return ` ${mark.paint(mark.text)} ${name}  ${counts.join(', ')}  ${time}`;
}

/** A failure that the baseline file expects: one line, for those who look for it. */
export function knownLine({ id, known }: CheckResult, { dim }: Colors): string {
  const why = known === undefined ? 'known' : `known until ${known.until}: ${known.reason}`;
  return dim(`   ~ ${oneLine(id)}  ${oneLine(why)}`);
}

/** What to do while a run waits. @param look lines to paste into a shell */
export function pausedLines(name: string, look: readonly string[], { cyan, dim, yellow }: Colors): string[] {
  const inside =
    look.length === 0 ? [] : ['   To look inside:', ...look.map((line) => `     ${cyan(oneLine(line))}`)];
  return [
    ` ${yellow('‖')} ${name} waits, with everything that it has applied in place`,
    ...inside,
    `   ${dim('Press Enter to go on.')}`,
  ];
}

/** Details, such as the output of a tool, are cut to their last lines: the end says what went wrong. */
const detailLines = 10;

/**
 * @param next the command that helps most; left out where the hint names one
 * @param program what stands before the name of a command in the hint
 */
export function problemLines(
  problem: Problem,
  { red, dim, cyan }: Colors,
  next?: string,
  program = 'jwt-e2e',
): string[] {
  const details = (problem.details ?? '')
    .split(lineBreak)
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
  const left = details.length - detailLines;
  return [
    `     ${red(`${problem.code}: ${oneLine(problem.message)}`)}`,
    ...(problem.place === undefined ? [] : [`     ${cyan(formatPlace(problem.place))}`]),
    ...(problem.hint === undefined ? [] : [`     hint: ${oneLine(spelled(problem.hint, program))}`]),
    ...(next === undefined || problem.hint?.includes('jwt-e2e ') ? [] : [`     next: ${next}`]),
    ...(left > 0 ? [dim(`     | … ${plural(left, 'line')} before`)] : []),
    ...details.slice(-detailLines).map((line) => dim(`     | ${line}`)),
  ];
}
