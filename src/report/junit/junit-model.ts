/**
 * What the JUnit report says, before it is XML. One suite per scenario, one case per check. Whatever kept checks from
 * running becomes a case with an error, so that no report of an incomplete run is green.
 */

import { meshLabel, type RunResult, type ScenarioResult } from '../result.ts';
import { plural } from '../text.ts';
import { checkCase, onMesh } from './junit-case.ts';
import { scenarioProperties } from './junit-properties.ts';
import { setupSuite } from './junit-setup.ts';
import type { JUnitCase, JUnitSuite } from './junit-xml.ts';

/** @param artifacts folder that `evidence` of a check is relative to, as it is to be shown */
export function junitSuites(result: RunResult, artifacts?: string): JUnitSuite[] {
  const scenarios = result.scenarios.map((scenario) => scenarioSuite(result, scenario, artifacts));
  const setup = setupSuite(result, scenarios);
  return setup === undefined ? scenarios : [setup, ...scenarios];
}

function scenarioSuite(result: RunResult, scenario: ScenarioResult, artifacts?: string): JUnitSuite {
  const { info } = scenario;
  const mesh = result.meshes.find(({ id }) => id === info.mesh);
  const label = meshLabel(result.meshes, info.mesh);
  const classname = [...label, info.id].join('.');
  const meshName = result.run.meshes === undefined ? undefined : label.join(' / ');
  const cases = scenario.checks.map((check) => checkCase(check, classname, { mesh: meshName, artifacts }));
  if (scenario.notRun > 0) cases.push(notRunCase(result, scenario, classname, meshName));
  const output = scenario.steps.flatMap((step) => [
    ...step.objects.map((object) => `${step.name}: applied ${object}`),
    ...step.warnings.map((warning) => `${step.name}: warning: ${warning}`),
    ...(step.heldMs === undefined
      ? []
      : [`${step.name}: held after ${step.heldMs} ms${step.proof === undefined ? '' : `, ${step.proof}`}`]),
  ]);
  return {
    name: [...label, info.id].join(' / '),
    startedAt: scenario.startedAt ?? result.run.startedAt,
    durationMs: scenario.durationMs,
    properties: scenarioProperties(result, scenario, mesh),
    cases,
    output: output.length === 0 ? undefined : output.join('\n'),
  };
}

function notRunCase(
  result: RunResult,
  scenario: ScenarioResult,
  classname: string,
  mesh: string | undefined,
): JUnitCase {
  const name = `${plural(scenario.notRun, 'check')} did not run`;
  const { type, message } = whyNotRun(result, scenario);
  const text = onMesh(mesh, `${name} of ${scenario.planned} planned: ${message}`);
  return {
    classname,
    name,
    durationMs: 0,
    place: scenario.info.place,
    outcome: { kind: 'error', type, message: text, text },
  };
}

function whyNotRun(result: RunResult, scenario: ScenarioResult): { type: string; message: string } {
  const { run } = result;
  if (scenario.problem !== undefined) {
    return { type: scenario.problem.code, message: scenario.problem.message };
  }
  if (run.state === 'running') return { type: 'aborted', message: 'the run did not finish' };
  if (run.state === 'interrupted') return { type: 'interrupted', message: 'the run was interrupted' };
  const { mesh } = scenario.info;
  const ofMesh = result.failedMeshes.find((failed) => failed.mesh === mesh)?.problem;
  const problem =
    ofMesh ??
    run.problem ??
    result.phases.find((phase) => phase.problem !== undefined && (phase.mesh ?? mesh) === mesh)?.problem;
  if (problem !== undefined) return { type: problem.code, message: problem.message };
  return { type: 'not-run', message: 'the run ended before' };
}
