/** What the console says about a scenario: one line when all is well, and everything it takes to go on when not. */
import type { Place } from '../../base/errors.ts';
import { byCause, isToldBy, type SameCause } from '../cause.ts';
import { type NextOptions, nextForCheck, nextForProblem } from '../next-command.ts';
import type { ScenarioResult } from '../result.ts';
import { plural } from '../text.ts';
import { failureLines, sameCauseLines } from './console-failure.ts';
import { knownLine, problemLines } from './console-lines.ts';
import type { Colors } from './terminal.ts';

export interface ScenarioOptions {
  readonly colors: Colors;
  /** Columns to break lines at, Infinity for none. */
  readonly width: number;
  readonly readLine: (place: Place) => string | undefined;
  readonly artifacts?: string | undefined;
  readonly next: NextOptions;
  /** When the run waits with everything in place: lines to paste, by the ids of checks. */
  readonly requests?: Readonly<Record<string, string>> | undefined;
}

/** What is to be told of the checks of a scenario that did not pass. */
export interface Told {
  /** Each cause once. */
  readonly causes: readonly SameCause[];
  /** Have no verdict for the reason that the whole scenario has none, which is told anyway. */
  readonly silent: number;
}

export function toldChecks({ checks, problem }: ScenarioResult): Told {
  const untold = checks.filter((check) => !isToldBy(check, problem));
  return { causes: byCause(untold), silent: checks.length - untold.length };
}

/**
 * What is below the line of a scenario that did not pass; empty when it did.
 *
 * @param before causes that were told with an earlier scenario
 */
export function troubleLines(
  scenario: ScenarioResult,
  options: ScenarioOptions,
  before: ReadonlySet<string> = new Set(),
): string[] {
  const { problem, info } = scenario;
  const { colors, next, requests } = options;
  const { causes, silent } = toldChecks(scenario);
  return [
    ...(problem === undefined
      ? []
      : problemLines(problem, colors, nextForProblem(problem.code, info, next), next.program)),
    ...causes.flatMap(({ key, first, others }) =>
      before.has(key) && requests === undefined
        ? sameCauseLines([first, ...others], options, true)
        : [
            ...failureLines(first, {
              ...options,
              next: nextForCheck(first, info, next, requests),
              program: next.program,
            }),
            ...sameCauseLines(others, options, false),
          ],
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
