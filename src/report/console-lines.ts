/** Lines of the console output about one thing: a mesh, a scenario, a problem. */
import { formatPlace } from '../errors.ts';
import type { CheckState, MeshFacts, Problem } from '../events.ts';
import type { ScenarioResult } from './result.ts';
import type { Colors } from './terminal.ts';
import { oneLine, plural, printable } from './text.ts';

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
  const { green, red, yellow, dim } = colors;
  const { checks, notRun, state } = scenario;
  const part = (count: number, word: string, paint: (text: string) => string): string[] =>
    count === 0 ? [] : [paint(`${count} ${word}`)];
  const count = (wanted: CheckState): number => checks.filter((check) => check.state === wanted).length;
  const counts = [
    plural(checks.length + notRun, 'check'),
    ...part(count('failed'), 'failed', red),
    ...part(count('error'), 'without a verdict', yellow),
    ...part(count('skipped'), 'skipped', dim),
    ...part(notRun, 'did not run', yellow),
  ];
  const marks: Record<string, string> = { passed: green('✓'), failed: red('✗'), skipped: dim('-') };
  return ` ${marks[state] ?? yellow('!')} ${name}  ${counts.join(', ')}  ${time}`;
}

/** Details, such as the output of a tool, are cut to their last lines: the end says what went wrong. */
const detailLines = 10;

export function problemLines(problem: Problem, { red, dim, cyan }: Colors): string[] {
  const details = printable(problem.details ?? '')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
  const left = details.length - detailLines;
  return [
    `     ${red(`${problem.code}: ${oneLine(problem.message)}`)}`,
    ...(problem.place === undefined ? [] : [`     ${cyan(formatPlace(problem.place))}`]),
    ...(problem.hint === undefined ? [] : [`     hint: ${oneLine(problem.hint)}`]),
    ...(left > 0 ? [dim(`     | … ${plural(left, 'line')} before`)] : []),
    ...details.slice(-detailLines).map((line) => dim(`     | ${line}`)),
  ];
}
