/** Which scenarios and checks are wanted: profile, tags, text, and a share of all. */
import { HarnessError } from '../base/errors.ts';
import type { Shard } from '../base/events.ts';
import type { LoadedScenario } from '../scenario/load.ts';
import type { PlannedScenario, PlannedStep } from './types.ts';

export interface Selection {
  /** Part of a name, title, step name or check id; capitals do not matter. */
  readonly grep?: string | undefined;
  /** Scenarios with at least one of these tags. */
  readonly tags?: readonly string[] | undefined;
  /** Not those with one of these tags. */
  readonly skipTags?: readonly string[] | undefined;
  /** Name of a profile, or "all". */
  readonly profile?: string | undefined;
  /** Only scenarios with these ids. */
  readonly only?: ReadonlySet<string> | undefined;
  /** Whether the mesh is only looked at; undefined where there is none, so that it does not matter. */
  readonly isLive?: boolean | undefined;
  /** Only this share of the scenarios. */
  readonly shard?: Shard | undefined;
}

/** Whether a scenario is wanted by its profile and tags. */
export function isWanted(scenario: Pick<LoadedScenario, 'profile' | 'tags'>, selection: Selection): boolean {
  const { profile = 'all', tags = [], skipTags = [] } = selection;
  if (profile !== 'all' && profile !== scenario.profile) return false;
  if (skipTags.some((tag) => scenario.tags.includes(tag))) return false;
  return tags.length === 0 || tags.some((tag) => scenario.tags.includes(tag));
}

/** What to throw when a selection leaves nothing. */
export function nothingMatches(): HarnessError {
  return new HarnessError('E_USAGE', 'no scenario matches what was asked for', {
    hint: 'See what there is with "jwt-e2e list"; check --grep, --tag, --skip-tag, --profile and --shard.',
  });
}

/** What to throw when there are more shards than scenarios. @param scenarios how many there are to share */
export function emptyShard({ index, count }: Shard, scenarios: number): HarnessError {
  const all = scenarios === 1 ? 'there is one scenario' : `there are ${scenarios} scenarios`;
  return new HarnessError('E_USAGE', `shard ${index}/${count} is empty: ${all} to share`, {
    hint: `Use at most ${scenarios === 1 ? 'one shard' : `${scenarios} shards`}.`,
  });
}

/**
 * The part of a scenario that `grep` asks for: all of it when its name or title matches, else the steps and checks that
 * do. Steps before keep what they apply, because later steps build on it; those after the last wanted check are left out.
 *
 * @returns undefined when nothing matches
 */
export function grepScenario(
  scenario: PlannedScenario,
  grep: string | undefined,
): PlannedScenario | undefined {
  if (grep === undefined) return scenario;
  const matches = (text: string) => text.toLowerCase().includes(grep.toLowerCase());
  if (matches(scenario.info.id) || matches(scenario.info.title)) return scenario;
  const steps = scenario.steps.map((step) =>
    matches(step.name)
      ? { step, wanted: true }
      : { step: grepStep(step, matches), wanted: step.checks.some(({ id }) => matches(id)) },
  );
  const last = steps.findLastIndex(({ wanted }) => wanted);
  return last === -1 ? undefined : { ...scenario, steps: steps.slice(0, last + 1).map(({ step }) => step) };
}

/** A step with those of its checks whose ids are wanted; it applies what it applied, as far as that can still be. */
export function grepStep(step: PlannedStep, matches: (text: string) => boolean): PlannedStep {
  const wanted = step.checks.filter(({ id }) => matches(id));
  // What is rejected gives its other checks their proof.
  const checks =
    wanted.length === 0
      ? []
      : step.checks.filter((check) => wanted.includes(check) || check.kind === 'rejected');
  // What is to be refused changes nothing, and without its check nobody expects the refusal.
  const refused = step.checks.some(
    (check) => check.kind === 'rejected' || (check.kind === 'apply' && check.refused !== undefined),
  );
  const isChecked = checks.some(({ kind }) => kind === 'apply' || kind === 'rejected');
  return { ...step, checks, apply: refused && !isChecked ? [] : step.apply };
}

/**
 * The scenarios of one share, in their order. Every scenario is in exactly one share, and which one depends only on what
 * there is to share; the shares have about the same number of checks.
 *
 * @throws HarnessError `E_USAGE` for a share that does not exist
 */
export function takeShard(
  scenarios: readonly PlannedScenario[],
  shard: Selection['shard'],
): PlannedScenario[] {
  if (shard === undefined) return [...scenarios];
  const { index, count } = shard;
  if (![index, count].every(Number.isInteger) || index < 1 || index > count) {
    throw new HarnessError('E_USAGE', `there is no shard ${index}/${count}`, {
      hint: 'Write --shard 1/3 for the first of three; the first number starts at 1.',
    });
  }
  const weights = new Map(scenarios.map((scenario) => [scenario, checkCount(scenario)]));
  // The largest first, each to the share that has least so far: simple, and never far from the best.
  const bySize = scenarios.toSorted(
    (a, b) => weights.get(b)! - weights.get(a)! || (a.info.id < b.info.id ? -1 : 1),
  );
  // Shares beyond the last scenario get nothing, however many there are.
  const loads = Array.from({ length: Math.min(count, scenarios.length) }, () => 0);
  const mine = new Set<PlannedScenario>();
  for (const scenario of bySize) {
    const lightest = loads.indexOf(Math.min(...loads));
    loads[lightest]! += Math.max(1, weights.get(scenario)!);
    if (lightest === index - 1) mine.add(scenario);
  }
  return scenarios.filter((scenario) => mine.has(scenario));
}

/** How many checks a scenario has. */
export function checkCount(scenario: Pick<PlannedScenario, 'steps'>): number {
  return scenario.steps.reduce((sum, { checks }) => sum + checks.length, 0);
}
