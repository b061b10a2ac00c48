/** The scenarios of a plan, group after group; what can be begun early is begun early, and ended whatever happens. */
import { isDeepStrictEqual } from 'node:util';
import { asHarnessError, HarnessError } from '../base/errors.ts';
import { type MeshFacts, problemOf } from '../base/events.ts';
import { skippedForFailFast } from '../base/skipped.ts';
import { areOwn } from '../plan/asked-mesh.ts';
import { nothingMatches } from '../plan/select.ts';
import type { PlannedGroup, PlannedScenario } from '../plan/types.ts';
import type { Target } from '../target/target.ts';
import type { IssuerKey, IssuerKeys } from '../token/issuer-keys.ts';
import { issuerWith } from '../token/own-key.ts';
import { intentOf } from './intent.ts';
import { keyAddresses } from './keys/key-cache.ts';
import { type KeyRing, placed } from './keys/key-ring.ts';
import { withoutVerdict } from './results.ts';
import type { Mesh } from './run-mesh.ts';
import { type Prepared, runScenario, stopKeyServers } from './run-scenario.ts';
import type { RunOptions } from './steps/step-state.ts';
import type { Tally } from './tally.ts';
import { knownNames, startKeyServers } from './template-context.ts';
import { Work } from './work.ts';

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
  /** Where other meshes take scenarios from, too. */
  readonly shared?: Work | undefined;
}

/** Tells what is going to be run on a mesh. @throws HarnessError E_USAGE when that is nothing */
export function tellPlan(groups: readonly PlannedGroup[], facts: MeshFacts, tally: Tally): void {
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
  const { ownKeyServer } = facts;
  if (ownKeyServer !== undefined && all.every(({ ownServers }) => ownServers.length === 0)) {
    tally.emit({
      type: 'warning',
      message: `no scenario takes its keys from ${ownKeyServer}: with the host of its key server filled in, its jwksUri must be this address`,
      mesh: facts.id,
    });
  }
}

/**
 * Runs all groups, or what other meshes leave of them, and emits what comes of it.
 *
 * @throws HarnessError what keeps a whole group from running
 */
export async function runGroups(
  groups: readonly PlannedGroup[],
  facts: MeshFacts,
  request: GroupRequest,
  tally: Tally,
): Promise<void> {
  const { mesh, signal, stop, shared } = request;
  const { target } = mesh;
  if (!mesh.begun) await target.begin?.(intentOf(groups), signal);
  mesh.begun = true;
  // Keys take time to make and servers to start, and neither needs the mesh in a certain state.
  const ahead = shared === undefined ? groups.flatMap(({ scenarios }) => scenarios) : [];
  const begun = new Map<string, Prepared>(
    ahead.filter((each) => each.skip === undefined).map((each) => [each.info.id, prepare(each, request)]),
  );
  const work = shared ?? new Work(inOrder(groups, facts, target), mesh);
  try {
    for (let group = work.next(mesh); group !== undefined && !stop.aborted; group = work.next(mesh))
      await runGroup(group, facts, begun, work, request, tally);
  } finally {
    // Left are those that did not run: nobody else ends what was begun for them.
    await Promise.all([...begun.values()].map(stopKeyServers));
  }
}

/** Those for the present mode first: a round before may have left the mesh in another one than it came up in. */
export function inOrder(groups: readonly PlannedGroup[], facts: MeshFacts, target: Target): PlannedGroup[] {
  const now = target.fetchMode();
  const isNow = ({ fetch = facts.fetch, settings: { variables } }: PlannedGroup) =>
    fetch === now && Object.keys(variables).length === 0;
  return [...groups.filter(isNow), ...groups.filter((group) => !isNow(group))];
}

