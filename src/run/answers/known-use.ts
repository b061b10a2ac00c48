/** Applies the baseline to a run, and says at its end which entries were of no use. */
import type { Place } from '../../base/errors.ts';
import type { CheckResult, CheckState, MeshFacts } from '../../base/events.ts';
import { applyBaseline, type Baseline, type BaselineEntry, covers, fits, isAboutScenario } from './known.ts';

/** Something about an entry that people should look at. */
export interface Remark {
  readonly message: string;
  readonly place: Place;
}

export class KnownDeviations {
  readonly #baseline: Baseline;
  readonly #today: string;
  readonly #states = new Map<BaselineEntry, Set<CheckState>>();
  readonly #meshes = new Set<MeshFacts>();
  readonly #scenarios = new Set<string>();

  /** @param today such as 2026-11-25; default: today in UTC */
  constructor(baseline: Baseline, today: string = new Date().toISOString().slice(0, 10)) {
    this.#baseline = baseline;
    this.#today = today;
  }

  /** The check as the baseline sees it; see {@link applyBaseline}. */
  apply(check: CheckResult, facts: MeshFacts): CheckResult {
    const seen = applyBaseline(check, facts, this.#baseline, this.#today);
    this.#meshes.add(facts);
    this.#scenarios.add(check.scenario);
    for (const entry of this.#baseline.entries) {
      if (!covers(entry, check, facts)) continue;
      const states = this.#states.get(entry) ?? new Set();
      this.#states.set(entry, states.add(seen.state));
    }
    return seen;
  }

  /**
   * Entries that can go: their checks pass, or there is no such check. Nothing is said about entries for other meshes, or
   * for scenarios that this run leaves out.
   */
  remarks(): Remark[] {
    return this.#baseline.entries.flatMap((entry) => {
      const message = this.#remark(entry);
      return message === undefined ? [] : [{ message, place: entry.place }];
    });
  }

  #remark(entry: BaselineEntry): string | undefined {
    const states = this.#states.get(entry);
    if (states !== undefined) {
      const passes = states.has('passed') && ![...states].some((state) => isBad(state));
      return passes
        ? `known deviation "${entry.check}" is gone: its checks pass; remove the entry`
        : undefined;
    }
    if (![...this.#meshes].some((facts) => fits(entry, facts))) return undefined;
    const isRun = [...this.#scenarios].some((scenario) => isAboutScenario(entry, scenario));
    // A mode of fetching keys may not have been run.
    if (entry.fetch !== undefined) return undefined;
    return isRun || this.#baseline.isWhole === true
      ? `known deviation "${entry.check}" matches no check; mend its id or remove the entry`
      : undefined;
  }
}

/** A check without a verdict says nothing about its entry, and so does one that failed in another way. */
function isBad(state: CheckState): boolean {
  return state === 'failed' || state === 'known' || state === 'error';
}
