/** The scenarios of a plan, group after group; what can be begun early is begun early, and ended whatever happens. */
import type { FetchMode, MeshFacts } from '../base/events.ts';
import { skippedForFailFast } from '../base/skip-reasons.ts';
import { nothingMatches } from '../plan/select.ts';
import type { PlannedGroup, PlannedScenario } from '../plan/types.ts';
import type { Target } from '../target/target.ts';
import { intentOf } from './intent.ts';
import { keyAddresses } from './keys/key-cache.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { withoutVerdict } from './results.ts';
import type { Mesh } from './run-mesh.ts';
import { type Prepared, runScenario, stopKeyServers } from './run-scenario.ts';
import type { RunOptions } from './step-state.ts';
import type { Tally } from './tally.ts';
import { knownNames, startKeyServers } from './template-context.ts';

/** What is needed to run scenarios on one mesh. */
export interface GroupRequest {
  readonly mesh: Mesh;
  readonly options: RunOptions;
  readonly keys: KeyRing;
  readonly failFast: boolean;
  /** Ends changes of the mesh itself, which leave it in an unknown state when they are cut off. */
  readonly signal: AbortSignal;
  /** Ends scenarios, which are undone; aborted whenever `signal` is. */
  readonly stop: AbortSignal;
}

/**
 * Runs all groups and emits what comes of them.
 *
 * @throws HarnessError E_USAGE when there is nothing to run, and what keeps a whole group from running
 */
export async function runGroups(
  groups: readonly PlannedGroup[],
  facts: MeshFacts,
  request: GroupRequest,
  tally: Tally,
): Promise<void> {
  const { mesh, signal } = request;
  const { target } = mesh;
  const all = groups.flatMap((group) => group.scenarios);
  if (all.length === 0) throw nothingMatches();
  tally.emit({
    type: 'planned',
    mesh: facts.id,
    scenarios: all.map(({ info, steps }) => ({
      info,
      checks: steps.reduce((sum, step) => sum + step.checks.length, 0),
    })),
  });
  if (!mesh.begun) await target.begin?.(intentOf(groups), signal);
  mesh.begun = true;
  // Keys take time to make and servers to start, and neither needs the mesh in a certain state.
  const begun = new Map<string, Prepared>(
    all.filter((each) => each.skip === undefined).map((each) => [each.info.id, prepare(each, request)]),
  );
  try {
    for (const { mode, group } of inOrder(groups, facts, target)) {
      await runGroup(group, mode, begun, request, tally);
    }
  } finally {
    // Left are those that did not run: nobody else ends what was begun for them.
    await Promise.all([...begun.values()].map(stopKeyServers));
  }
}

/**
 * Each group with the fetch mode that it needs, the one for the present mode first. A round before may have left the
 * mesh in another mode than it came up in, which is what groups for any mode were planned for.
 */
function inOrder(groups: readonly PlannedGroup[], facts: MeshFacts, target: Target) {
  const now = target.fetchMode();
  const isNow = ({ fetch = facts.fetch }: PlannedGroup) => fetch === now;
  const sorted = [...groups.filter(isNow), ...groups.filter((group) => !isNow(group))];
  return sorted.map((group) => ({ group, mode: isNow(group) ? group.fetch : (group.fetch ?? facts.fetch) }));
}

async function runGroup(
  group: PlannedGroup,
  mode: FetchMode | undefined,
  begun: Map<string, Prepared>,
  request: GroupRequest,
  tally: Tally,
): Promise<void> {
  const { mesh, signal, stop } = request;
  const { target, keyCache } = mesh;
  const runnable = group.scenarios.filter((each) => each.skip === undefined);
  if (stop.aborted) return;
  // In whatever mode: what a round before has left in the cache of istiod would be taken for what this one has fetched.
  const usesKeys = runnable.some((each) => keyAddresses(each).length > 0);
  const needed = mode ?? (usesKeys ? target.fetchMode() : undefined);
  if (needed !== undefined && runnable.length > 0) await keyCache.clear(needed, signal);
  await runScenarios(group, begun, request, tally);
}

async function runScenarios(
  group: PlannedGroup,
  begun: Map<string, Prepared>,
  request: GroupRequest,
  tally: Tally,
): Promise<void> {
  const { mesh, options, failFast, stop } = request;
  for (const scenario of group.scenarios) {
    if (stop.aborted) return;
    const { id } = scenario.info;
    const own = begun.get(id);
    // Begun is what is not skipped.
    if (own === undefined) skip(scenario, scenario.skip ?? '', tally);
    else if (failFast && tally.hasFailures) skip(scenario, skippedForFailFast, tally);
    else {
      const cachedKeys = await makeRoom(scenario, own, request);
      begun.delete(id);
      await runScenario(
        scenario,
        { ...own, cachedKeys },
        mesh.target,
        options,
        mesh.pending,
        (event) => tally.emit(event),
        stop,
      );
    }
  }
}

/** Sees to it that istiod has no keys of earlier scenarios for this one. @returns the addresses where it may have some */
async function makeRoom(
  scenario: PlannedScenario,
  { issuers, keyServers }: Prepared,
  { mesh: { target, keyCache }, options, signal }: GroupRequest,
): Promise<readonly string[]> {
  const addresses = keyAddresses(scenario);
  if (addresses.length === 0) return [];
  const names = async () => knownNames(await issuers, await keyServers, target, options.images);
  // What could not be prepared is reported by the scenario.
  return keyCache.use(addresses, await names().catch(() => ({})), signal);
}

function prepare(scenario: PlannedScenario, { keys, mesh, stop }: GroupRequest): Prepared {
  const issuers = keys.get(scenario);
  const keyServers = issuers.then((made) => startKeyServers(scenario, made, mesh.target, stop));
  // What goes wrong here is reported by the scenario that needs it.
  keyServers.catch(() => {});
  return { issuers, keyServers };
}

function skip(scenario: PlannedScenario, reason: string, tally: Tally): void {
  tally.emit({ type: 'scenario-started', scenario: scenario.info });
  for (const step of scenario.steps) {
    for (const check of step.checks) {
      tally.emit({
        type: 'check-finished',
        mesh: scenario.info.mesh,
        check: withoutVerdict(scenario, step, check, 'skipped', reason),
      });
    }
  }
  const { id, mesh } = scenario.info;
  tally.emit({ type: 'scenario-finished', scenario: id, mesh, durationMs: 0 });
}
