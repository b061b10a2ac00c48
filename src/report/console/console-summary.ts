/** What stands at the end of the console output: what was skipped, what was found, the counts, where the reports are. */

import { formatPlace } from '../../base/errors.ts';
import type { CheckResult } from '../../base/events.ts';
import { groupBy } from '../../base/group.ts';
import { oneLine } from '../../base/harmless.ts';
import { mistakeText, mutationScore, witnessText } from '../mutation.ts';
import { meshLabel, type RunResult } from '../result.ts';
import { duration, padEnd, plural } from '../text.ts';
import { promisesByReason, promiseText, reasonOf } from '../unproven.ts';
import type { Colors } from './terminal.ts';

/**
 * The lines, without line breaks. The counts, the time and the paths come last, always.
 *
 * @param reports name of each report and its path
 * @param lost why a report of this name could not be written
 */
export function summaryLines(
  result: RunResult,
  reports: Readonly<Record<string, string>>,
  colors: Colors,
  lost: (name: string) => string | undefined = () => undefined,
): string[] {
  const checks = result.scenarios.flatMap((scenario) => scenario.checks);
  const { run } = result;
  const lines: string[] = [
    '',
    ...flakyLines(result, colors),
    ...mutationLines(result, colors),
    ...skippedLines(checks, result, colors),
    ...findingLines(result, colors),
  ];
  if (run.state === 'interrupted') {
    lines.push(colors.yellow('Interrupted: this is not the result of a whole run.'));
  }
  lines.push(countsLine(result, checks.length, colors));
  const width = Math.max(0, ...Object.keys(reports).map((name) => name.length));
  for (const [name, path] of Object.entries(reports)) {
    const why = lost(name);
    const what = why === undefined ? path : colors.red(`not written: ${oneLine(why)}`);
    lines.push(`  ${colors.dim(padEnd(name, width))}  ${what}`);
  }
  return lines;
}

function countsLine({ counts, run, scenarios, meshes }: RunResult, checks: number, colors: Colors): string {
  const { passed, failed, known = 0, error, skipped, notRun } = counts;
  const parts = [
    passed > 0 ? colors.green(`${passed} passed`) : undefined,
    failed > 0 ? colors.red(`${failed} failed`) : undefined,
    error > 0 ? colors.yellow(`${error} without a verdict`) : undefined,
    known > 0 ? colors.dim(plural(known, 'known deviation')) : undefined,
    skipped > 0 ? colors.dim(`${skipped} skipped`) : undefined,
    notRun > 0 ? colors.yellow(`${notRun} did not run`) : undefined,
  ].filter((part) => part !== undefined);
  const names = new Set(scenarios.map(({ info }) => info.id));
  const where = run.meshes === undefined ? '' : ` on ${plural(meshes.length, 'mesh', 'meshes')}`;
  const total = `${plural(checks + notRun, 'check')} in ${plural(names.size, 'scenario')}${where}`;
  const list = parts.length === 0 ? '' : `: ${parts.join(', ')}`;
  return `${colors.bold(total)}${list} ${colors.dim(`(${duration(run.durationMs)})`)}`;
}

/** How many are listed; the JSON report has all of them. */
const mostFlaky = 20;

/** What did not always come out the same, the least reliable first. */
function flakyLines({ flaky = [], meshes, run }: RunResult, colors: Colors): string[] {
  if (flaky.length === 0) return [];
  const shares = flaky.map(({ passed, runs }) => `${passed} of ${runs} passed`);
  const width = Math.max(...shares.slice(0, mostFlaky).map((share) => share.length));
  const lines = flaky.slice(0, mostFlaky).map(({ check, mesh }, index) => {
    const where = run.meshes === undefined ? '' : ` (${meshLabel(meshes, mesh).join(', ')})`;
    return `  ${colors.yellow(padEnd(shares[index] ?? '', width))}  ${oneLine(`${check}${where}`)}`;
  });
  const more = flaky.length - lines.length;
  return [
    `${plural(flaky.length, 'check')} did not always come out the same:`,
    ...lines,
    ...(more > 0 ? [`  … ${more} more in the JSON report`] : []),
    '',
  ];
}

/** How many mistakes in policies the checks would notice, and the requests that would notice the others. */
function mutationLines({ scenarios, meshes, run }: RunResult, colors: Colors): string[] {
  const judged = scenarios.filter(({ mutation }) => mutation !== undefined);
  if (judged.length === 0) return [];
  const lines = judged.flatMap(({ info, mutation }) => {
    if (mutation === undefined) return [];
    const where = run.meshes === undefined ? '' : ` (${meshLabel(meshes, info.mesh).join(', ')})`;
    const score = mutationScore(mutation);
    return [
      `  ${mutation.survived === 0 ? score : colors.yellow(score)}  ${oneLine(`${info.id}${where}`)}`,
      ...mutation.survivors.flatMap((each) => [
        `    ${oneLine(`${formatPlace(each.place)}: ${mistakeText(each)}`)}`,
        `      ${colors.dim(oneLine(witnessText(each)))}`,
      ]),
    ];
  });
  return ['Mistakes in policies, by the model, without the mesh:', ...lines, ''];
}

/** Every reason once, with how many checks it kept from running, and what is not proven for it. */
function skippedLines(checks: readonly CheckResult[], result: RunResult, colors: Colors): string[] {
  const skipped = checks.filter(({ state }) => state === 'skipped');
  if (skipped.length === 0) return [];
  const unproven = promisesByReason(result.unproven);
  return [
    `${skipped.length} skipped${[...unproven.values()].flat().length === 0 ? '' : ', so these promises are not proven'}:`,
    ...[...groupBy(skipped, reasonOf)].flatMap(([reason, group]) => [
      `  ${colors.dim('-')} ${oneLine(reason)}: ${group.length}`,
      ...(unproven.get(reason) ?? []).map((each) => `    ${colors.dim(oneLine(promiseText(each)))}`),
    ]),
    '',
  ];
}

function findingLines({ findings }: RunResult, colors: Colors): string[] {
  if (findings.length === 0) return [];
  const lines = findings.flatMap(({ text, checks }) => {
    const more = checks.length > 1 ? ` and ${checks.length - 1} more` : '';
    return [
      `  ${colors.cyan('*')} ${oneLine(text)}`,
      `    ${colors.dim(`${oneLine(checks[0] ?? '')}${more}`)}`,
    ];
  });
  return [`${plural(findings.length, 'finding')}:`, ...lines, ''];
}
