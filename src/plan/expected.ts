/** What a run will have to do, as far as that is known before there is a mesh. */
import type { LoadedScenario } from '../scenario/load.ts';
import { plan } from './plan.ts';
import type { Selection } from './select.ts';
import type { Plan } from './types.ts';

/**
 * The plan for a mesh of this version that can do everything, in the fetch mode that Istio has by default.
 *
 * @throws HarnessError E_USAGE for a shard that does not exist
 */
export function expectedPlan(
  scenarios: readonly LoadedScenario[],
  istio: string,
  selection: Selection,
): Plan {
  const facts = { id: 'expected', target: 'expected', reason: '', istio, fetch: 'istiod' } as const;
  return plan(scenarios, facts, new Map(), { ...selection, canSwitchFetch: true });
}

/** How many checks there are in it; what is skipped counts too. */
export function checksIn({ scenarios }: Pick<Plan, 'scenarios'>): number {
  return scenarios.reduce(
    (sum, { steps }) => sum + steps.reduce((checks, step) => checks + step.checks.length, 0),
    0,
  );
}
