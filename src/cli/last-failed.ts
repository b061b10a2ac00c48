/** `--last-failed`: which scenarios did not pass in the run before, by its JSON report. */
import { existsSync, readFileSync } from 'node:fs';
import { HarnessError } from '../errors.ts';
import { idOnce } from '../events.ts';
import { nameOfError } from '../names.ts';
import type { RunResult } from '../report/result.ts';

/**
 * Ids of scenarios that failed, had no verdict or did not run to their end. Known deviations have passed in this sense,
 * and skipped scenarios would be skipped again.
 *
 * @param file the JSON report, as it was before this run
 * @throws HarnessError E_USAGE when there is no such report, or it cannot be read
 */
export function lastFailed(file: string): ReadonlySet<string> {
  if (!existsSync(file)) {
    throw new HarnessError('E_USAGE', `--last-failed: there is no ${file} of an earlier run`, {
      hint: 'Run without --last-failed first, or name the report of the earlier run with --json.',
    });
  }
  const { scenarios } = read(file);
  const failed = scenarios.filter(
    ({ state, notRun }) => ['failed', 'error', 'running', 'planned'].includes(state) || notRun > 0,
  );
  return new Set(failed.map(({ info }) => idOnce(info)));
}

function read(file: string): Pick<RunResult, 'scenarios'> {
  try {
    const result = JSON.parse(readFileSync(file, 'utf8')) as Partial<RunResult>;
    if (!Array.isArray(result.scenarios)) throw new Error('it has no scenarios');
    return { scenarios: result.scenarios };
  } catch (thrown) {
    throw new HarnessError('E_USAGE', `--last-failed: ${file} is no JSON report: ${nameOfError(thrown)}`, {
      hint: 'Run without --last-failed to have a new one.',
    });
  }
}
