/** The whole run: meshes up, plan, groups of scenarios, meshes down. Everything it does is told as events. */
import { asHarnessError, HarnessError } from '../base/errors.ts';
import type { Emit, MeshFacts, Shard, Unstamped } from '../base/events.ts';
import { together } from '../base/wait.ts';
import type { PlannedCheck, PlannedGroup, PlannedScenario } from '../plan/types.ts';
import type { CapabilityName, Target } from '../target/target.ts';
import type { Baseline } from './answers/known.ts';
import { KnownDeviations } from './answers/known-use.ts';
import { type GroupRequest, inOrder, runGroups, tellPlan } from './groups.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { withoutTokens } from './private.ts';
import { Mesh, meshesOf } from './run-mesh.ts';
import type { RunOptions } from './steps/step-state.ts';
import { Tally } from './tally.ts';
import { meshesWorth, Work } from './work.ts';

/** What scenarios are run, and how. */
export interface RoundRequest {
  readonly version: string;
  /** Makes the plan, once it is known what the mesh is. */
  readonly plan: (facts: MeshFacts, missing: ReadonlyMap<CapabilityName, string>) => readonly PlannedGroup[];
  readonly options: RunOptions;
  /** One for all meshes: keys take long to make, and each mesh has key servers of its own. */
  readonly keys: KeyRing;
  readonly failFast: boolean;
  /** What may fail, until a certain day and for a reason. */
  readonly baseline?: Baseline | undefined;
  /** Which part of a run it is; undefined for a whole one. */
  readonly shard?: Shard | undefined;
  /** How many times every scenario runs; default 1. */
  readonly repeat?: number | undefined;
  readonly emit: Emit;
  /** Aborted on SIGINT, SIGTERM or SIGHUP; the reason has the exit code. */
  readonly signal: AbortSignal;
  /** Ends the scenarios early, but not what sets up a mesh: the next round goes on with it. */
  readonly cut?: AbortSignal | undefined;
  /**
   * Called when the scenarios of a mesh have run: what there is to say about them besides, and what is to run besides.
   * Default: nothing.
   */
  readonly conclude?:
    | ((
        planned: readonly PlannedGroup[],
        emit: (event: Unstamped) => void,
      ) => Promise<readonly PlannedGroup[]>)
    | undefined;
  /** Says among how many meshes alike the scenarios of one may be divided. Default: they are not. */
  readonly sharing?: (() => number) | undefined;
  /** Applications whose manifests have changed since the round before. */
  readonly reload?: readonly string[] | undefined;
}

export interface RunRequest extends RoundRequest {
  readonly targets: readonly Target[];
  /** How many meshes are up at a time. */
  readonly atOnce: number;
}

/** Runs everything on all targets and returns the exit code. What fails on one does not stop the others. Never throws. */
export async function runAll(request: RunRequest): Promise<number> {
  const meshes = meshesOf(request.targets);
  return asRun(meshes, request, async (tally) => {
    await together(
      meshes,
      async (mesh) => {
        if (!isWanted(mesh, request, tally)) return;
        await runOn(mesh, request, tally);
        const error = await mesh.end();
        if (error !== undefined) tally.failed(mesh, error, request.signal.aborted);
      },
      new AbortController().signal,
      request.atOnce,
    );
  });
}

/**
 * Runs scenarios on meshes that stay up, setting up those that are not. The events are those of a whole run.
 *
 * @returns the exit code; never throws
 */
export async function runRound(meshes: readonly Mesh[], request: RoundRequest): Promise<number> {
  return asRun(meshes, request, async (tally) => {
    await Promise.all(meshes.map((mesh) => runOn(mesh, request, tally)));
  });
}

/** From run-started to run-finished. */
async function asRun(
  meshes: readonly Mesh[],
  request: RoundRequest,
  work: (tally: Tally) => Promise<void>,
): Promise<number> {
  const started = performance.now();
  const { options, version, signal, cut, baseline, shard } = request;
  const tally = new Tally(
    withoutTokens(request.emit, options.showTokens),
    baseline && new KnownDeviations(baseline),
  );
  const labels = meshes.flatMap(({ label }) => label ?? []);
  tally.emit({
    type: 'run-started',
    runId: options.runId,
    version,
    meshes: labels.length > 0 ? labels : undefined,
    shard,
  });
  await work(tally);
  return tally.finish(meshes, {
    durationMs: Math.round(performance.now() - started),
    cutOff: [signal, cut].find((each) => each?.aborted),
    shard,
  });
}

