/** `jwt-e2e report`: reports made from results of earlier runs. */
import { dirname, join, relative, resolve } from 'node:path';
import { exitCodes, formatPlace } from '../../base/errors.ts';
import { oneLine } from '../../base/harmless.ts';
import { baselineOf } from '../../engine/baseline.ts';
import { ConformanceReporter } from '../../report/conformance/conformance.ts';
import { problemLines } from '../../report/console/console-lines.ts';
import { meshTable } from '../../report/console/console-meshes.ts';
import { summaryLines } from '../../report/console/console-summary.ts';
import { type Colors, colorsOf, describeTerminal } from '../../report/console/terminal.ts';
import { JsonReporter } from '../../report/file-reporter.ts';
import type { History } from '../../report/history/history.ts';
import { HtmlReporter } from '../../report/html.ts';
import { JUnitReporter } from '../../report/junit/junit.ts';
import { SummaryReporter } from '../../report/markdown/summary.ts';
import { mergeResults } from '../../report/merge/merge.ts';
import { meshLabel, type RunResult } from '../../report/result.ts';
import { KnownDeviations } from '../../run/answers/known-use.ts';
import type { Values } from '../../settings/settings.ts';
import { text } from '../../settings/typed.ts';
import { refuseSameFile } from '../support/console-report.ts';
import { historyOf } from '../support/history-files.ts';
import { type Io, typedCommand } from '../support/io.ts';
import { readInputs } from '../support/report-inputs.ts';
import { withPlaces } from '../support/reports.ts';

/**
 * Merges results, writes the reports that are asked for, and the page when none is.
 *
 * @param paths JSON reports, and folders with files named results.json
 * @param given what was asked for on the command line: the files that variables and the settings file name are those of
 * runs, and may be what is to be read here
 * @returns the exit code of all runs together: 1 when a check failed, 4 when a verdict or a shard is missing
 * @throws HarnessError E_USAGE when results cannot be read or do not fit together, E_SETTINGS when a report cannot be
 * written or the baseline has a mistake
 */
export async function reportCommand(
  paths: readonly string[],
  values: Values,
  io: Io,
  given: Values = values,
): Promise<number> {
  const files = outputs(given);
  refuseSameFile(files, io);
  const inputs = readInputs(paths, io.cwd, Object.values(files));
  const baseline = baselineOf(values, io.cwd);
  const known = baseline && new KnownDeviations(baseline);
  // Next to what is written, as a run has it: so the merged results can be merged again.
  const beside = join(dirname(Object.values(files)[0] ?? ''), 'artifacts');
  const artifacts = text(given, 'artifacts') ?? beside;
  const merged = mergeResults(inputs, {
    artifacts: resolve(io.cwd, artifacts),
    cwd: io.cwd,
    see: known && ((check, facts) => known.apply(check, facts)),
  });
  const history = historyOf(values, io.cwd, merged.run.id);
  const remarks = [...(known?.remarks() ?? []), ...history.problems.map((message) => ({ message }))];
  const result = { ...merged, warnings: [...merged.warnings, ...remarks] };
  write(files, result, artifacts, values, io, history);
  const { color } = describeTerminal(process.stdout, io.env);
  const colors = colorsOf(color);
  const shown = Object.entries(files).map(([name, file]) => [labels[name] ?? name, shownPath(file, io)]);
  const lines = [
    ...problemsOfAll(result, colors),
    ...meshTable(result, colors),
    ...summaryLines(result, Object.fromEntries(shown), colors),
  ];
  const warnings = remarks.map(({ message, ...at }) => {
    const where = 'place' in at ? `${formatPlace(at.place)}: ` : '';
    return `${oneLine(`warning: ${where}${message}`)}\n`;
  });
  io.stdout.write(`${warnings.join('')}${lines.join('\n').replace(/^\n+/, '')}\n`);
  return result.exitCode ?? exitCodes.noVerdict;
}

/** What is wrong about meshes as a whole, such as shards that are missing; each once. */
function problemsOfAll({ run, failedMeshes, meshes }: RunResult, colors: Colors): string[] {
  const all = [
    ...(run.problem === undefined ? [] : [{ mesh: undefined, problem: run.problem }]),
    ...failedMeshes,
  ];
  return all.flatMap(({ mesh, problem }) => {
    const where = mesh === undefined || run.meshes === undefined ? '' : meshLabel(meshes, mesh).join(', ');
    const head = where === '' ? [] : [` ${colors.red('✗')} ${oneLine(where)}`];
    return [...head, ...problemLines(problem, colors, undefined, typedCommand)];
  });
}

const labels: Readonly<Record<string, string>> = {
  html: 'page',
  junit: 'JUnit',
  json: 'JSON',
  conformance: 'conformance',
  summary: 'summary',
};

/** File by setting, in the order in which they are told. */
function outputs(values: Values): Record<string, string> {
  const asked = Object.keys(labels).flatMap((name) => {
    const file = text(values, name);
    return file === undefined ? [] : [[name, file] as const];
  });
  return asked.length === 0 ? { html: 'reports/report.html' } : Object.fromEntries(asked);
}

function write(
  files: Readonly<Record<string, string>>,
  result: RunResult,
  artifacts: string,
  values: Values,
  io: Io,
  history: History,
): void {
  const { html, junit, json, conformance, summary } = files;
  const at = (file: string) => resolve(io.cwd, file);
  if (html !== undefined) {
    const page = { title: text(values, 'title'), history };
    new HtmlReporter({ file: at(html), artifacts: at(artifacts), ...page }).write(result);
  }
  if (junit !== undefined) {
    const places = withPlaces(values, io);
    new JUnitReporter({ file: at(junit), artifacts: shownPath(at(artifacts), io), places }).write(result);
  }
  if (json !== undefined) new JsonReporter({ file: at(json) }).write(result);
  if (conformance !== undefined) new ConformanceReporter({ file: at(conformance) }).write(result);
  if (summary !== undefined) new SummaryReporter({ file: at(summary) }).write(result);
}

function shownPath(file: string, io: Io): string {
  return relative(io.cwd, resolve(io.cwd, file)) || '.';
}
