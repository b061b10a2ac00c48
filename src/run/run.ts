/** The whole run: mesh up, plan, groups of scenarios, mesh down. Everything it does is told as events. */
import { asHarnessError, exitCodes, HarnessError } from '../errors.ts';
import { type Counts, type Emit, type Event, type MeshFacts, stamped } from '../events.ts';
import type { PlannedGroup, PlannedScenario } from '../plan/types.ts';
import type { CapabilityName, Target } from '../target/target.ts';
import { timeouts } from '../timeouts.ts';
import { within } from '../wait.ts';
import { filledIn, objectsAhead } from './ahead.ts';
import { knownNames, startKeyServers } from './context.ts';
import { intentOf } from './intent.ts';
import type { KeyRing } from './keys.ts';
import { withoutVerdict } from './results.ts';
import { type Prepared, problemOf, runScenario } from './scenario.ts';
import type { RunOptions } from './state.ts';

export interface RunRequest {
  readonly version: string;
  readonly target: Target;
  /** Makes the plan, once it is known what the mesh is. */
  readonly plan: (facts: MeshFacts, missing: ReadonlyMap<CapabilityName, string>) => readonly PlannedGroup[];
  readonly options: RunOptions;
  readonly keys: KeyRing;
  readonly failFast: boolean;
  readonly emit: Emit;
  /** Aborted on SIGINT or SIGTERM; the reason has the exit code. */
  readonly signal: AbortSignal;
}

/** Runs everything and returns the exit code. Never throws. */
export async function runAll(request: RunRequest): Promise<number> {
  const started = performance.now();
  const counts = { passed: 0, failed: 0, error: 0, skipped: 0 };
  const tell: Emit = (event) => {
    if (event.type === 'check-finished') counts[event.check.state] += 1;
    if (event.type === 'scenario-finished' && event.problem !== undefined) problems += 1;
    request.emit(event);
  };
  let problems = 0;
  const emit = stamped(tell);
  emit({ type: 'run-started', runId: request.options.runId, version: request.version });
  let error: HarnessError | undefined;
  try {
    const facts = await request.target.up(request.signal);
    emit({ type: 'mesh-ready', mesh: facts });
    const groups = request.plan(facts, request.target.missing);
    await runGroups(groups, facts, request, tell, counts);
  } catch (thrown) {
    error = asHarnessError(thrown);
  }
  const cleanUp = within(timeouts.cleanUp, new AbortController().signal, 'cleaning up');
  try {
    await request.target.down(cleanUp.signal);
  } catch (thrown) {
    error ??= asHarnessError(thrown);
  } finally {
    cleanUp.done();
  }
  const interrupted = request.signal.aborted;
  const exitCode = interrupted ? interruptedCode(request.signal) : verdictOf(counts, problems, error);
  emit({
    type: 'run-finished',
    durationMs: Math.round(performance.now() - started),
    counts,
    exitCode,
    interrupted: interrupted || undefined,
    problem: error === undefined || interrupted ? undefined : problemOf(error),
  });
  return exitCode;
}

/** A failed check is a verdict about the mesh and counts more than something that kept others from a verdict. */
function verdictOf(counts: Counts, problems: number, error: HarnessError | undefined): number {
  if (counts.failed > 0) return exitCodes.failed;
  if (error !== undefined) return error.exitCode;
  return counts.error > 0 || problems > 0 ? exitCodes.noVerdict : exitCodes.passed;
}

function interruptedCode(signal: AbortSignal): number {
  return signal.reason === 'SIGTERM' ? exitCodes.terminated : exitCodes.interrupted;
}

async function runGroups(
  groups: readonly PlannedGroup[],
  facts: MeshFacts,
  request: RunRequest,
  tell: (event: Event) => void,
  counts: Counts,
): Promise<void> {
  const { target, options, signal } = request;
  const emit = stamped(tell);
  const all = groups.flatMap((group) => group.scenarios);
  if (all.length === 0) {
    throw new HarnessError('E_USAGE', 'no scenario matches what was asked for', {
      hint: 'See what there is with "jwt-e2e list"; check --grep, --tag, --skip-tag, --profile and --shard.',
    });
  }
  emit({
    type: 'planned',
    mesh: facts.id,
    scenarios: all.map(({ info, steps }) => ({
      info,
      checks: steps.reduce((sum, step) => sum + step.checks.length, 0),
    })),
  });
  await target.begin?.(intentOf(groups), signal);
  // Keys take time to make and servers to start, and neither needs the mesh in a certain state.
  const prepared = new Map(
    all.filter((each) => each.skip === undefined).map((each) => [each.info.id, prepare(each, request)]),
  );
  for (const group of groups) {
    const runnable = group.scenarios.some((each) => each.skip === undefined);
    if (group.fetch !== undefined && runnable) await target.setFetchMode(group.fetch, signal);
    const ahead = new Map(
      group.scenarios
        .filter((each) => each.skip === undefined)
        .map((each) => [each.info.id, startAhead(each, all, prepared.get(each.info.id)!, request)]),
    );
    for (const scenario of group.scenarios) {
      if (signal.aborted) return;
      if (scenario.skip !== undefined) skip(scenario, scenario.skip, tell);
      else if (request.failFast && counts.failed + counts.error > 0)
        skip(scenario, 'an earlier scenario failed (--fail-fast)', tell);
      else
        await ahead
          .get(scenario.info.id)
          ?.then(() => runScenario(scenario, prepared.get(scenario.info.id)!, target, options, emit, signal));
    }
  }
}

function prepare(scenario: PlannedScenario, { keys, target, signal }: RunRequest): Prepared {
  const issuers = keys.get(scenario);
  const keyServers = issuers.then((made) => startKeyServers(scenario, made, target, signal));
  // What goes wrong here is reported by the scenario that needs it.
  keyServers.catch(() => {});
  return { issuers, keyServers };
}

/** Begins what later scenarios of the group will wait for. What goes wrong is seen when its step applies it. */
async function startAhead(
  scenario: PlannedScenario,
  all: readonly PlannedScenario[],
  prepared: Prepared,
  { target, options, signal }: RunRequest,
): Promise<void> {
  const objects = objectsAhead(scenario, all);
  if (objects.length === 0) return;
  try {
    await target.prepare(scenario.apps, signal);
    const names = await knownNames(await prepared.issuers, await prepared.keyServers, target, options.images);
    await target.apply(filledIn(objects, names, scenario), scenario.info.id, signal);
  } catch {
    // The step applies the same again, and reports it.
  }
}

function skip(scenario: PlannedScenario, reason: string, tell: (event: Event) => void): void {
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
