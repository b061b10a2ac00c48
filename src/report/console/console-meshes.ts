/** The table at the end of a run on several meshes: scenarios down, a column for each mesh, and what is different. */

import type { CheckState, MeshFacts } from '../../base/events.ts';
import { oneLine } from '../../base/harmless.ts';
import type { Difference, RunResult, ScenarioResult } from '../result.ts';
import { displayWidth, padEnd, plural } from '../text.ts';
import type { Colors } from './terminal.ts';

/** How many differences are listed; results.json has all of them. */
const mostDifferences = 20;
const gap = '  ';

interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

/** The lines, without line breaks; none when the run had but one mesh. */
export function meshTable(result: RunResult, colors: Colors): string[] {
  const meshes = result.run.meshes ?? [];
  const ids = [...new Set(result.scenarios.map(({ info }) => info.id))];
  if (meshes.length < 2 || ids.length === 0) return [];
  const columns = meshes.map((mesh) => ({
    mesh,
    head: headOf(mesh, result.meshes),
    cells: ids.map((id) => cellOf(id, mesh, result, colors)),
  }));
  const firstWidth = Math.max(...ids.map((id) => displayWidth(oneLine(id))));
  const widths = columns.map(({ head, cells }) =>
    Math.max(...[...head, ...cells.map(({ text }) => text)].map(displayWidth)),
  );
  const line = (first: string, cells: readonly Cell[]): string => {
    const parts = cells.map(({ text, paint = plain }, index) => {
      const isLast = index === cells.length - 1;
      return paint(text) + ' '.repeat(isLast ? 0 : (widths[index] ?? 0) - displayWidth(text));
    });
    return [padEnd(first, firstWidth + 2), ...parts].join(gap).trimEnd();
  };
  const heights = Math.max(...columns.map(({ head }) => head.length));
  const heads = Array.from({ length: heights }, (_, row) =>
    line(
      '',
      columns.map(({ head }) => ({ text: head[row] ?? '', paint: colors.bold })),
    ),
  );
  const rows = ids.map((id, row) =>
    line(
      `  ${oneLine(id)}`,
      columns.map(({ cells }) => cells[row] ?? { text: '' }),
    ),
  );
  return ['', ...heads, ...rows, ...differenceLines(result, colors)];
}

const plain = (text: string) => text;

function headOf(mesh: string, known: readonly MeshFacts[]): string[] {
  const facts = known.find(({ id }) => id === mesh);
  if (facts === undefined) return [oneLine(mesh)];
  const head = [versions(facts), differing(facts, known)].flat();
  const isAlone = known.every((other) => other === facts || !isSame(other, facts));
  return [...head, ...(isAlone ? [] : [mesh])].map(oneLine);
}

/** A line each, so that the same facts are side by side; empty for what is not known. */
function versions({ istio, envoy }: MeshFacts): string[] {
  return [`Istio ${istio}`, envoy === undefined ? '' : `Envoy ${envoy}`];
}

/** Facts that are told only where the meshes differ in them. */
const furtherFacts: readonly ((mesh: MeshFacts) => string)[] = [
  ({ asm }) => (asm === undefined ? '' : `ASM ${asm}`),
  ({ kubernetes }) => (kubernetes === undefined ? '' : `Kubernetes ${kubernetes}`),
  ({ target }) => target,
  ({ fetch }) => `keys by ${fetch}`,
];

function differing(mesh: MeshFacts, all: readonly MeshFacts[]): string[] {
  return furtherFacts.filter((fact) => new Set(all.map(fact)).size > 1).map((fact) => fact(mesh));
}

/** Whether nothing but the id tells them apart. */
function isSame(one: MeshFacts, other: MeshFacts): boolean {
  const all = (mesh: MeshFacts) => [...versions(mesh), ...furtherFacts.map((fact) => fact(mesh))].join('\n');
  return all(one) === all(other);
}

function cellOf(id: string, mesh: string, result: RunResult, colors: Colors): Cell {
  const { scenarios, failedMeshes, differences } = result;
  const scenario = scenarios.find(({ info }) => info.id === id && info.mesh === mesh);
  if (scenario === undefined) {
    const failed = failedMeshes.find((each) => each.mesh === mesh);
    if (failed === undefined) return { text: '-', paint: colors.dim };
    const isThere = failed.problem.code === 'E_NOTHING_TESTED';
    return { text: isThere ? 'not tested' : 'no mesh', paint: colors.yellow };
  }
  const isChanged = differences.some((difference) => difference.scenario === id && differs(difference, mesh));
  const { text, paint } = verdictOf(scenario, colors);
  return { text: `${text}${isChanged ? ' *' : ''}`, paint };
}

function verdictOf({ state, checks, notRun }: ScenarioResult, colors: Colors): Required<Cell> {
  const count = (wanted: CheckState) => checks.filter((check) => check.state === wanted).length;
  const ratio = `${count('passed')}/${checks.length + notRun - count('skipped')}`;
  switch (state) {
    case 'passed':
      return { text: ratio, paint: colors.green };
    case 'failed':
      return { text: `${ratio} failed`, paint: colors.red };
    case 'known':
      return { text: `${ratio} known`, paint: colors.dim };
    case 'skipped':
      return { text: 'skipped', paint: colors.dim };
    default:
      return { text: `${ratio} no verdict`, paint: colors.yellow };
  }
}

/** Whether the answer of this mesh is another one than that of the first. */
function differs({ answers }: Difference, mesh: string): boolean {
  const [first] = answers;
  const own = answers.find((answer) => answer.mesh === mesh);
  return own !== undefined && (own.state !== first?.state || own.status !== first?.status);
}

function differenceLines({ differences, meshes }: RunResult, colors: Colors): string[] {
  const [first] = meshes;
  if (differences.length === 0 || first === undefined) return [];
  const shown = differences.slice(0, mostDifferences);
  const more = differences.length - shown.length;
  return [
    '',
    `* ${plural(differences.length, 'check')} with another answer than on ${nameOf(first, meshes)}:`,
    ...shown.flatMap(({ check, answers }) => [
      `  ${oneLine(check)}`,
      `    ${colors.dim(answers.map((answer) => answerText(answer, meshes)).join('; '))}`,
    ]),
    ...(more > 0 ? [`  … ${more} more in the JSON report`] : []),
  ];
}

function answerText(answer: Difference['answers'][number], meshes: readonly MeshFacts[]): string {
  const facts = meshes.find(({ id }) => id === answer.mesh);
  const what = answer.status === undefined ? answer.state : `${answer.status} (${answer.state})`;
  return `${facts === undefined ? oneLine(answer.mesh) : nameOf(facts, meshes)}: ${what}`;
}

function nameOf(mesh: MeshFacts, all: readonly MeshFacts[]): string {
  const { id, istio, envoy } = mesh;
  const isAlone = all.every((other) => other === mesh || !isSame(other, mesh));
  const more = [...differing(mesh, all), ...(isAlone ? [] : [id])].filter((text) => text !== '');
  const name = `Istio ${istio}${envoy === undefined ? '' : ` with Envoy ${envoy}`}`;
  return oneLine(more.length === 0 ? name : `${name} (${more.join(', ')})`);
}
