/** All checks that a scenario may have, whatever the mesh: what can be listed before there is one. */
import type { Place } from '../base/errors.ts';
import type { MeshFacts } from '../base/events.ts';
import type { LoadedScenario } from '../scenario/load.ts';
import { checkId, checkNames } from '../scenario/table.ts';
import { whyNot } from './conditions.ts';
import { isWanted, type Selection } from './select.ts';
import type { PlannedScenario } from './types.ts';
import { type Variant, variantsOf } from './variants.ts';

interface ListedCheck {
  /** As in the events of a run: `scenario/step/row/column`. */
  readonly id: string;
  readonly row: string;
  readonly column: string;
  readonly place: Place;
}

interface ListedStep {
  readonly name: string;
  readonly place: Place;
  readonly checks: readonly ListedCheck[];
}

/** A scenario in one of the fetch modes in which it runs. */
export interface Listed extends Variant {
  readonly steps: readonly ListedStep[];
}

export function inventory(scenario: LoadedScenario): Listed[] {
  return variantsOf(scenario).map(({ id, fetch }) => {
    const steps = scenario.steps.map((step, index) => ({
      name: step.name,
      place: scenario.place(['steps', index, 'name']),
      checks: checkNames(step, ['steps', index]).map((name) => ({
        id: checkId(id, step.name, name),
        row: name.row,
        column: name.column,
        place: scenario.place(name.path),
      })),
    }));
    return { id, fetch, steps };
  });
}

/**
 * How many scenarios, in how many fetch modes, a selection leaves to be shared among the shards: what is known before
 * there is a mesh. It may still have no use for the steps that `grep` asks for.
 */
export function countMatching(scenarios: readonly LoadedScenario[], selection: Selection): number {
  const { grep = '', only } = selection;
  const matches = (text: string) => text.toLowerCase().includes(grep.toLowerCase());
  return scenarios
    .filter((scenario) => isWanted(scenario, selection))
    .flatMap((scenario) => inventory(scenario).map((listed) => ({ title: scenario.title, ...listed })))
    .filter(({ id }) => only?.has(id) ?? true)
    .filter(({ id, title, steps }) =>
      [id, title, ...steps.flatMap(({ name, checks }) => [name, ...checks.map((check) => check.id)])].some(
        matches,
      ),
    ).length;
}

/**
 * Why checks of a scenario are not in a plan, by their ids: a plan has no steps that are for other meshes.
 *
 * @param otherwise the reason when the mesh is none
 */
export function whyLeftOut(
  scenario: LoadedScenario,
  planned: readonly PlannedScenario[],
  facts: MeshFacts,
  otherwise: string,
): Record<string, string> {
  const known = new Set(
    planned.flatMap(({ steps }) => steps.flatMap(({ checks }) => checks.map(({ id }) => id))),
  );
  const reasons = inventory(scenario).flatMap(({ fetch = facts.fetch, steps }) =>
    steps.flatMap(({ checks }, index) => {
      const reason = whyNot(scenario.steps[index]?.when, { facts, fetch }) ?? otherwise;
      return checks.flatMap(({ id }) => (known.has(id) ? [] : [[id, reason] as const]));
    }),
  );
  return Object.fromEntries(reasons);
}
