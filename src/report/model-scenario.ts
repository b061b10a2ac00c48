/** What the events say about one scenario, and the verdict that follows. */
import type { CheckResult, Event, Mutation, Problem, ScenarioInfo } from '../base/events.ts';
import {
  type Finding,
  isoTime,
  type RunResult,
  type ScenarioResult,
  type ScenarioState,
  type StepResult,
} from './result.ts';

/** Collected while the scenario runs. */
export interface ScenarioEntry {
  info: ScenarioInfo;
  planned: number;
  startedAt: number | undefined;
  finished: Extract<Event, { type: 'scenario-finished' }> | undefined;
  steps: Map<string, StepResult>;
  checks: CheckResult[];
  mutation?: Mutation | undefined;
}

/**
 * @param lastAt time of the last event, for what still runs
 * @param runFinished whether there will be no more events
 */
export function scenarioResult(entry: ScenarioEntry, lastAt: number, runFinished: boolean): ScenarioResult {
  const notRun = Math.max(0, entry.planned - entry.checks.length);
  const { startedAt, finished } = entry;
  return {
    info: entry.info,
    state: stateOf(entry, notRun, runFinished),
    startedAt: startedAt === undefined ? undefined : isoTime(startedAt),
    durationMs: finished?.durationMs ?? (startedAt === undefined ? 0 : lastAt - startedAt),
    planned: Math.max(entry.planned, entry.checks.length),
    notRun,
    problem: finished?.problem,
    steps: [...entry.steps.values()],
    checks: [...entry.checks],
    mutation: entry.mutation,
  };
}

/** A wrong answer outweighs a missing one: it is a verdict. Nothing that did not run to its end is called passed. */
function stateOf(entry: ScenarioEntry, notRun: number, runFinished: boolean): ScenarioState {
  const some = (state: CheckResult['state']): boolean => entry.checks.some((check) => check.state === state);
  if (some('failed')) return 'failed';
  if (some('error') || entry.finished?.problem !== undefined) return 'error';
  if (entry.finished === undefined) {
    if (runFinished) return 'error';
    return entry.startedAt === undefined ? 'planned' : 'running';
  }
  if (notRun > 0) return 'error';
  if (some('known')) return 'known';
  return some('passed') ? 'passed' : 'skipped';
}

/** How many checks came out in which way. */
export function countsOf(scenarios: readonly ScenarioResult[]): RunResult['counts'] {
  const checks = scenarios.flatMap((scenario) => scenario.checks);
  const count = (state: CheckResult['state']) => checks.filter((check) => check.state === state).length;
  return {
    passed: count('passed'),
    failed: count('failed'),
    known: count('known') || undefined,
    error: count('error'),
    skipped: count('skipped'),
    notRun: scenarios.reduce((sum, { notRun }) => sum + notRun, 0),
  };
}

/** Every finding once, with the checks that show it: what was seen, not what was expected to be seen. */
export function findingsOf(checks: readonly CheckResult[]): Finding[] {
  const byText = new Map<string, string[]>();
  for (const { finding, id, state } of checks) {
    if (finding === undefined || state !== 'passed') continue;
    const ids = byText.get(finding);
    if (ids === undefined) byText.set(finding, [id]);
    // Several meshes of a run show the same.
    else if (!ids.includes(id)) ids.push(id);
  }
  return [...byText].map(([text, ids]) => ({ text, checks: ids }));
}

/** Whether two problems are the same one, reported twice: by a phase, say, and at the end of the run. */
export function sameProblem(a: Problem | undefined, b: Problem | undefined): boolean {
  return a !== undefined && b !== undefined && a.code === b.code && a.message === b.message;
}
