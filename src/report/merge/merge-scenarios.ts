/** The scenarios of one of several results, as they are in the merged one. */
import path from 'node:path';
import type { CheckResult, MeshFacts } from '../../base/events.ts';
import { scenarioResult } from '../model-scenario.ts';
import type { RunResult, ScenarioResult } from '../result.ts';
import type { MeshNames, ResultFile } from './merge-meshes.ts';

export interface MergeOptions {
  /**
   * The folder that evidence will be relative to. Evidence of each run is taken to be in the folder `artifacts` beside
   * its results. Undefined to leave it relative to the artifacts of its own run.
   */
  readonly artifacts?: string | undefined;
  /** What the files are relative to; default: where the program was started. */
  readonly cwd?: string | undefined;
  /** How a check is to be seen, as by a baseline. */
  readonly see?: ((check: CheckResult, facts: MeshFacts) => CheckResult) | undefined;
}

/** With the names of their meshes, evidence that can be found, and the states that follow from their checks. */
export function scenariosOf(
  { file, result }: ResultFile,
  names: MeshNames,
  options: MergeOptions,
): ScenarioResult[] {
  const { artifacts, cwd = process.cwd(), see } = options;
  const folder = path.resolve(cwd, path.dirname(file), 'artifacts');
  return result.scenarios.map((scenario) => {
    const info = { ...scenario.info, mesh: names.of(file, scenario.info.mesh) };
    const facts = result.meshes.find(({ id }) => id === scenario.info.mesh);
    const checks = scenario.checks.map((check) => {
      const seen = see === undefined || facts === undefined ? check : see(check, facts);
      const { evidence } = seen;
      if (evidence === undefined || artifacts === undefined) return seen;
      const moved = path
        .relative(path.resolve(cwd, artifacts), path.join(folder, evidence))
        .split(path.sep)
        .join('/');
      return { ...seen, evidence: moved };
    });
    return concluded({ ...scenario, info, checks }, result.run.state);
  });
}

/** The scenario with the state that follows from its checks; what was cut off has no verdict. */
function concluded(scenario: ScenarioResult, state: RunResult['run']['state']): ScenarioResult {
  const { info, durationMs, problem, startedAt, steps, checks, planned } = scenario;
  const isCutOff = scenario.state === 'planned' || scenario.state === 'running';
  const wasError = state !== 'finished' && scenario.state === 'error' && problem === undefined;
  const at = startedAt === undefined ? undefined : Date.parse(startedAt);
  const finished = {
    type: 'scenario-finished',
    at: 0,
    scenario: info.id,
    mesh: info.mesh,
    durationMs,
    problem,
  } as const;
  const entry = {
    info,
    planned,
    startedAt: at,
    finished: isCutOff || wasError ? undefined : finished,
    steps: new Map(steps.map((step) => [step.name, step])),
    checks: [...checks],
  };
  return { ...scenarioResult(entry, (at ?? 0) + durationMs, true), startedAt, durationMs };
}
