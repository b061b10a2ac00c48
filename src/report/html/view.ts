/** The result as the page shows it: scenarios once, with what each mesh made of them side by side. */
import type { CheckResult, ScenarioInfo } from '../../base/events.ts';
import { groupBy } from '../../base/group.ts';
import type { RunResult, ScenarioResult } from '../result.ts';
import { Anchors } from './anchors.ts';
import { policiesOf } from './check/policies.ts';
import type { Look } from './glyphs.ts';
import { type Matrix, matrixOf, type Shown, type StepPart } from './matrix-view.ts';
import { type MeshColumn, meshColumns } from './summary/meshes.ts';

/** A page with more checks is brief about those that passed, and about all but the first of the others. */
export const inFull = { checks: 1_000, troubles: 200 };

export interface StepView {
  readonly name: string;
  readonly anchor: string;
  readonly parts: readonly StepPart[];
  /** Requests: tokens or paths down, columns across. */
  readonly requests: Matrix | undefined;
  /** Whether manifests were accepted, and who fetched keys. */
  readonly others: Matrix | undefined;
}

export interface ScenarioView {
  readonly info: ScenarioInfo;
  readonly anchor: string;
  readonly state: Look;
  /** One for each mesh; undefined where the scenario was not planned. */
  readonly results: readonly (ScenarioResult | undefined)[];
  readonly steps: readonly StepView[];
}

export interface View {
  readonly result: RunResult;
  readonly meshes: readonly MeshColumn[];
  readonly scenarios: readonly ScenarioView[];
  /** All checks in the order of the page. */
  readonly checks: readonly Shown[];
}

export function viewOf(result: RunResult): View {
  const meshes = meshColumns(result);
  const anchors = new Anchors();
  const changed = new Set(result.differences.map(({ scenario, check }) => JSON.stringify([scenario, check])));
  const isLarge = result.scenarios.reduce((sum, run) => sum + run.checks.length, 0) > inFull.checks;
  let troubles = 0;
  const isBrief = ({ state }: CheckResult) => {
    if (!isLarge) return false;
    return (state !== 'failed' && state !== 'error') || ++troubles > inFull.troubles;
  };
  const byId = groupBy(result.scenarios, ({ info }) => info.id);
  const scenarios = [...byId].map(([id, runs]): ScenarioView => {
    const results = meshes.map((mesh) => runs.find(({ info }) => info.mesh === mesh.id));
    const info = runs[0]!.info;
    const names = new Set(
      runs.flatMap(({ steps, checks }) => [
        ...steps.map(({ name }) => name),
        ...checks.map(({ step }) => step),
      ]),
    );
    const policies = results.map((run) => policiesOf(run?.steps ?? [], anchors));
    const steps = [...names].map((name): StepView => {
      const parts = meshes.map((mesh, index): StepPart => {
        const run = results[index];
        const checks = (run?.checks ?? []).filter(({ step }) => step === name);
        return {
          mesh,
          result: run?.steps.find((step) => step.name === name),
          ...(policies[index]?.get(name) ?? { policies: [], inForce: [], isUnknown: false }),
          checks: checks.map((check) => ({
            check,
            mesh,
            anchor: anchors.make('check', ...(meshes.length > 1 ? [mesh.id] : []), check.id),
            changed: changed.has(JSON.stringify([id, check.id])),
            isBrief: isBrief(check),
          })),
        };
      });
      const isUnfinished = results.map((run) => run !== undefined && run.notRun > 0);
      return {
        name,
        anchor: anchors.make('step', id, name),
        parts,
        requests: matrixOf(parts, isUnfinished, ({ kind }) => kind === 'request'),
        others: matrixOf(parts, isUnfinished, ({ kind }) => kind !== 'request'),
      };
    });
    return { info, anchor: anchors.make('scenario', id), state: worst(runs), results, steps };
  });
  const checks = scenarios.flatMap(({ steps }) =>
    steps.flatMap(({ parts }) => parts.flatMap((part) => part.checks)),
  );
  return { result, meshes, scenarios, checks };
}

const order: readonly Look[] = ['failed', 'error', 'running', 'planned', 'known', 'passed', 'skipped'];

function worst(runs: readonly ScenarioResult[]): Look {
  const states = runs.flatMap(({ state, checks }): Look[] =>
    checks.some((check) => check.state === 'known') ? [state, 'known'] : [state],
  );
  return order.find((state) => states.includes(state)) ?? 'skipped';
}
