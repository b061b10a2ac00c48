/** Changes for people to read: what is worse first, and the verdict last. */
import { oneLine } from '../../base/harmless.ts';
import { wasToRun } from '../../base/skipped.ts';
import type { MeshVerdicts, Verdict } from '../conformance/conformance-verdicts.ts';
import type { Colors } from '../console/terminal.ts';
import { plural } from '../text.ts';
import { type Change, type ChangeKind, type Changes, isRegression } from './changes.ts';

/** The lines, without line breaks. */
export function changeLines(
  before: MeshVerdicts,
  after: MeshVerdicts,
  changes: Changes,
  colors: Colors,
): string[] {
  const { compared, same, findings, times, hasRegression, undecided } = changes;
  const of = (...kinds: ChangeKind[]) => changes.changes.filter(({ kind }) => kinds.includes(kind));
  const gone = of('gone');
  return [
    `${colors.dim('old')}  ${nameOf(before)}`,
    `${colors.dim('new')}  ${nameOf(after)}`,
    ...section('worse', of('worse'), colors.red),
    ...section('that did not run and passed before', of('unrun'), colors.red),
    ...section('gone that passed before', gone.filter(isRegression), colors.red, before, after),
    ...section(
      'gone that did not pass before',
      gone.filter((each) => !isRegression(each)),
      colors.dim,
      before,
      after,
    ),
    ...section('known to fail now', of('known'), colors.yellow),
    ...section('not tested any more', of('untested'), colors.yellow),
    ...section('red in another way', of('other'), colors.yellow),
    ...section('with another answer', of('answer'), colors.cyan),
    ...section('better', of('better'), colors.green),
    ...section('new', of('added'), colors.cyan, after, before),
    ...findingLines(
      `new ${findings.added.length === 1 ? 'finding' : 'findings'}`,
      findings.added,
      '+',
      colors,
    ),
    ...findingLines('no longer found', findings.gone, '-', colors),
    ...timeLines(times, colors),
    '',
    `${plural(compared, 'check')} compared, ${same} the same: ${
      hasRegression
        ? colors.red(plural(changes.changes.filter(isRegression).length, 'regression'))
        : undecided > 0
          ? colors.yellow(`no regression, but ${plural(undecided, 'check')} without a verdict`)
          : colors.green('no regression')
    }`,
  ];
}

function nameOf({ mesh, facts, date, toolVersion }: MeshVerdicts): string {
  if (facts === undefined) return oneLine(mesh);
  const { istio, envoy, kubernetes, asm, target, fetch } = facts;
  const parts = [
    `Istio ${istio}`,
    asm === undefined ? undefined : `ASM ${asm}`,
    envoy === undefined ? undefined : `Envoy ${envoy}`,
    kubernetes === undefined ? undefined : `Kubernetes ${kubernetes}`,
    `target ${target}`,
    fetch === undefined ? undefined : `keys fetched by ${fetch}`,
  ].filter((part) => part !== undefined);
  return oneLine(`${parts.join(', ')} (${date}, jwt-e2e ${toolVersion})`);
}

/**
 * One paragraph. Where a whole scenario is only on one side, a line says so instead of one for each check.
 *
 * @param has the side that has these checks
 * @param lacks the other side; both only for what is gone or new
 */
function section(
  title: string,
  changes: readonly Change[],
  paint: (text: string) => string,
  has?: MeshVerdicts,
  lacks?: MeshVerdicts,
): string[] {
  if (changes.length === 0) return [];
  const whole = has === undefined || lacks === undefined ? [] : wholeScenarios(changes, has, lacks);
  const others = changes.filter((change) => !whole.includes(scenarioOf(change)));
  return [
    '',
    paint(`${plural(changes.length, 'check')} ${title}`),
    ...whole.map((scenario) => {
      const count = changes.filter((change) => scenarioOf(change) === scenario).length;
      return `  the whole scenario ${oneLine(scenario)}: ${plural(count, 'check')}`;
    }),
    ...others.flatMap((change) => [
      `  ${oneLine(change.check)}`,
      `    ${answerText(change.before)} -> ${answerText(change.after, lacks, change)}${whyText(change)}`,
    ]),
  ];
}

/** Scenarios that the other side has nothing of, neither checks nor checks that did not run. */
function wholeScenarios(changes: readonly Change[], has: MeshVerdicts, lacks: MeshVerdicts): string[] {
  const known = new Set([
    ...[...lacks.verdicts.values()].map(({ scenario }) => scenario),
    ...lacks.incomplete.map(({ scenario }) => scenario),
  ]);
  const all = [...has.verdicts.values()].map(({ scenario }) => scenario);
  const concerned = new Set(changes.map(scenarioOf));
  return [...new Set(all)].filter((scenario) => concerned.has(scenario) && !known.has(scenario));
}

function scenarioOf({ before, after }: Change): string {
  return (after ?? before)?.scenario ?? '';
}

function answerText(verdict: Verdict | undefined, lacks?: MeshVerdicts, change?: Change): string {
  if (verdict === undefined) {
    const scenario = change === undefined ? undefined : scenarioOf(change);
    const didNotRun = lacks?.incomplete.some((each) => each.scenario === scenario);
    return didNotRun ? 'did not run' : 'not there';
  }
  const { state, answer } = verdict;
  const what = answer === undefined ? undefined : oneLine(answer);
  switch (state) {
    case 'passed':
      return what ?? 'passed';
    case 'skipped':
      return wasToRun(verdict.reason) ? 'did not run' : 'skipped';
    case 'error':
      return what === undefined ? 'no verdict' : `no verdict, ${what}`;
    default:
      return `${what ?? 'no answer'}, ${state === 'known' ? 'known to be wrong' : 'wrong'}`;
  }
}

/** What was expected, and why it is not passed. */
function whyText({ after }: Change): string {
  if (after === undefined || after.state === 'passed') return '';
  const { state, expected, reason } = after;
  const wanted = state === 'failed' && expected !== '' ? `expected ${oneLine(expected)}` : undefined;
  const parts = [wanted, reason === undefined ? undefined : oneLine(reason)].filter(
    (part) => part !== undefined,
  );
  return parts.length === 0 ? '' : ` (${parts.join('; ')})`;
}

/** How long it took until answers were right for good, where scenarios limit that. */
function timeLines(times: Changes['times'], colors: Colors): string[] {
  if (times.length === 0) return [];
  const text = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  return [
    '',
    colors.cyan('time from the change until the answer holds'),
    ...times.map(
      ({ check, before, after }) =>
        `  ${oneLine(check)}: ${text(before.ms)} -> ${text(after.ms)}, limit ${text(after.limitMs)}`,
    ),
  ];
}

function findingLines(title: string, texts: readonly string[], sign: string, colors: Colors): string[] {
  if (texts.length === 0) return [];
  return ['', colors.cyan(title), ...texts.map((text) => `  ${sign} ${oneLine(text)}`)];
}
