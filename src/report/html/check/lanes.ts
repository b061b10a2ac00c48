/** What the timeline of a step shows: a lane for each check that got a wrong answer, one for all others. */
import type { CheckResult } from '../../../base/events.ts';
import { isSettled } from '../../convergence-text.ts';
import { plural } from '../../text.ts';
import { span } from '../glyphs.ts';
import type { Shown, StepPart } from '../matrix-view.ts';

/** Times are milliseconds since the change. */
export interface Lane {
  readonly label: string;
  /** What the lane shows, in words. */
  readonly words: string;
  readonly look: 'passed' | 'failed' | 'known' | 'error' | 'skipped';
  /** Until then answers were wrong. */
  readonly wrongUntil: number | undefined;
  /** From then on they were right; absent when they never were. */
  readonly rightFrom: number | undefined;
  readonly anchor: string | undefined;
}

export interface Lanes {
  readonly lanes: readonly Lane[];
  /** When every proxy had the configuration. */
  readonly heldMs: number | undefined;
  /** The longest time until the last wrong answer, among checks that got their answer in the end. */
  readonly windowMs: number | undefined;
  /** How many answers were wrong in that time. */
  readonly stale: number;
  /** How long the picture must be. */
  readonly endMs: number;
}

/** Undefined for a step that changed nothing, or of which no time is known. */
export function lanesOf({ result, checks }: StepPart): Lanes | undefined {
  if (result === undefined || result.objects.length === 0) return undefined;
  const timed = checks.filter(({ check }) => check.convergence !== undefined);
  if (timed.length === 0) return undefined;
  const clean = timed.filter((each) => !hasWrong(each) && firstRight(each) !== undefined);
  const lanes = timed.filter((each) => !clean.includes(each)).map(laneOf);
  const settled = timed.filter(
    ({ check }) => check.convergence?.firstRightMs !== undefined && !isInTurns(check),
  );
  const windows = settled.flatMap(({ check }) => check.convergence?.lastWrongMs ?? []);
  const times = [
    result.heldMs ?? 0,
    ...settled.flatMap(({ check }) => [
      check.convergence?.firstRightMs ?? 0,
      check.convergence?.lastWrongMs ?? 0,
    ]),
  ];
  return {
    lanes: clean.length === 0 ? lanes : [...lanes, together(clean)],
    heldMs: result.heldMs,
    windowMs: windows.length === 0 ? undefined : Math.max(...windows),
    stale: settled.reduce((sum, { check }) => sum + (check.convergence?.stale ?? 0), 0),
    endMs: Math.max(50, ...times) * 1.12,
  };
}

function hasWrong({ check: { convergence } }: Shown): boolean {
  return convergence?.lastWrongMs !== undefined || (convergence?.stale ?? 0) > 0;
}

function firstRight({ check }: Shown): number | undefined {
  return check.convergence?.firstRightMs;
}

/** Right and wrong, and not right in the end: there is no time from which it is. */
function isInTurns({ state, convergence }: CheckResult): boolean {
  return state !== 'passed' && convergence !== undefined && !isSettled(convergence);
}

function laneOf({ check, anchor }: Shown): Lane {
  const { firstRightMs, lastWrongMs, stale = 0 } = check.convergence ?? {};
  const wrong =
    lastWrongMs === undefined ? '' : `${plural(stale, 'wrong answer')} until ${span(lastWrongMs)}`;
  const isRight = firstRightMs !== undefined && !isInTurns(check);
  const first =
    firstRightMs === undefined ? 'never right' : `right at ${span(firstRightMs)}, but not to the end`;
  const right = isRight ? `right from ${span(Math.max(firstRightMs, lastWrongMs ?? 0))}` : first;
  return {
    label: `${check.row} › ${check.column}`,
    words: [wrong, right].filter((part) => part !== '').join(', '),
    look: check.state,
    wrongUntil: lastWrongMs,
    // Right, wrong and right again: it counts from when it stays right.
    rightFrom: isRight ? Math.max(firstRightMs, lastWrongMs ?? 0) : undefined,
    anchor,
  };
}

function together(clean: readonly Shown[]): Lane {
  const times = clean.map((each) => firstRight(each) ?? 0);
  const from = Math.min(...times);
  return {
    label:
      clean.length === 1
        ? `${clean[0]?.check.row} › ${clean[0]?.check.column}`
        : `${plural(clean.length, 'check')}`,
    words: `no wrong answer, right from ${span(from)}`,
    look: 'passed',
    wrongUntil: undefined,
    rightFrom: from,
    anchor: clean.length === 1 ? clean[0]?.anchor : undefined,
  };
}
