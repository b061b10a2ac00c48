/** Check results out of what happened. */
import type { HarnessError } from '../base/errors.ts';
import type { CheckResult, CheckState } from '../base/events.ts';
import type { PlannedCheck, PlannedScenario, PlannedStep } from '../plan/types.ts';
import { describeExpected } from './answers/compare.ts';

/** What every result of a check has, whatever came of it. */
export function resultBase(scenario: PlannedScenario, step: PlannedStep, check: PlannedCheck) {
  return {
    id: check.id,
    // For reports it is about what is applied.
    kind: check.kind === 'rejected' ? 'apply' : check.kind,
    scenario: scenario.info.id,
    fetch: scenario.info.fetch,
    step: step.name,
    row: check.row,
    column: check.column,
    source: step.source,
    place: check.place,
    expected: expectedOf(check),
    finding: check.finding,
  } satisfies Partial<CheckResult>;
}

function expectedOf(check: PlannedCheck): string {
  if (check.kind === 'request') return describeExpected(check.asWritten ?? check.expected);
  if (check.kind === 'rejected') return `rejected by a proxy: ${check.reason}`;
  if (check.kind === 'apply') return check.refused === undefined ? 'accepted' : `refused: ${check.refused}`;
  return `keys fetched by ${check.by}`;
}

/** A check without a verdict, or one that was not run. */
export function withoutVerdict(
  scenario: PlannedScenario,
  step: PlannedStep,
  check: PlannedCheck,
  state: Extract<CheckState, 'error' | 'skipped'>,
  why: HarnessError | string,
): CheckResult {
  const base = resultBase(scenario, step, check);
  if (typeof why === 'string') return { ...base, state, message: why, durationMs: 0 };
  const { message, hint, code } = why;
  return { ...base, state, message, hint, code, durationMs: 0 };
}
