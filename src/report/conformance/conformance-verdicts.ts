/** What one mesh has answered, check by check: what conformance reports hold, and what is compared. */

import {
  type CheckResult,
  type CheckState,
  idOnce,
  type MeshFacts,
  type Problem,
  settledMs,
} from '../../base/events.ts';
import { oneLine } from '../../base/harmless.ts';
import { findingsOf } from '../model-scenario.ts';
import { type Finding, meshIds, type RunResult, type ScenarioResult } from '../result.ts';
import { truncate } from '../text.ts';

export interface Verdict {
  readonly scenario: string;
  readonly step: string;
  readonly row: string;
  readonly column: string;
  /** Absent in what was read from a conformance report. */
  readonly profile?: string | undefined;
  readonly state: CheckState;
  readonly answer?: string | undefined;
  readonly expected: string;
  /** Why it is not passed. */
  readonly reason?: string | undefined;
  readonly until?: string | undefined;
  /** From the change until answers were right for good, and the limit of that; only where the scenario says one. */
  readonly time?: { readonly ms: number; readonly limitMs: number } | undefined;
}

/** A scenario of which checks have no result. */
export interface Incomplete {
  readonly scenario: string;
  readonly profile: string;
  readonly checks: number;
  readonly reason: string;
}

/** What is kept of the facts of a mesh. */
type TestedMesh = Pick<MeshFacts, 'target' | 'istio' | 'envoy' | 'kubernetes' | 'asm'> & {
  readonly fetch?: string | undefined;
};

export interface MeshVerdicts {
  readonly mesh: string;
  /** Undefined when there was no mesh. */
  readonly facts?: TestedMesh | undefined;
  readonly toolVersion: string;
  /** Of the run. */
  readonly date: string;
  readonly state: RunResult['run']['state'];
  /** What kept the mesh from being tested. */
  readonly problem?: { readonly code: string; readonly message: string } | undefined;
  /** By id, without the number of a repetition; of several the worst. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly incomplete: readonly Incomplete[];
  readonly findings: readonly Finding[];
}

/** The verdicts of every mesh of a run, in its order; of one without a name when there was none at all. */
export function meshVerdicts(result: RunResult): MeshVerdicts[] {
  const ids = meshIds(result);
  return (ids.length === 0 ? ['none'] : ids).map((id) => verdictsOf(id, result));
}

function verdictsOf(mesh: string, { run, meshes, failedMeshes, scenarios }: RunResult): MeshVerdicts {
  const own = scenarios
    .filter(({ info }) => info.mesh === mesh)
    .toSorted((a, b) => (a.info.id < b.info.id ? -1 : 1));
  const problem = failedMeshes.find((failed) => failed.mesh === mesh)?.problem ?? run.problem;
  return {
    mesh,
    facts: meshes.find(({ id }) => id === mesh),
    toolVersion: run.version,
    date: run.startedAt.slice(0, 10),
    state: run.state,
    problem: problem === undefined ? undefined : { code: problem.code, message: short(problem.message) },
    verdicts: worstOf(own.flatMap(scenarioVerdicts)),
    incomplete: incompleteOf(own, problem),
    findings: findingsOf(own.flatMap(({ info, checks }) => checks.map((check) => once(check, info)))),
  };
}

function scenarioVerdicts({ info, checks }: ScenarioResult): Verdict[] {
  return checks.map((check) => ({
    scenario: idOnce(info),
    step: check.step,
    row: check.row,
    column: check.column,
    profile: info.profile,
    state: check.state,
    expected: check.expected,
    answer: answerOf(check),
    reason: check.state === 'passed' ? undefined : reasonOf(check),
    until: check.known?.until,
    ...timeOf(check),
  }));
}

function timeOf({ convergence }: CheckResult): Pick<Verdict, 'time'> {
  if (convergence?.limitMs === undefined) return {};
  const ms = settledMs(convergence);
  return ms === undefined ? {} : { time: { ms, limitMs: convergence.limitMs } };
}

const severity: readonly CheckState[] = ['skipped', 'passed', 'known', 'error', 'failed'];

/** By id, in the order of the first repetition. */
function worstOf(verdicts: readonly Verdict[]): Map<string, Verdict> {
  const worst = new Map<string, Verdict>();
  for (const verdict of verdicts) {
    const id = checkId(verdict);
    const other = worst.get(id);
    if (other === undefined || severity.indexOf(verdict.state) > severity.indexOf(other.state)) {
      worst.set(id, verdict);
    }
  }
  return worst;
}

/** The id of a check; that of the scenario has no number of a repetition here. */
export function checkId({
  scenario,
  step,
  row,
  column,
}: Pick<Verdict, 'scenario' | 'step' | 'row' | 'column'>): string {
  return [scenario, step, row, column].join('/');
}

function incompleteOf(scenarios: readonly ScenarioResult[], problem: Problem | undefined): Incomplete[] {
  return scenarios
    .filter(({ notRun }) => notRun > 0)
    .map((scenario) => ({
      scenario: idOnce(scenario.info),
      profile: scenario.info.profile,
      checks: scenario.notRun,
      reason: short((scenario.problem ?? problem)?.message ?? 'the run ended before'),
    }));
}

/** A failure is explained by its answer; the code of a problem says what kind it is. */
function reasonOf(check: CheckResult): string {
  const { state, message, code, known, expected } = check;
  if (state === 'known') return short(known?.reason ?? 'no reason given');
  if (state === 'failed') return short(message ?? `${answerOf(check) ?? 'no answer'} instead of ${expected}`);
  const text = short(message ?? 'no reason given');
  return state === 'error' && code !== undefined ? `${code}: ${text}` : text;
}

function once(check: CheckResult, info: ScenarioResult['info']): CheckResult {
  const { step, row, column } = check;
  return { ...check, id: checkId({ scenario: idOnce(info), step, row, column }) };
}

function short(text: string): string {
  return truncate(oneLine(text), 240);
}

/** How long an answer may be in reports that are kept and compared. */
const widest = 160;

/**
 * The status code; with the body where the scenario says what the body must be, as far as it is that body or one of an
 * error. For manifests whether they were accepted, for keys who has fetched them. Without keys, addresses, names of pods
 * and how often something was fetched: two runs against the same mesh give the same.
 *
 * @returns undefined when there was no answer
 */
function answerOf(check: CheckResult): string | undefined {
  const { kind, actual, expected, response } = check;
  if (kind === 'fetched') return actual?.replace(/ \(\d+ \w+\)$/, '');
  if (kind === 'apply') return actual?.split(':')[0];
  if (response === undefined) return actual === undefined ? undefined : brief(actual);
  const { status, body } = response;
  if (status === 0) return undefined;
  // Of an answer that was not expected the body may say anything, such as the headers of the request.
  const isAsserted = /^\d+ "/.test(expected) && (expected.startsWith(`${status} `) || status >= 400);
  return isAsserted && body.trim() !== ''
    ? brief(`${status} ${JSON.stringify(body.trim())}`)
    : String(status);
}

function brief(text: string): string {
  return truncate(oneLine(text), widest);
}
