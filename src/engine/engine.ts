/**
 * The engine: from settings to a run on real meshes. The command line, watching, the programmatic API and the Vitest
 * plugin all start their runs here, so that a setting means the same to each of them.
 */
import { asHarnessError, interruptedCode } from '../base/errors.ts';
import { type Emit, type MeshFacts, problemOf, stamped } from '../base/events.ts';
import { plan } from '../plan/plan.ts';
import type { Plan } from '../plan/types.ts';
import type { KeyRing } from '../run/keys/key-ring.ts';
import { withoutTokens } from '../run/private.ts';
import type { RoundRequest } from '../run/run-all.ts';
import type { RunOptions } from '../run/steps/step-state.ts';
import type { LoadedScenario } from '../scenario/load.ts';
import type { Values } from '../settings/settings.ts';
import { count, flag } from '../settings/typed.ts';
import type { Target } from '../target/target.ts';
import { isWhole } from './baseline.ts';
import { atOnceOf, sharingOf } from './jobs.ts';
import { productVersion } from './product.ts';
import type { RunSettings } from './run-settings.ts';
import type { Choice } from './targets/choose-target.ts';

/** Scenarios to run, and who wants to know. */
export interface Execution {
  readonly settings: RunSettings;
  readonly scenarios: readonly LoadedScenario[];
  readonly keys: KeyRing;
  readonly emit: Emit;
  /** Aborted to end in good order; the reason has the exit code. */
  readonly signal: AbortSignal;
}

/** What passes on events that a run does not tell itself. */
export function tellOf({ options }: RunSettings, emit: Emit) {
  return stamped(withoutTokens(emit, options.showTokens));
}

/**
 * The target that was chosen, or a local mesh for each version; nothing is set up yet.
 *
 * @throws HarnessError what is missing or contradictory, and how to get it
 */
export async function targetsOf(
  { settings, scenarios, emit, signal }: Execution,
  { name, reason }: Choice,
): Promise<readonly Target[]> {
  const { values, versions, options } = settings;
  const apps = [...new Set(scenarios.flatMap((scenario) => scenario.apps))].sort();
  const progress = tellOf(settings, emit);
  const request = { values, versions, runId: options.runId, apps, progress, signal };
  if (name === 'cluster') {
    const { makeCluster } = await import('./targets/make-cluster.ts');
    const { findOwnKeyServer } = await import('./own-keys.ts');
    const ownKeyServer = await findOwnKeyServer(settings.ownKeys, signal);
    return [await makeCluster({ ...request, ownKeyServer }, reason)];
  }
  if (name === 'kind') return [await (await import('./targets/make-kind.ts')).makeKind(request, reason)];
  return (await import('./targets/make-local.ts')).makeLocals(request, reason);
}

/** What every round of a run has in common. */
export function roundOf({
  settings,
  scenarios,
  keys,
  signal,
}: Execution): Omit<RoundRequest, 'plan' | 'emit'> {
  const { values, options, baseline, selection, repeat } = settings;
  return {
    version: productVersion,
    options,
    keys,
    failFast: flag(values, 'fail-fast'),
    repeat,
    shard: selection.shard,
    conclude: concludeOf(values, keys, options.images),
    baseline: baseline && { ...baseline, isWhole: isWhole(values, scenarios) },
    signal,
  };
}

/** Loaded when it is asked for, and not before. */
function concludeOf(values: Values, keys: KeyRing, images: RunOptions['images']): RoundRequest['conclude'] {
  const confirm = count(values, 'confirm', 0);
  if (!flag(values, 'mutate') && confirm === 0) return undefined;
  return async (...given) => (await import('./run-mutations.ts')).mutating(keys, images, confirm)(...given);
}

/**
 * How long the answers may take while somebody waits for the verdict, in milliseconds, once the proxies have the policies.
 * Envoys of a cluster go on using old connections for some 4 seconds; those of a local mesh for a third of one.
 */
export function answersWhileWatched(values: Values, targets: readonly Target[]): number {
  return count(values, 'answer-timeout', targets.every(({ name }) => name === 'local') ? 1 : 5) * 1000;
}

/** Plans scenarios for a mesh as the settings select them. */
export function planFor(
  { selection }: Pick<RunSettings, 'selection'>,
  scenarios: readonly LoadedScenario[],
  facts: MeshFacts,
  missing: Target['missing'],
): Plan {
  return plan(scenarios, facts, missing, { ...selection, canSwitchFetch: !missing.has('fetch-mode') });
}

/** Runs everything on all targets, from nothing to nothing left. Never throws. @returns the exit code */
export async function execute(execution: Execution, targets: readonly Target[]): Promise<number> {
  const { settings, scenarios, emit } = execution;
  const atOnce = atOnceOf(settings.values, targets.length, (message) =>
    tellOf(settings, emit)({ type: 'warning', message }),
  );
  const { runAll } = await import('../run/run-all.ts');
  return runAll({
    ...roundOf(execution),
    targets,
    atOnce,
    sharing: () => sharingOf(settings.values, targets.length),
    plan: (facts, missing) => planFor(settings, scenarios, facts, missing).groups,
    emit,
  });
}

/** A run that has no target still tells that it was, and the reason. @returns the exit code */
export function finishWithout(thrown: unknown, { settings, emit, signal }: Execution): number {
  const error = asHarnessError(thrown);
  const exitCode = signal.aborted ? interruptedCode(signal.reason) : error.exitCode;
  const tell = tellOf(settings, emit);
  const { options, selection } = settings;
  tell({
    type: 'run-started',
    runId: options.runId,
    version: productVersion,
    shard: selection.shard,
  });
  tell({
    type: 'run-finished',
    durationMs: 0,
    counts: { passed: 0, failed: 0, error: 0, skipped: 0 },
    exitCode,
    interrupted: signal.aborted || undefined,
    problem: problemOf(error),
  });
  return exitCode;
}
