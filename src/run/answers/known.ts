/** Known deviations: checks that may fail until a certain day, each for a reason. Pure: no files, no clock. */
import { formatPlace, type Place } from '../../base/errors.ts';
import type { CheckResult, FetchMode, MeshFacts } from '../../base/events.ts';
import { isLike } from '../../base/glob.ts';
import { inRange } from '../../plan/version-ranges.ts';

/** An entry of the baseline file; what is not given holds always. */
export interface BaselineEntry {
  /** The id of a check, in which `*` stands for any text. */
  readonly check: string;
  /** Semver range of the Istio version. */
  readonly istio?: string | undefined;
  readonly target?: readonly string[] | undefined;
  readonly fetch?: readonly FetchMode[] | undefined;
  /** What the mesh answers instead: the status code, or the whole answer as reports show it, with `*` for any text. */
  readonly answer?: number | string | undefined;
  readonly reason: string;
  /** The last day on which it holds, such as 2027-01-31. */
  readonly until: string;
  /** Where the entry stands in its file. */
  readonly place: Place;
}

export interface Baseline {
  readonly entries: readonly BaselineEntry[];
  /** Whether the run is about all scenarios: then an entry for a scenario that is not in it is a mistake. */
  readonly isWhole?: boolean | undefined;
}

/**
 * The check as the baseline sees it: one that failed as an entry says becomes `known`. No verdict is never known: nobody
 * can say what the mesh would have answered. Neither is an answer that came although the configuration was rejected. After its last day an entry only adds a hint, as does one for another answer.
 *
 * @param today such as 2026-11-25, in UTC
 */
export function applyBaseline(
  check: CheckResult,
  facts: MeshFacts,
  { entries }: Baseline,
  today: string,
): CheckResult {
  // A code says that the answer is not that of the policy: a proxy has rejected it.
  if (check.state !== 'failed' || check.code !== undefined) return check;
  const about = entries.filter((entry) => covers(entry, check, facts));
  const holding = about.find((entry) => today <= entry.until && isAnswer(entry, check));
  if (holding !== undefined) {
    return { ...check, state: 'known', known: { reason: holding.reason, until: holding.until } };
  }
  const [near] = about;
  if (near === undefined) return check;
  const at = formatPlace(near.place);
  const hint = isAnswer(near, check)
    ? `This was known until ${near.until} (${at}): ${near.reason}. Mend it, or give the entry another day.`
    : `Another answer is known (${at}): ${near.answer}.`;
  return { ...check, hint: check.hint === undefined ? hint : `${check.hint} ${hint}` };
}

/** Whether an entry is about a check on this mesh, whatever came of it. */
export function covers(entry: BaselineEntry, check: CheckResult, facts: MeshFacts): boolean {
  const { fetch = facts.fetch } = check;
  return (
    isLike(idOf(check), entry.check) &&
    fits(entry, facts) &&
    (entry.fetch === undefined || entry.fetch.includes(fetch))
  );
}

/** Whether an entry is about meshes such as this one. */
export function fits({ istio, target }: BaselineEntry, facts: MeshFacts): boolean {
  return (
    (istio === undefined || inRange(facts.istio, istio)) &&
    (target === undefined || target.includes(facts.target))
  );
}

/** Whether an entry is about a scenario with this id, judged by what stands before the first slash. */
export function isAboutScenario({ check }: BaselineEntry, scenario: string): boolean {
  const [name = ''] = check.split('/');
  return isLike(withoutRepeat(scenario), name) || (name.includes('*') && check.split('/').length === 1);
}

function isAnswer({ answer }: BaselineEntry, { actual, response }: CheckResult): boolean {
  if (answer === undefined) return true;
  if (typeof answer === 'number') return response?.status === answer;
  return actual !== undefined && isLike(actual, answer);
}

/** Without the number of the repetition: what is known is known every time. */
function idOf({ id, scenario }: CheckResult): string {
  // Results of others may have any id.
  return id.startsWith(`${scenario}/`) ? withoutRepeat(scenario) + id.slice(scenario.length) : id;
}

function withoutRepeat(scenario: string): string {
  return scenario.replace(/#\d+$/, '');
}
