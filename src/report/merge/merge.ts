/** One result out of several: parts of one run, and runs on other meshes, side by side. */

import { exitCodes, HarnessError } from '../../base/errors.ts';
import { type Problem, problemOf } from '../../base/events.ts';
import { distinct } from '../../base/group.ts';
import { nothingTested } from '../../base/skipped.ts';
import { differencesOf } from '../changes/differences.ts';
import { countsOf, findingsOf, sameProblem } from '../model-scenario.ts';
import type { RunResult, ScenarioResult } from '../result.ts';
import { unprovenOf } from '../unproven.ts';
import { idsOf, type MeshNames, meshNames, type ResultFile } from './merge-meshes.ts';
import { type MergeOptions, scenariosOf } from './merge-scenarios.ts';
import { type MeshProblem, missingShards } from './merge-shards.ts';

/**
 * Merges results, in their order. What ran on equal meshes becomes one mesh; others get ids of their own.
 *
 * @throws HarnessError E_USAGE when a scenario is there twice on the same mesh, since nobody can say which counts
 */
export function mergeResults(results: readonly ResultFile[], options: MergeOptions = {}): RunResult {
  const names = meshNames(results);
  const scenarios = results
    .flatMap((each) => scenariosOf(each, names, options))
    .toSorted((a, b) => names.all.indexOf(a.info.mesh) - names.all.indexOf(b.info.mesh));
  refuseTwice(results, names);
  const checks = scenarios.flatMap((scenario) => scenario.checks);
  const isSeveral = names.all.length > 1 || results.some(({ result }) => result.run.meshes !== undefined);
  const parts = results.flatMap((each) => problemsOf(each, names));
  const missing = missingShards(results, names);
  const problems = [...missing, ...parts, ...untested(names.all, scenarios, [...missing, ...parts])];
  const facts = names.facts.toSorted((a, b) => names.all.indexOf(a.id) - names.all.indexOf(b.id));
  const merged = {
    schemaVersion: 1,
    run: {
      ...runOf(results),
      meshes: isSeveral ? names.all : undefined,
      problem: isSeveral ? undefined : problems[0]?.problem,
    },
    meshes: facts,
    failedMeshes: isSeveral ? problems : problems.slice(1),
    phases: results.flatMap(({ file, result }) =>
      result.phases.map((phase) => ({ ...phase, mesh: nameIn(file, result, phase.mesh, names, isSeveral) })),
    ),
    scenarios,
    counts: countsOf(scenarios),
    findings: findingsOf(checks),
    unproven: unprovenOf(checks),
    differences: differencesOf(
      facts.map(({ id }) => id),
      scenarios,
    ),
    flaky: flakyOf(results, names),
    warnings: distinct(
      results.flatMap(({ file, result }) =>
        result.warnings.map((each) => ({ ...each, mesh: nameIn(file, result, each.mesh, names, isSeveral) })),
      ),
    ),
    exitCode: null,
  } satisfies RunResult;
  return { ...merged, exitCode: exitCodeOfAll(results, merged) };
}

/** Runs of parts go on at the same time on machines of their own: what is added up is the time that they took. */
function runOf(results: readonly ResultFile[]): Omit<RunResult['run'], 'meshes' | 'problem'> {
  const runs = results.map(({ result }) => result.run);
  const isAnyFinished = runs.some(({ state }) => state === 'finished');
  return {
    id: [...new Set(runs.map(({ id }) => id))].join('+'),
    version: [...new Set(runs.map(({ version }) => version))].join(', '),
    startedAt: runs.map(({ startedAt }) => startedAt).toSorted()[0] ?? new Date(0).toISOString(),
    durationMs: runs.reduce((sum, { durationMs }) => sum + durationMs, 0),
    state: isAnyFinished ? 'finished' : 'interrupted',
  };
}

/** What kept meshes from being tested, with their names. Whether anything was tested is to be said of all parts together. */
function problemsOf({ file, result }: ResultFile, names: MeshNames): MeshProblem[] {
  const { run, failedMeshes } = result;
  const own = failedMeshes.map(({ mesh, problem }) => ({ mesh: names.of(file, mesh), problem }));
  const problem = run.problem ?? unfinished(file, run.state);
  const all =
    problem === undefined || own.some((each) => sameProblem(each.problem, problem))
      ? own
      : [...own, ...idsOf(file, result).map((id) => ({ mesh: names.of(file, id), problem }))];
  return all.filter((each) => each.problem.code !== 'E_NOTHING_TESTED');
}

/** Meshes that no part has found anything out about, and of which nothing says why. */
function untested(
  meshes: readonly string[],
  scenarios: readonly ScenarioResult[],
  problems: readonly MeshProblem[],
): MeshProblem[] {
  return meshes.flatMap((mesh) => {
    const own = scenarios.filter(({ info }) => info.mesh === mesh);
    const checks = own.flatMap((scenario) => scenario.checks);
    const isTold =
      problems.some((each) => each.mesh === mesh) ||
      own.some(({ problem, notRun }) => problem !== undefined || notRun > 0) ||
      checks.some(({ state }) => state !== 'skipped');
    if (isTold) return [];
    return [
      { mesh, problem: problemOf(nothingTested(checks.map(({ message = 'no reason given' }) => message))) },
    ];
  });
}

function nameIn(
  file: string,
  result: RunResult,
  mesh: string | undefined,
  names: MeshNames,
  isSeveral: boolean,
): string | undefined {
  if (mesh !== undefined) return names.of(file, mesh);
  const ids = idsOf(file, result);
  return isSeveral && ids.length === 1 ? names.of(file, ids[0]!) : undefined;
}

function flakyOf(results: readonly ResultFile[], names: MeshNames): RunResult['flaky'] {
  const all = results.flatMap(({ file, result }) =>
    (result.flaky ?? []).map((each) => ({ ...each, mesh: names.of(file, each.mesh) })),
  );
  return results.some(({ result }) => result.flaky !== undefined) ? all : undefined;
}

function refuseTwice(results: readonly ResultFile[], names: MeshNames): void {
  const seen = new Map<string, string>();
  for (const { file, result } of results) {
    for (const { info } of result.scenarios) {
      const mesh = names.of(file, info.mesh);
      const key = JSON.stringify([mesh, info.id]);
      const other = seen.get(key);
      seen.set(key, file);
      if (other === undefined) continue;
      throw new HarnessError(
        'E_USAGE',
        `scenario ${info.id} on mesh "${mesh}" is in ${other} and in ${file}`,
        {
          hint: 'These are two runs of the same: leave one of them out. "jwt-e2e diff" compares them.',
        },
      );
    }
  }
}

/** Why a run that was cut off proves nothing; undefined when it came to its end. */
function unfinished(file: string, state: RunResult['run']['state']): Problem | undefined {
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
function exitCodeOfAll(results: readonly ResultFile[], merged: Omit<RunResult, 'exitCode'>): number {
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
