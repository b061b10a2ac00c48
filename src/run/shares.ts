/** Scenarios of one mesh, divided among several that are alike: each scenario runs on one of them. */
import type { PlannedGroup, PlannedScenario } from '../plan/types.ts';

/** How many steps are worth a mesh: they take longer than its start, which takes as much of the processors. */
const stepsWorthAMesh = 100;

/** How many steps the first mesh does while another one starts. */
const stepsMeanwhile = 25;

const stepsOf = ({ skip, steps }: PlannedScenario) => (skip === undefined ? steps.length : 0);

/**
 * Parts of about the same length, in the order of the groups, so that each mesh is in as few states as possible; the first
 * is for the mesh that is up already.
 *
 * @param atMost how many there may be @returns at least one, and no more than are worth their mesh
 */
export function sharesOf(
  groups: readonly PlannedGroup[],
  atMost: number,
): readonly (readonly PlannedGroup[])[] {
  const all = groups.flatMap(({ scenarios }) => scenarios).reduce((sum, each) => sum + stepsOf(each), 0);
  const count = Math.max(1, Math.min(atMost, Math.floor(all / stepsWorthAMesh)));
  if (count === 1) return [groups];
  const other = (all - stepsMeanwhile) / count;
  const parts: PlannedGroup[][] = Array.from({ length: count }, () => []);
  let done = 0;
  for (const group of groups) {
    const shared: PlannedScenario[][] = parts.map(() => []);
    for (const scenario of group.scenarios) {
      const steps = stepsOf(scenario);
      // Where the middle of it is.
      const index = Math.floor((done + steps / 2 - stepsMeanwhile) / other);
      shared[Math.min(Math.max(index, 0), count - 1)]?.push(scenario);
      done += steps;
    }
    for (const [index, scenarios] of shared.entries()) {
      if (scenarios.length > 0) parts[index]?.push({ ...group, scenarios });
    }
  }
  return parts;
}
