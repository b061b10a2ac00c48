/** What several runs together come to. */
import { exitCodes } from '../errors.ts';
import type { Problem } from '../events.ts';
import type { ResultFile } from './merge-meshes.ts';
import type { RunResult } from './result.ts';

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
 * that was red only for checks that are known deviations by now is not red any more.
 */
export function exitCodeOfAll(results: readonly ResultFile[], merged: Omit<RunResult, 'exitCode'>): number {
  const { counts } = merged;
  if (counts.failed > 0) return exitCodes.failed;
  const own = results.map(({ result }) => exitCodeOf(result));
  const isOpen =
    counts.error + counts.notRun > 0 || merged.scenarios.some(({ problem }) => problem !== undefined);
  return Math.max(isOpen ? exitCodes.noVerdict : exitCodes.passed, ...own);
}

/** Without its failed checks, which are judged anew. */
function exitCodeOf({ exitCode, run, failedMeshes }: RunResult): number {
  if (run.state !== 'finished' || exitCode === null) return exitCodes.noVerdict;
  if (exitCode !== exitCodes.failed) return exitCode;
  return run.problem !== undefined || failedMeshes.length > 0 ? exitCodes.noVerdict : exitCodes.passed;
}