/** Whether there is still something to do on a mesh whose turn comes late. */
function isWanted(mesh: Mesh, { failFast, signal }: RoundRequest, tally: Tally): boolean {
  if (mesh.label === undefined) return true;
  if (failFast && tally.hasFailures) {
    const message = 'nothing was tested: a scenario failed on another mesh (--fail-fast)';
    tally.failed(mesh, new HarnessError('E_NOTHING_TESTED', message), signal.aborted);
    return false;
  }
  return !signal.aborted;
}

async function runOn(mesh: Mesh, request: RoundRequest, tally: Tally): Promise<void> {
  const { target } = mesh;
  const { signal, cut, reload = [] } = request;
  const stop = cut === undefined ? signal : AbortSignal.any([signal, cut]);
  /** Those that share the scenarios. */
  const others: Mesh[] = [];
  try {
    if (reload.length > 0 && mesh.facts !== undefined) await target.reload?.(reload, signal);
    const facts = await mesh.ready((event) => tally.emit(event), signal);
    const groups = request.plan(facts, target.missing);
    const options = { ...request.options, meshFolder: mesh.folder, envoy: facts.envoy };
    const rounds = repetitions(groups, request.repeat ?? 1);
    const own = { ...request, options, mesh, stop };
    for (const each of rounds) {
      if (stop.aborted || (request.failFast && tally.hasFailures)) break;
      tellPlan(each, facts, tally);
      await runShared(each, facts, own, tally, others);
    }
    if (stop.aborted || request.conclude === undefined) return;
    const more = await request.conclude(rounds[0] ?? [], (event) => tally.emit(event));
    if (more.length === 0) return;
    tellPlan(more, facts, tally);
    await runGroups(more, facts, own, tally);
  } catch (thrown) {
    tally.failed(mesh, thrown, stop.aborted);
  } finally {
    const errors = await Promise.all(others.map((each) => each.end()));
    for (const error of errors) if (error !== undefined) tally.failed(mesh, error, stop.aborted);
  }
}

/**
 * Runs them on this mesh, and on others like it, which are set up when they are needed.
 *
 * @param others those that are up
 */
async function runShared(
  groups: readonly PlannedGroup[],
  facts: MeshFacts,
  request: GroupRequest & { readonly sharing?: (() => number) | undefined },
  tally: Tally,
  others: Mesh[],
): Promise<void> {
  const { mesh, signal } = request;
  const makeOther = mesh.target.another?.bind(mesh.target);
  const count = makeOther === undefined ? 1 : meshesWorth(groups, request.sharing?.() ?? 1);
  const shared = count === 1 ? undefined : new Work(inOrder(groups, facts, mesh.target), mesh);
  const onOther = async (_: unknown, index: number) => {
    const other = others[index] ?? new Mesh(makeOther!(index + 2), undefined);
    others[index] = other;
    try {
      await other.ready(() => {}, signal);
    } catch (thrown) {
      if (signal.aborted) return;
      const { message } = asHarnessError(thrown);
      tally.emit({
        type: 'warning',
        message: `one more mesh could not be started, and its scenarios run on those that are there: ${message}`,
        mesh: mesh.label,
      });
      return;
    }
    await runGroups(groups, facts, { ...request, mesh: other, shared }, tally);
  };
  const ended = await Promise.allSettled([
    runGroups(groups, facts, { ...request, shared }, tally),
    ...Array.from({ length: count - 1 }, onOther),
  ]);
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
}

/**
 * The groups once for each time they run, each with ids of their own: `require-jwt#2`, and checks below it.
 *
 * @param times 1 leaves everything as it is
 */
export function repetitions(groups: readonly PlannedGroup[], times: number): (readonly PlannedGroup[])[] {
  if (times <= 1) return [groups];
  return Array.from({ length: times }, (_, index) =>
    groups.map((group) => ({
      ...group,
      scenarios: group.scenarios.map((scenario) => repetition(scenario, index + 1)),
    })),
  );
}

function repetition(scenario: PlannedScenario, repeat: number): PlannedScenario {
  const { id } = scenario.info;
  const ownId = `${id}#${repeat}`;
  const own = <Check extends PlannedCheck>(check: Check): Check => ({
    ...check,
    // Ids of checks start with that of their scenario.
    id: `${ownId}${check.id.slice(id.length)}`,
  });
  return {
    ...scenario,
    info: { ...scenario.info, id: ownId, repeat },
    steps: scenario.steps.map((step) => ({ ...step, checks: step.checks.map(own) })),
  };
}
