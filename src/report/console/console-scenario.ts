/** What the console says about a scenario: one line when all is well, and everything it takes to go on when not. */
import type { Place } from '../../base/errors.ts';
import type { CheckResult, Problem } from '../../base/events.ts';
import { type NextOptions, nextForCheck, nextForProblem } from '../next-command.ts';
import type { ScenarioResult } from '../result.ts';
import { plural } from '../text.ts';
import { failureLines } from './console-failure.ts';
import { knownLine, problemLines } from './console-lines.ts';
import type { Colors } from './terminal.ts';

export interface ScenarioOptions {
  readonly colors: Colors;
  /** Columns to cut lines to, Infinity for none. */
  readonly width: number;
  readonly readLine: (place: Place) => string | undefined;
  readonly artifacts?: string | undefined;
  readonly next: NextOptions;
  /** Whether the run waits with everything in place. */
  readonly isPaused: boolean;
}

/**
 * The checks to be told about one by one: those that failed, and for each reason why there is no verdict the first one.
 *
 * @returns them, and how many have no verdict for a reason that is told already
 */
export function toldChecks({ checks, problem }: ScenarioResult): {
  readonly told: CheckResult[];
  readonly silent: number;
} {
  const reasons: Pick<Problem, 'code' | 'message'>[] = problem === undefined ? [] : [problem];
  let silent = 0;
  const told = checks.filter(({ state, code, message }) => {
    if (state !== 'error' || code === undefined || message === undefined) {
      return state === 'failed' || state === 'error';
    }
    const isNew = !reasons.some((reason) => reason.code === code && reason.message === message);
    if (isNew) reasons.push({ code, message });
    else silent += 1;
    return isNew;
  });
  return { told, silent };
}

/** What is below the line of a scenario that did not pass; empty when it did. */
export function troubleLines(scenario: ScenarioResult, options: ScenarioOptions): string[] {
  const { problem, info } = scenario;
  const { colors, next, isPaused } = options;
  const { told, silent } = toldChecks(scenario);
  return [
    ...(problem === undefined ? [] : problemLines(problem, colors, nextForProblem(problem.code, info, next))),
    ...told.flatMap((check) =>
      failureLines(check, { ...options, next: nextForCheck(check, info, next, isPaused) }),
    ),
    ...(silent === 0
      ? []
      : [`   ${colors.yellow('!')} ${plural(silent, 'more check')} without a verdict, for the same reason`]),
  ];
}

/** A line for each failure that the baseline expects. */
export function knownLines({ checks }: ScenarioResult, colors: Colors): string[] {
  return checks.filter(({ state }) => state === 'known').map((check) => knownLine(check, colors));
}
