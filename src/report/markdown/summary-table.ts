/** Scenarios down, meshes across, in Markdown. */
import { type CheckState, idOnce } from '../../base/events.ts';
import { meshLabel, type RunResult, type ScenarioResult, type ScenarioState } from '../result.ts';
import { plural } from '../text.ts';
import { markdownText } from './markdown.ts';

/** A table that is longer or wider helps nobody, and the page has a limit. */
const mostRows = 300;
const mostColumns = 24;
/** Longest name, in columns. */
const widest = 80;

/** Empty when nothing was planned. */
export function summaryTable(result: RunResult): string {
  const { run, scenarios, failedMeshes } = result;
  const rows = [...new Set(scenarios.map(({ info }) => idOnce(info)))];
  // Of merged results no one run knows all meshes.
  const all = [
    ...(run.meshes ?? []),
    ...result.meshes.map(({ id }) => id),
    ...scenarios.map(({ info }) => info.mesh),
    ...failedMeshes.map(({ mesh }) => mesh),
  ];
  const meshes = [...new Set(all)];
  if (rows.length === 0) return '';
  const columns = meshes.slice(0, mostColumns);
  const left = [
    ...(rows.length > mostRows ? [plural(rows.length - mostRows, 'scenario')] : []),
    ...(meshes.length > mostColumns ? [plural(meshes.length - mostColumns, 'mesh', 'meshes')] : []),
  ];
  const heads = columns.map((mesh) => headOf(mesh, result));
  const isTwice = (head: string) => heads.filter((each) => each === head).length > 1;
  const byCell = new Map<string, ScenarioResult[]>();
  for (const scenario of scenarios) {
    const key = cellKey(idOnce(scenario.info), scenario.info.mesh);
    byCell.set(key, [...(byCell.get(key) ?? []), scenario]);
  }
  const cell = (row: string, mesh: string): string => {
    const all = byCell.get(cellKey(row, mesh));
    if (all !== undefined) return verdict(all);
    const failed = failedMeshes.find((each) => each.mesh === mesh);
    if (failed === undefined) return '';
    return failed.problem.code === 'E_NOTHING_TESTED' ? '⚠️ not tested' : '⚠️ no mesh';
  };
  return [
    line([
      'Scenario',
      // What nothing visible tells apart has its own name at least.
      ...heads.map((head, index) =>
        isTwice(head) ? `${head}<br>${markdownText(columns[index] ?? '', widest)}` : head,
      ),
    ]),
    line(['---', ...columns.map(() => '---')]),
    ...rows
      .slice(0, mostRows)
      .map((row) => line([markdownText(row, widest), ...columns.map((mesh) => cell(row, mesh))])),
    ...(left.length > 0 ? ['', `… and ${left.join(' and ')} more, in the reports`] : []),
  ].join('\n');
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function headOf(id: string, { meshes }: RunResult): string {
  const mesh = meshes.find((each) => each.id === id);
  if (mesh === undefined) return markdownText(meshLabel(meshes, id).join(', '), widest);
  const { istio, envoy, kubernetes, target } = mesh;
  const more = [
    ...(envoy === undefined ? [] : [`Envoy ${envoy}`]),
    ...(kubernetes === undefined ? [] : [`Kubernetes ${kubernetes}`]),
    target,
  ];
  return [`Istio ${istio}`, ...more].map((part) => markdownText(part, widest)).join('<br>');
}

const signs: Record<ScenarioState, string> = {
  failed: '❌',
  error: '⚠️',
  running: '⚠️',
  planned: '⚠️',
  known: '🟡',
  passed: '✅',
  skipped: '➖',
};

function cellKey(row: string, mesh: string): string {
  return JSON.stringify([row, mesh]);
}

/** The worst of all repetitions, and how many checks passed of those that were to be made. */
function verdict(all: readonly ScenarioResult[]): string {
  const worst = (Object.keys(signs) as ScenarioState[]).find((state) =>
    all.some((each) => each.state === state),
  );
  const planned = sum(all, ({ checks, notRun }) => checks.length + notRun);
  const count = (state: CheckState) =>
    sum(all, ({ checks }) => checks.filter((check) => check.state === state).length);
  const [known, skipped] = [count('known'), count('skipped')];
  if (worst === 'skipped') return `${signs.skipped} skipped`;
  const sign = worst === 'passed' && known > 0 ? signs.known : signs[worst ?? 'error'];
  const also = known > 0 ? `, ${known} known` : '';
  return `${sign} ${count('passed')}/${planned - skipped}${also}`;
}

function sum(scenarios: readonly ScenarioResult[], of: (scenario: ScenarioResult) => number): number {
  return scenarios.reduce((total, scenario) => total + of(scenario), 0);
}
