/** What is different between the meshes of a run, check by check. */
import type { CheckResult } from '../../base/events.ts';
import type { Difference, ScenarioResult } from '../result.ts';

/**
 * Every check that has results from several meshes which are not the same: another state, or another status code, even
 * where a scenario expects another one of each version. Bodies do not count: they hold addresses and times.
 *
 * @param meshes the ids of the meshes in their order
 */
export function differencesOf(meshes: readonly string[], scenarios: readonly ScenarioResult[]): Difference[] {
  if (meshes.length < 2) return [];
  const byCheck = new Map<string, { readonly mesh: string; readonly check: CheckResult }[]>();
  for (const mesh of meshes) {
    for (const { info, checks } of scenarios) {
      if (info.mesh !== mesh) continue;
      for (const check of checks) {
        const key = JSON.stringify([info.id, check.id]);
        byCheck.set(key, [...(byCheck.get(key) ?? []), { mesh, check }]);
      }
    }
  }
  return [...byCheck.values()].flatMap((results) => {
    const answers = results.map(({ mesh, check: { state, response } }) => ({
      mesh,
      state,
      status: response?.status,
    }));
    const [first] = results;
    const isSame = answers.every(
      ({ state, status }) => state === answers[0]?.state && status === answers[0]?.status,
    );
    return first === undefined || isSame
      ? []
      : [{ scenario: first.check.scenario, check: first.check.id, answers }];
  });
}
