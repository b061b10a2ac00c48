/** The JUnit suite for what is no verdict about a check: setup, scenarios that broke off, the run itself. */
import { formatPlace, type Place } from '../../base/errors.ts';
import type { Problem } from '../../base/events.ts';
import { sameProblem } from '../model-scenario.ts';
import { meshLabel, type RunResult } from '../result.ts';
import { plural } from '../text.ts';
import { meshProperties, runProperties } from './junit-properties.ts';
import type { JUnitCase, JUnitSuite } from './junit-xml.ts';

/** Undefined when there is nothing to tell. `scenarios` are the other suites of the report. */
export function setupSuite(result: RunResult, scenarios: readonly JUnitSuite[]): JUnitSuite | undefined {
  const { run } = result;
  const several = run.meshes !== undefined;
  const only = result.meshes.length === 1 && !several ? result.meshes[0] : undefined;
  const label = only === undefined ? [] : meshLabel(result.meshes, only.id);
  // The last part must not be the name of a file: action-junit-report looks for one that is called so.
  const classname = [...label, 'jwt-e2e-setup'].join('.');
  const problemCase = (name: string, problem: Problem, durationMs: number, place?: Place): JUnitCase => ({
    classname,
    name,
    durationMs,
    place: problem.place ?? place,
    outcome: { kind: 'error', type: problem.code, message: problem.message, text: problemText(problem) },
  });
  const cases: JUnitCase[] = [];
  // With several meshes the same phases and scenarios are there several times.
  const named = (name: string, mesh: string | undefined) =>
    several && mesh !== undefined ? [...meshLabel(result.meshes, mesh), name].join(' / ') : name;
  for (const { phase, mesh, problem, durationMs } of result.phases) {
    if (problem !== undefined) cases.push(problemCase(named(phase, mesh), problem, durationMs));
  }
  for (const { mesh, problem } of result.failedMeshes) {
    const isToldByPhase = result.phases.some(
      (phase) => phase.mesh === mesh && sameProblem(phase.problem, problem),
    );
    const others = cases.filter(({ name }) => name.startsWith(named('mesh', mesh))).length;
    const count = others === 0 ? '' : ` (${others + 1})`;
    if (!isToldByPhase) cases.push(problemCase(`${named('mesh', mesh)}${count}`, problem, 0));
  }
  for (const { info, problem, durationMs } of result.scenarios) {
    if (problem !== undefined)
      cases.push(problemCase(named(`scenario ${info.id}`, info.mesh), problem, durationMs, info.place));
  }
  const reported = [...result.phases, ...result.scenarios].some(({ problem }) =>
    sameProblem(problem, run.problem),
  );
  if (run.problem !== undefined && !reported) cases.push(problemCase('run', run.problem, run.durationMs));
  const ending = endingCase(result, classname, [...scenarios.flatMap((suite) => suite.cases), ...cases]);
  if (ending !== undefined) cases.push(ending);
  if (cases.length === 0) return undefined;
  return {
    name: [...label, 'setup'].join(' / '),
    startedAt: run.startedAt,
    durationMs: result.phases.reduce((sum, phase) => sum + phase.durationMs, 0),
    properties: [...runProperties(result), ...(only === undefined ? [] : meshProperties(only))],
    cases,
  };
}

/** Says that the run did not come to its end, or that it failed for a reason that no other case shows. */
function endingCase(
  { run, exitCode, counts }: RunResult,
  classname: string,
  others: readonly JUnitCase[],
): JUnitCase | undefined {
  const ending = (type: string, text: string): JUnitCase => ({
    classname,
    name: 'run',
    durationMs: run.durationMs,
    outcome: { kind: 'error', type, message: text, text },
  });
  if (run.state === 'running') return ending('aborted', 'the run did not finish');
  if (run.state === 'interrupted') {
    return ending('interrupted', `the run was interrupted; ${plural(counts.notRun, 'check')} did not run`);
  }
  const red = others.some(({ outcome }) => outcome !== undefined && outcome.kind !== 'skipped');
  return exitCode === 0 || red ? undefined : ending('exit-code', `the run ended with exit code ${exitCode}`);
}

function problemText(problem: Problem): string {
  return [
    `${problem.code}: ${problem.message}`,
    problem.hint === undefined ? undefined : `hint: ${problem.hint}`,
    problem.place === undefined ? undefined : `at: ${formatPlace(problem.place)}`,
    problem.details?.trim(),
  ]
    .filter((line) => line !== undefined)
    .join('\n');
}
