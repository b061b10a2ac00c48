/** What did not always come out the same when scenarios were repeated. */
import { idOnce } from '../../base/events.ts';
import type { Flaky, ScenarioResult } from '../result.ts';

/**
 * Checks that passed in some repetitions and not in others; those that were skipped do not count. The worst come first.
 *
 * @returns undefined when nothing was repeated
 */
export function flakyOf(scenarios: readonly ScenarioResult[]): Flaky[] | undefined {
  if (!scenarios.some(({ info }) => info.repeat !== undefined)) return undefined;
  const byCheck = new Map<string, { mesh: string; check: string; runs: number; passed: number }>();
  for (const { info, checks } of scenarios) {
    for (const { id, state } of checks) {
      if (state === 'skipped') continue;
      const check = `${idOnce(info)}${id.slice(info.id.length)}`;
      const key = JSON.stringify([info.mesh, check]);
      const known = byCheck.get(key) ?? { mesh: info.mesh, check, runs: 0, passed: 0 };
      known.runs += 1;
      if (state === 'passed') known.passed += 1;
      byCheck.set(key, known);
    }
  }
  return [...byCheck.values()]
    .filter(({ runs, passed }) => passed > 0 && passed < runs)
    .toSorted((one, other) => one.passed / one.runs - other.passed / other.runs);
}
