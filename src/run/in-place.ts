/** What a scenario has in place at a step, and where in its file it stands. */
import type { Place } from '../base/errors.ts';
import { nameOfKey } from '../base/names.ts';
import type { PlannedStep } from '../plan/types.ts';
import { nameOf } from '../policy/selection.ts';
import { resolve } from '../scenario/template.ts';
import type { KubeObject } from '../target/target.ts';
import type { StepState } from './steps/step-state.ts';

type Known = Pick<StepState, 'scenario' | 'context'>;

/** Every object that the scenario has applied up to this step and not deleted again. */
export function inPlace(step: PlannedStep, state: Known): KubeObject[] {
  return [...placed(step, state).values()].map(({ object }) => object);
}

/** Where the object was applied last, up to this step. */
export function placeOf(object: KubeObject, step: PlannedStep, state: Known): Place | undefined {
  return placed(step, state).get(nameOf(object))?.place;
}

/** Names of objects that are meant to hold for nobody: the step that applied them last says so. */
export function meantIdle(step: PlannedStep, state: Known): Set<string> {
  return new Set(
    [...placed(step, state)].filter(([, { step: of }]) => of.selectsNothing).map(([name]) => name),
  );
}

/** The same as `inPlace`, with where in the file each object was applied last, and by which step. */
export function placedObjects(step: PlannedStep, state: Known): PlacedObject[] {
  return [...placed(step, state).values()];
}

export interface PlacedObject {
  readonly object: KubeObject;
  readonly place: Place;
  readonly step: PlannedStep;
}

function placed(step: PlannedStep, { scenario, context }: Known): Map<string, PlacedObject> {
  const objects = new Map<string, PlacedObject>();
  for (const each of scenario.steps.slice(0, scenario.steps.indexOf(step) + 1)) {
    for (const ref of each.delete) objects.delete(nameOfKey(ref));
    for (const { manifest, place } of each.apply) {
      const object = resolve(manifest, context.names, place);
      objects.set(nameOf(object), { object, place, step: each });
    }
  }
  return objects;
}
