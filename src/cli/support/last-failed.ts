/** `--last-failed`: which scenarios did not pass in the run before, by its JSON report. */
import { existsSync } from 'node:fs';
import { asHarnessError, HarnessError } from '../../base/errors.ts';
import { idOnce } from '../../base/events.ts';
import { wasToRun } from '../../base/skipped.ts';
import { readResults } from '../../report/read.ts';
import type { RunResult, ScenarioResult } from '../../report/result.ts';

/**
 * Ids of scenarios that failed, had no verdict or did not run to their end, such as those that --fail-fast left out.
 * Known deviations have passed in this sense, and what this mesh has no use for would be skipped again.
 *
 * @param file the JSON report, as it was before this run
 * @returns undefined when the report does not tell of all scenarios on all meshes: nothing is known of the others
 * @throws HarnessError E_USAGE when there is no such report, or it cannot be read
 */
export function lastFailed(file: string): ReadonlySet<string> | undefined {
  if (!existsSync(file)) {
    throw new HarnessError('E_USAGE', `--last-failed: there is no ${file} of an earlier run`, {
      hint: 'Run without --last-failed first, or name the report of the earlier run with --json.',
    });
  }
  const result = read(file);
  if (!isComplete(result)) return undefined;
  return new Set(result.scenarios.filter(hasNotPassed).map(({ info }) => idOnce(info)));
}

function hasNotPassed({ state, notRun, checks }: ScenarioResult): boolean {
  return (
    ['failed', 'error', 'running', 'planned'].includes(state) ||
    notRun > 0 ||
    checks.some((check) => check.state === 'skipped' && wasToRun(check.message))
  );
}

/** Whether every mesh had its plan; what was planned and did not run is in the report. */
function isComplete({ run, failedMeshes, scenarios }: RunResult): boolean {
  const planned = new Set(scenarios.map(({ info }) => info.mesh));
  // Where all was skipped, it is known what was skipped.
  const problems = [run.problem, ...failedMeshes.map(({ problem }) => problem)].filter(
    (problem) => problem !== undefined && problem.code !== 'E_NOTHING_TESTED',
  );
  return (
    problems.length === 0 && scenarios.length > 0 && (run.meshes ?? []).every((mesh) => planned.has(mesh))
  );
}

function read(file: string): RunResult {
  try {
    return readResults(file, { unfinished: true });
  } catch (thrown) {
    const { message } = asHarnessError(thrown);
    throw new HarnessError('E_USAGE', `--last-failed: ${message}`, {
      hint: 'Run without --last-failed to have a new report.',
      cause: thrown,
    });
  }
}
