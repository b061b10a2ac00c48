/** Which scenarios run with the mesh in the same state, and in which order, so that istiod restarts as rarely as it can. */
import type { FetchMode } from '../base/events.ts';
import { groupBy } from '../base/group.ts';
import { asItIs, keyOf } from './asked-mesh.ts';
import type { PlannedGroup, PlannedScenario } from './types.ts';

const modes: readonly FetchMode[] = ['istiod', 'envoy', 'hybrid'];

/**
 * Groups by variables of istiod and fetch mode, which restart it, and within them by fields of MeshConfig, which do not. First
 * come what runs in the mesh as it is, and what runs in any mode; skipped scenarios are among them, so that nothing is
 * changed only for them.
 */
export function groupsOf(scenarios: readonly PlannedScenario[], now: FetchMode): PlannedGroup[] {
  const state = ({ settings, skip }: PlannedScenario) => (skip === undefined ? settings : asItIs);
  const byVariables = groupBy(scenarios, (each) => keyOf(state(each).variables));
  const plain = keyOf(asItIs.variables);
  const inOrder = [...byVariables].sort(([a], [b]) => Number(b === plain) - Number(a === plain));
  return inOrder.flatMap(([, alike]) =>
    byMode(alike, now).flatMap(({ fetch, scenarios: own }) => {
      const byConfig = [...groupBy(own, (each) => keyOf(state(each).config))];
      const sorted = byConfig.sort(([a], [b]) => Number(b === plain) - Number(a === plain));
      return sorted.map(
        ([, group]): PlannedGroup => ({
          fetch: modeOf(group, fetch),
          settings: state(group.find(({ skip }) => skip === undefined) ?? (group[0] as PlannedScenario)),
          scenarios: group,
        }),
      );
    }),
  );
}

/** The mode that a group really needs; undefined when any will do. */
function modeOf(group: readonly PlannedScenario[], mode: FetchMode): FetchMode | undefined {
  return group.some(({ fetch, skip }) => fetch === mode && skip === undefined) ? mode : undefined;
}

function byMode(
  scenarios: readonly PlannedScenario[],
  now: FetchMode,
): { readonly fetch: FetchMode; readonly scenarios: readonly PlannedScenario[] }[] {
  const needs = ({ fetch, skip }: PlannedScenario) => (skip === undefined ? fetch : undefined) ?? now;
  return [now, ...modes.filter((mode) => mode !== now)].flatMap((fetch) => {
    const own = scenarios.filter((each) => needs(each) === fetch);
    return own.length === 0 ? [] : [{ fetch, scenarios: own }];
  });
}
