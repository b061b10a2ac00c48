/** What several runs together come to. */
import { exitCodes } from '../../base/errors.ts';
import type { Problem } from '../../base/events.ts';
import type { RunResult } from '../result.ts';
import type { ResultFile } from './merge-meshes.ts';

/** Why a run that was cut off proves nothing; undefined when it came to its end. */
export function unfinished(file: string, state: RunResult['run']['state']): Problem | undefined {
  if (state === 'finished') return undefined;
  return {
    code: 'E_INTERRUPTED',
    message: `the run ${state === 'running' ? 'did not finish' : 'was interrupted'} (${file})`,
    hint: 'Run it again; what did not run counts as no verdict.',
  };
}

/**
 * 1 when a check failed, since that is a verdict and counts most; else the worst of what kept parts from a verdict. A part
 * that was red only for checks that are known deviations by now, or for having tested nothing where others have, is not
 * red any more.
 */
export function exitCodeOfAll(results: readonly ResultFile[], merged: Omit<RunResult, 'exitCode'>): number {
  const { counts, run, failedMeshes, phases, scenarios } = merged;
  if (counts.failed > 0) return exitCodes.failed;
  const own = results.map(({ result }) => exitCodeOf(result));
  const isOpen =
    counts.error + counts.notRun > 0 ||
    [run, ...failedMeshes, ...phases, ...scenarios].some(({ problem }) => problem !== undefined);
  return Math.max(isOpen ? exitCodes.noVerdict : exitCodes.passed, ...own);
}

/** Without what is judged anew: its failed checks, and whether it has tested anything. */
function exitCodeOf({ exitCode, run, failedMeshes, scenarios }: RunResult): number {
  if (run.state !== 'finished' || exitCode === null) return exitCodes.noVerdict;
  const isFailed = exitCode === exitCodes.failed;
  if (isFailed && scenarios.some(({ checks }) => checks.some(({ state }) => state === 'failed')))
    return exitCodes.passed;
  const isUntested = [run, ...failedMeshes].some(({ problem }) => problem?.code === 'E_NOTHING_TESTED');
  if (exitCode === exitCodes.noVerdict && isUntested) return exitCodes.passed;
  return isFailed ? exitCodes.noVerdict : exitCode;
}
