/** The summary of a run in Markdown, for the page of a workflow run: the verdict, a table, and what is not well. */
import { type CheckResult, type CheckState, idOnce } from '../../base/events.ts';
import { byCause, isToldBy, mostNamed } from '../cause.ts';
import { sameProblem } from '../model-scenario.ts';
import { meshLabel, type RunResult } from '../result.ts';
import { duration, plural } from '../text.ts';
import { markdownText } from './markdown.ts';
import { summaryTable } from './summary-table.ts';

/** How many of a kind are listed; the reports have all of them. */
const most = 20;

/** Markdown that ends with a line break, of well below 1 MB, which is what GitHub takes of a step. */
export function summaryMarkdown(result: RunResult): string {
  const parts = [
    `## ${headline(result)}`,
    totals(result),
    problems(result),
    summaryTable(result),
    failures(result),
    knownDeviations(result),
    flaky(result),
    findings(result),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function headline({ counts, run, exitCode }: RunResult): string {
  const { passed, failed, error, notRun, known = 0 } = counts;
  if (run.state === 'interrupted') return '⚠️ Interrupted: not the result of a whole run';
  if (exitCode === null) return '⚠️ The run did not come to its end';
  if (failed > 0) return `❌ ${plural(failed, 'check')} failed`;
  if (error + notRun > 0) return `⚠️ ${plural(error + notRun, 'check')} without a verdict`;
  if (passed + known === 0) return '⚠️ Nothing was tested';
  if (exitCode !== 0) return '⚠️ No verdict';
  return known === 0 ? '✅ Everything passed' : `✅ Passed, with ${plural(known, 'known deviation')}`;
}

function totals({ counts, scenarios, run }: RunResult): string {
  const { passed, failed, known = 0, error, skipped, notRun } = counts;
  const all = passed + failed + known + error + skipped + notRun;
  const names = new Set(scenarios.map(({ info }) => idOnce(info)));
  const parts = (
    [
      [passed, 'passed'],
      [failed, 'failed'],
      [known, known === 1 ? 'known deviation' : 'known deviations'],
      [error, 'without a verdict'],
      [skipped, 'skipped'],
      [notRun, 'did not run'],
    ] as const
  )
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}`);
  const list = parts.length === 0 ? '' : `: ${parts.join(', ')}`;
  return `${plural(all, 'check')} of ${plural(names.size, 'scenario')}${list}, in ${duration(run.durationMs)}.`;
}

/** Each once, though a phase and the run may both have told it. */
function problems({ run, phases, failedMeshes, scenarios, meshes }: RunResult): string {
  const label = (mesh: string | undefined) =>
    mesh === undefined ? undefined : meshLabel(meshes, mesh).join(', ');
  const all = [
    ...phases.map(({ problem, mesh }) => ({ problem, where: label(mesh) })),
    ...failedMeshes.map(({ problem, mesh }) => ({ problem, where: label(mesh) })),
    ...scenarios.map(({ problem, info }) => ({ problem, where: info.id })),
    { problem: run.problem, where: undefined },
  ].filter(({ problem }) => problem !== undefined);
  const once = all.filter(
    ({ problem }, index) => all.findIndex((other) => sameProblem(other.problem, problem)) === index,
  );
  return list('What went wrong', once, ({ problem, where }) => {
    const about = where === undefined ? '' : `${markdownText(where)}: `;
    const hint = problem?.hint === undefined ? '' : ` — ${markdownText(problem.hint)}`;
    return `⚠️ ${about}${markdownText(`${problem?.code}: ${problem?.message}`)}${hint}`;
  });
}

function failures({ scenarios, meshes, run }: RunResult): string {
  const isOneOfSeveral = run.meshes !== undefined || meshes.length > 1;
  const meshOf = new Map(
    scenarios.flatMap(({ checks, info, problem }) =>
      checks.filter((check) => !isToldBy(check, problem)).map((check) => [check, info.mesh] as const),
    ),
  );
  const causes = byCause([...meshOf.keys()]);
  const nameOf = (check: CheckResult) => {
    const mesh = meshOf.get(check);
    const where = isOneOfSeveral && mesh !== undefined ? meshLabel(meshes, mesh).join(', ') : undefined;
    return `**${markdownText(check.id)}**${where === undefined ? '' : ` on ${markdownText(where)}`}`;
  };
  const listOf = (title: string, sign: string, state: CheckState): string =>
    list(
      title,
      causes.filter(({ first }) => first.state === state),
      ({ first, others }) => {
        const left = others.length - mostNamed;
        const more =
          others.length === 0
            ? ''
            : ` — for the same reason ${others.slice(0, mostNamed).map(nameOf).join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
        return `${sign} ${nameOf(first)}: ${markdownText(cause(first))}${more}`;
      },
    );
  return [listOf('Failed', '❌', 'failed'), listOf('Without a verdict', '⚠️', 'error')]
    .filter((part) => part !== '')
    .join('\n\n');
}

function cause({ state, expected, actual, response, message, code }: CheckResult): string {
  if (state === 'error') return `${code ?? 'E_INTERNAL'}: ${message ?? 'no verdict'}`;
  const got = `expected ${expected}, got ${actual ?? response?.status ?? 'no answer'}`;
  return message === undefined ? got : `${got}; ${message}`;
}

/** Each reason once, with how many checks it is the reason of. */
function knownDeviations({ scenarios }: RunResult): string {
  const reasons = new Map<string, number>();
  for (const { state, known } of scenarios.flatMap(({ checks }) => checks)) {
    if (state !== 'known') continue;
    const why = known === undefined ? 'no reason given' : `${known.reason} (until ${known.until})`;
    reasons.set(why, (reasons.get(why) ?? 0) + 1);
  }
  return list(
    'Known deviations',
    [...reasons],
    ([why, count]) => `${markdownText(why)}: ${plural(count, 'check')}`,
  );
}

function flaky({ flaky: all = [], meshes, run }: RunResult): string {
  return list('Not always the same', all, ({ check, mesh, passed, runs }) => {
    const where = run.meshes === undefined ? '' : ` on ${markdownText(meshLabel(meshes, mesh).join(', '))}`;
    return `${passed} of ${runs} passed: ${markdownText(check)}${where}`;
  });
}

function findings({ findings: all }: RunResult): string {
  if (all.length === 0) return '';
  return `${plural(all.length, 'finding')}: where Istio and the documents differ, as the scenarios know. The reports list them.`;
}

function list<Item>(title: string, items: readonly Item[], line: (item: Item) => string): string {
  if (items.length === 0) return '';
  const more = items.length - most;
  return [
    `### ${title}`,
    '',
    ...items.slice(0, most).map((item) => `- ${line(item)}`),
    ...(more > 0 ? [`- … and ${more} more, in the reports`] : []),
  ].join('\n');
}
