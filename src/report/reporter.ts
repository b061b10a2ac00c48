/** What all reports have in common, and how several of them hang on one event stream. */
import { asHarnessError, type HarnessError } from '../base/errors.ts';
import type { Event } from '../base/events.ts';

/** Makes a report from the events of a run. */
export interface Reporter {
  /** For messages about the reporter itself, such as "JUnit report". */
  readonly name?: string;
  /** Takes the next event. May throw: {@link combine} keeps that away from the run. */
  handle(event: Event): void;
  /** Finishes the report; called once, after the last event. */
  close(): Promise<void>;
}

/** A reporter that never throws and remembers what went wrong in the reporters behind it. */
export interface CombinedReporter extends Reporter {
  /**
   * Problems of reporters, each message once. A caller that would exit with 0 exits with 4 when there are any:
   * a CI system must not take a stale or missing report for the result of this run.
   */
  readonly problems: readonly HarnessError[];
}

/**
 * Passes every event to every reporter, in order.
 *
 * A reporter that throws gets the following events all the same, because most causes (a full disk, a folder without
 * write permission) may heal, and because its last write is the one that counts. Its first error of each kind
 * becomes one warning line.
 *
 * @param warn where warnings go, one line each without a newline
 */
export function combine(reporters: readonly Reporter[], warn: (line: string) => void): CombinedReporter {
  const problems: HarnessError[] = [];
  const remember = (reporter: Reporter, thrown: unknown): void => {
    const error = asHarnessError(thrown);
    if (problems.some((known) => known.message === error.message)) return;
    problems.push(error);
    const hint = error.hint === undefined ? '' : ` (${error.hint})`;
    warn(`warning: ${reporter.name ?? 'a report'}: ${error.message}${hint}`);
  };
  return {
    name: 'reports',
    problems,
    handle(event) {
      for (const reporter of reporters) {
        try {
          reporter.handle(event);
        } catch (thrown) {
          remember(reporter, thrown);
        }
      }
    },
    async close() {
      for (const reporter of reporters) {
        try {
          await reporter.close();
        } catch (thrown) {
          remember(reporter, thrown);
        }
      }
      if (problems.length > 0) {
        const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
        warn(`warning: ${count} while writing reports; do not rely on them for this run`);
      }
    },
  };
}