async function runGroup(
  group: PlannedGroup,
  facts: MeshFacts,
  begun: Map<string, Prepared>,
  work: Work,
  request: GroupRequest,
  tally: Tally,
): Promise<void> {
  const { mesh, signal } = request;
  const { target, keyCache } = mesh;
  const runnable = work.left(group).filter((each) => each.skip === undefined);
  // In whatever mode: what a round before has left in the cache of istiod would be taken for what this one has fetched.
  const usesKeys = runnable.some((each) => keyAddresses(each).length > 0);
  const { config, variables } = group.settings;
  const isOther = !isDeepStrictEqual(variables, keyCache.variables);
  // Groups for any mode were planned for the one in which the mesh came up.
  const isLeft = target.fetchMode() !== facts.fetch;
  const fetch = group.fetch ?? (usesKeys || isOther || isLeft ? facts.fetch : undefined);
  try {
    if (fetch !== undefined && runnable.length > 0) await keyCache.clear({ fetch, variables }, signal);
    if (runnable.length > 0) await mesh.configure(config, signal);
  } catch (thrown) {
    // What only these scenarios ask for is no reason to give up the others.
    if (signal.aborted || !areOwn(group.settings)) throw thrown;
    const error = asHarnessError(thrown);
    for (const each of work.takeAll(group))
      without(each, each.skip ?? placed(error, each.settingsPlace), tally);
    return;
  }
  await runScenarios(group, begun, work, request, tally);
}

async function runScenarios(
  group: PlannedGroup,
  begun: Map<string, Prepared>,
  work: Work,
  request: GroupRequest,
  tally: Tally,
): Promise<void> {
  const { mesh, options, failFast, stop } = request;
  while (!stop.aborted) {
    const scenario = work.take(group);
    if (scenario === undefined) return;
    const { id } = scenario.info;
    if (scenario.skip !== undefined) without(scenario, scenario.skip, tally);
    else if (failFast && tally.hasFailures) without(scenario, skippedForFailFast, tally);
    else {
      const own = begun.get(id) ?? prepare(scenario, request);
      begun.set(id, own);
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
  const setsServers = scenario.steps.some(
    ({ after, set }) => after !== undefined || Object.keys(set).length > 0,
  );
  return keyCache.use(addresses, await names().catch(() => ({})), signal, setsServers);
}

function prepare(scenario: PlannedScenario, { keys, mesh, options, stop }: GroupRequest): Prepared {
  const issuers = keys.get(scenario).then((made) => withOwnKey(made, scenario, options.ownKey));
  const keyServers = issuers.then((made) => startKeyServers(scenario, made, mesh.target, stop));
  // What goes wrong here is reported by the scenario that needs it.
  keyServers.catch(() => {});
  return { issuers, keyServers };
}

/** The keys of a scenario, with this one in place of those of each issuer whose keys a server of the user's own serves. */
export function withOwnKey(
  issuers: ReadonlyMap<string, IssuerKeys>,
  { ownServers, keyServers }: PlannedScenario,
  key: IssuerKey | undefined,
): ReadonlyMap<string, IssuerKeys> {
  const served = new Set(ownServers.map((name) => keyServers[name]?.serves));
  if (served.size === 0) return issuers;
  if (key === undefined) throw new HarnessError('E_INTERNAL', 'there is no key for the server of the user');
  return new Map(
    [...issuers].map(([name, made]) => [name, served.has(name) ? issuerWith(key, name, made.issuer) : made]),
  );
}

/** Tells of a scenario that does not run: it is skipped, or an error keeps it from that. */
function without(scenario: PlannedScenario, why: HarnessError | string, tally: Tally): void {
  const state = typeof why === 'string' ? 'skipped' : 'error';
  tally.emit({ type: 'scenario-started', scenario: scenario.info });
  for (const step of scenario.steps) {
    for (const check of step.checks) {
      tally.emit({
        type: 'check-finished',
        mesh: scenario.info.mesh,
        check: withoutVerdict(scenario, step, check, state, why),
      });
    }
  }
  const { id, mesh } = scenario.info;
  const problem = typeof why === 'string' ? undefined : problemOf(why);
  tally.emit({ type: 'scenario-finished', scenario: id, mesh, durationMs: 0, problem });
}
