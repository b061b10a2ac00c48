/** Results of the runs of runs.ts, and variations of them. */
import type { CheckResult, Event, MeshFacts } from '../../src/base/events.ts';
import { ResultModel } from '../../src/report/model.ts';
import type { RunResult, ScenarioResult } from '../../src/report/result.ts';

export function resultOf(events: readonly Event[]): RunResult {
  const model = new ResultModel();
  for (const event of events) model.add(event);
  // As it is read from a file: without what is undefined.
  return JSON.parse(JSON.stringify(model.result()));
}

/** The result with other checks; undefined leaves one out. */
export function withChecks(
  result: RunResult,
  change: (check: CheckResult) => CheckResult | undefined,
): RunResult {
  const scenarios = result.scenarios.map((scenario) => ({
    ...scenario,
    checks: scenario.checks.map(change).filter((check) => check !== undefined),
  }));
  return { ...result, scenarios };
}

/** The result as a run on another mesh gives it. */
export function onMesh(result: RunResult, facts: Partial<MeshFacts>): RunResult {
  const meshes = result.meshes.map((mesh) => ({ ...mesh, ...facts }));
  const mesh = meshes[0]!.id;
  return {
    ...result,
    meshes,
    scenarios: result.scenarios.map((each) => ({ ...each, info: { ...each.info, mesh } })),
  };
}

/** The result of a part of the run. */
export function shardOf(result: RunResult, isIn: (scenario: ScenarioResult) => boolean): RunResult {
  const scenarios = result.scenarios.filter(isIn);
  const checks = scenarios.flatMap((scenario) => scenario.checks);
  const count = (state: CheckResult['state']) => checks.filter((check) => check.state === state).length;
  const [failed, error] = [count('failed'), count('error')];
  const counts = { passed: count('passed'), failed, error, skipped: count('skipped'), notRun: 0 };
  return { ...result, scenarios, counts, exitCode: failed > 0 ? 1 : error > 0 ? 4 : 0 };
}
