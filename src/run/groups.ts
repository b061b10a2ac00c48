/** The scenarios of a plan, group after group; what can be begun early is begun early, and ended whatever happens. */
import { HarnessError } from '../errors.ts';
import { type Counts, type Emit, type MeshFacts, stamped } from '../events.ts';
import type { PlannedGroup, PlannedScenario } from '../plan/types.ts';
import type { Target } from '../target/target.ts';
import { timeouts } from '../timeouts.ts';
import { within } from '../wait.ts';
import { filledIn, objectsAhead } from './ahead.ts';
import { knownNames, startKeyServers } from './context.ts';
import { intentOf } from './intent.ts';
import { withoutVerdict } from './results.ts';
import type { RunRequest } from './run.ts';
import { type Prepared, runScenario, stopKeyServers } from './scenario.ts';

/** What was begun for a scenario that has not run yet. */
interface Begun extends Prepared {
  /** Workloads that its first step will apply. */
  ahead: Promise<void> | undefined;
}

/**
 * Runs all groups and emits what comes of them.
 *
 * @param counts of the checks so far, for failFast
 * @throws HarnessError E_USAGE when there is nothing to run, and what keeps a whole group from running
 */
export async function runGroups(
  groups: readonly PlannedGroup[],
  facts: MeshFacts,
  request: RunRequest,
  tell: Emit,
  counts: Counts,
): Promise<void> {
  const { target, signal } = request;
  const all = groups.flatMap((group) => group.scenarios);
  if (all.length === 0) {
    throw new HarnessError('E_USAGE', 'no scenario matches what was asked for', {
      hint: 'See what there is with "jwt-e2e list"; check --grep, --tag, --skip-tag, --profile and --shard.',
    });
  }
  stamped(tell)({
    type: 'planned',
    mesh: facts.id,
    scenarios: all.map(({ info, steps }) => ({
      info,
      checks: steps.reduce((sum, step) => sum + step.checks.length, 0),
    })),
  });
  await target.begin?.(intentOf(groups), signal);
  // Keys take time to make and servers to start, and neither needs the mesh in a certain state.
  const begun = new Map<string, Begun>(
    all.filter((each) => each.skip === undefined).map((each) => [each.info.id, prepare(each, request)]),
  );
  try {
    for (const group of groups) await runGroup(group, all, begun, request, tell, counts);
  } finally {
    // Left are those that did not run: nobody else ends what was begun for them.
    await Promise.all([...begun].map(([id, each]) => abandon(id, each, target)));
  }
}

async function runGroup(
  group: PlannedGroup,
  all: readonly PlannedScenario[],
  begun: Map<string, Begun>,
  request: RunRequest,
  tell: Emit,
  counts: Counts,
): Promise<void> {
  const { target, options, failFast, signal } = request;
  const runnable = group.scenarios.filter((each) => each.skip === undefined);
  if (signal.aborted) return;
  if (group.fetch !== undefined && runnable.length > 0) await target.setFetchMode(group.fetch, signal);
  for (const each of runnable) {
    const own = begun.get(each.info.id);
    if (own !== undefined) own.ahead = startAhead(each, all, own, request);
  }
  for (const scenario of group.scenarios) {
    if (signal.aborted) return;
    const { id } = scenario.info;
    const own = begun.get(id);
    if (scenario.skip !== undefined || own === undefined) skip(scenario, scenario.skip ?? '', tell);
    else if (failFast && counts.failed + counts.error > 0)
      skip(scenario, 'an earlier scenario failed (--fail-fast)', tell);
    else {
      await own.ahead;
      begun.delete(id);
      await runScenario(scenario, own, target, options, stamped(tell), signal);
    }
  }
}

function prepare(scenario: PlannedScenario, { keys, target, signal }: RunRequest): Begun {
  const issuers = keys.get(scenario);
  const keyServers = issuers.then((made) => startKeyServers(scenario, made, target, signal));
  // What goes wrong here is reported by the scenario that needs it.
  keyServers.catch(() => {});
  return { issuers, keyServers, ahead: undefined };
}

/** Begins what later scenarios of the group will wait for. What goes wrong is seen when its step applies it. */
function startAhead(
  scenario: PlannedScenario,
  all: readonly PlannedScenario[],
  prepared: Prepared,
  request: RunRequest,
): Promise<void> | undefined {
  const objects = objectsAhead(scenario, all);
  return objects.length === 0 ? undefined : applyAhead(objects, scenario, prepared, request);
}

async function applyAhead(
  objects: ReturnType<typeof objectsAhead>,
  scenario: PlannedScenario,
  prepared: Prepared,
  { target, options, signal }: RunRequest,
): Promise<void> {
  try {
    await target.prepare(scenario.apps, signal);
    const names = await knownNames(await prepared.issuers, await prepared.keyServers, target, options.images);
    await target.apply(filledIn(objects, names, scenario), scenario.info.id, signal);
  } catch {
    // The step applies the same again, and reports it.
  }
}

/** Ends what was begun for a scenario that did not run; never throws. */
async function abandon(id: string, { ahead, ...prepared }: Begun, target: Target): Promise<void> {
  await stopKeyServers(prepared);
  if (ahead === undefined) return;
  await ahead;
  const limit = within(timeouts.undo, new AbortController().signal, `undoing scenario ${id}`);
  await target.undo(id, limit.signal).catch(() => {});
  limit.done();
}

function skip(scenario: PlannedScenario, reason: string, tell: Emit): void {
  const emit = stamped(tell);
  emit({ type: 'scenario-started', scenario: scenario.info });
  for (const step of scenario.steps) {
    for (const check of step.checks) {
      emit({
        type: 'check-finished',
        mesh: scenario.info.mesh,
        check: withoutVerdict(scenario, step, check, 'skipped', reason),
      });
    }
  }
  emit({ type: 'scenario-finished', scenario: scenario.info.id, mesh: scenario.info.mesh, durationMs: 0 });
}
