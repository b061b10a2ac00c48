/** Running everything several times over, to see what does not always come out the same. */
import type { PlannedCheck, PlannedGroup, PlannedScenario } from './types.ts';

/**
 * The groups once for each time they run, each with ids of their own: `require-jwt#2`, and checks below it.
 *
 * @param times 1 leaves everything as it is
 */
export function repetitions(groups: readonly PlannedGroup[], times: number): (readonly PlannedGroup[])[] {
  if (times <= 1) return [groups];
  return Array.from({ length: times }, (_, index) =>
    groups.map((group) => ({
      ...group,
      scenarios: group.scenarios.map((scenario) => repetition(scenario, index + 1)),
    })),
  );
}

function repetition(scenario: PlannedScenario, repeat: number): PlannedScenario {
  const { id } = scenario.info;
  const ownId = `${id}#${repeat}`;
  const own = <Check extends PlannedCheck>(check: Check): Check => ({
    ...check,
    // Ids of checks start with that of their scenario.
    id: `${ownId}${check.id.slice(id.length)}`,
  });
  return {
    ...scenario,
    info: { ...scenario.info, id: ownId, repeat },
    steps: scenario.steps.map((step) => ({ ...step, checks: step.checks.map(own) })),
  };
}
