import { grepStep } from '../plan/select.ts';
import type { PlannedGroup, PlannedScenario } from '../plan/types.ts';

/**
 * The part of a plan that is needed for some checks: steps before them keep what they apply, since later steps build on
 * it; steps behind the last of them are left out.
 *
 * @param wanted ids of checks
 */
export function pickChecks(groups: readonly PlannedGroup[], wanted: ReadonlySet<string>): PlannedGroup[] {
  return groups
    .map((group) => ({ ...group, scenarios: group.scenarios.flatMap((each) => pick(each, wanted)) }))
    .filter(({ scenarios }) => scenarios.length > 0);
}

function pick(scenario: PlannedScenario, wanted: ReadonlySet<string>): PlannedScenario[] {
  const last = scenario.steps.findLastIndex(({ checks }) => checks.some(({ id }) => wanted.has(id)));
  if (last === -1) return [];
  const steps = scenario.steps.slice(0, last + 1).map((step) => grepStep(step, (id) => wanted.has(id)));
  return [{ ...scenario, steps }];
}
