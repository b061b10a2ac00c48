/** Starts workloads that a scenario will apply in its first step while others still run: a pod takes seconds. */
import type { PlannedScenario } from '../plan/types.ts';
import type { Manifest } from '../scenario/schema.ts';
import { resolve } from '../scenario/template.ts';
import type { KubeObject } from '../target/target.ts';

const inert = new Set(['ConfigMap', 'Secret', 'Service', 'Deployment', 'ServiceAccount']);

/**
 * What can be applied ahead: the first step's objects, when none of them decides about requests and no other scenario
 * applies or deletes anything of the same name.
 */
export function objectsAhead(scenario: PlannedScenario, all: readonly PlannedScenario[]): Manifest[] {
  const objects = (scenario.steps[0]?.apply ?? []).map(({ manifest }) => manifest);
  const others = new Set(all.filter((each) => each !== scenario).flatMap(touched));
  const fits = (object: Manifest) => inert.has(object.kind) && !others.has(nameOf(object));
  const startsPods = objects.some(({ kind }) => kind === 'Deployment');
  return startsPods && scenario.steps[0]?.delete.length === 0 && objects.every(fits) ? objects : [];
}

function touched(scenario: PlannedScenario): string[] {
  return scenario.steps.flatMap((step) => [
    ...step.apply.map(({ manifest }) => nameOf(manifest)),
    ...step.delete.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`),
  ]);
}

function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}

/** The objects with their templates filled in. @throws HarnessError E_TEMPLATE */
export function filledIn(
  objects: readonly Manifest[],
  names: Readonly<Record<string, unknown>>,
  scenario: PlannedScenario,
): KubeObject[] {
  return objects.map((object) => resolve(object, names, scenario.info.place) as unknown as KubeObject);
}
