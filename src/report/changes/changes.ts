/** What changed from one mesh to another, or from one run to the next: check by check, by their ids. */
import { wasToRun } from '../../base/skipped.ts';
import type { MeshVerdicts, Verdict } from '../conformance/conformance-verdicts.ts';

/**
 * - worse: it passed, or failed in a known way, and fails now or has no verdict
 * - gone: it is not in the new report
 * - unrun: it passed, and did not run now because something before it went wrong
 * - better: it passes now
 * - known: it fails as the baseline file says
 * - untested: it is skipped now
 * - added: it was not in the old report, or was skipped
 * - answer: the verdict is the same and the answer is another
 * - other: neither passes, in different ways
 */
export type ChangeKind =
  | 'worse'
  | 'gone'
  | 'unrun'
  | 'better'
  | 'known'
  | 'untested'
  | 'added'
  | 'answer'
  | 'other';

export interface Change {
  readonly kind: ChangeKind;
  readonly check: string;
  readonly before?: Verdict | undefined;
  readonly after?: Verdict | undefined;
}

type Timed = NonNullable<Verdict['time']>;

export interface Changes {
  /** Checks that are in both. */
  readonly compared: number;
  /** Checks that came out the same, with the same answer. */
  readonly same: number;
  /** In the order of the new report; what is gone in the order of the old one. */
  readonly changes: readonly Change[];
  /** Checks with a limit of time on both sides. */
  readonly times: readonly { readonly check: string; readonly before: Timed; readonly after: Timed }[];
  readonly findings: { readonly added: readonly string[]; readonly gone: readonly string[] };
  /** Whether something that passed does not any more, without anybody having said that it may. */
  readonly hasRegression: boolean;
  /** Checks that came out in another way, of which nobody can say whether it is worse: a side has no verdict. */
  readonly undecided: number;
}

/** Compares two meshes. What is skipped for a reason of its own, or known to fail, is no regression. */
export function changesBetween(before: MeshVerdicts, after: MeshVerdicts): Changes {
  const ids = new Set([...after.verdicts.keys(), ...before.verdicts.keys()]);
  const changes: Change[] = [];
  let [compared, same] = [0, 0];
  for (const check of ids) {
    const [one, other] = [before.verdicts.get(check), after.verdicts.get(check)];
    if (one !== undefined && other !== undefined) compared += 1;
    const kind = kindOf(one, other);
    if (kind === undefined) same += 1;
    else changes.push({ kind, check, before: one, after: other });
  }
  return {
    compared,
    same,
    changes,
    times: timesOf(before, after),
    findings: { added: newTexts(before, after), gone: newTexts(after, before) },
    hasRegression: changes.some(isRegression),
    undecided: undecided(before, after, ids),
  };
}

function timesOf(before: MeshVerdicts, after: MeshVerdicts): Changes['times'] {
  return [...after.verdicts].flatMap(([check, { time }]) => {
    const old = before.verdicts.get(check)?.time;
    return time === undefined || old === undefined ? [] : [{ check, before: old, after: time }];
  });
}

/** What had no verdict before has become no worse by having none again; any other change from or to none is open. */
function undecided(before: MeshVerdicts, after: MeshVerdicts, ids: ReadonlySet<string>): number {
  const open = [...ids].filter((check) => {
    const [old, now] = [before.verdicts.get(check)?.state, after.verdicts.get(check)?.state];
    if (now === 'error') return old !== 'error' && old !== 'passed' && old !== 'known';
    return old === 'error' && now === 'failed';
  });
  const cutOff = new Set(before.incomplete.map(({ scenario }) => scenario));
  return after.incomplete
    .filter(({ scenario }) => !cutOff.has(scenario))
    .reduce((sum, { checks }) => sum + checks, open.length);
}

/** Whether a change is one for the worse. A check that was red before is no loss. */
export function isRegression({ kind, before }: Change): boolean {
  return kind === 'worse' || kind === 'unrun' || (kind === 'gone' && before?.state === 'passed');
}

function kindOf(before: Verdict | undefined, after: Verdict | undefined): ChangeKind | undefined {
  if (after === undefined) return 'gone';
  if (before === undefined) return 'added';
  const [old, now] = [before.state, after.state];
  if (old === now) return before.answer === after.answer ? undefined : 'answer';
  if (now === 'skipped') return old === 'passed' && wasToRun(after.reason) ? 'unrun' : 'untested';
  if (old === 'skipped') return 'added';
  if (now === 'passed') return 'better';
  if (now === 'known') return 'known';
  return old === 'passed' || old === 'known' ? 'worse' : 'other';
}

function newTexts(before: MeshVerdicts, after: MeshVerdicts): string[] {
  const known = new Set(before.findings.map(({ text }) => text));
  return after.findings.map(({ text }) => text).filter((text) => !known.has(text));
}
