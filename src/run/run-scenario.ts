/** One scenario: keys, key servers, steps one after the other, and everything put back at the end. */
import { asHarnessError } from '../base/errors.ts';
import {
  type CheckResult,
  type Problem,
  problemOf,
  type ScenarioInfo,
  type Unstamped,
} from '../base/events.ts';
import { skippedForStep } from '../base/skipped.ts';
import { timeouts } from '../base/timeouts.ts';
import { within } from '../base/wait.ts';
import type { PlannedScenario } from '../plan/types.ts';
import type { KeyServerHandle, Target } from '../target/target.ts';
import type { IssuerKeys } from '../token/issuer-keys.ts';
import { pasteLines } from './paste-lines.ts';
import type { Pending } from './proof/pending.ts';
import { withoutVerdict } from './results.ts';
import { runStep } from './steps/step.ts';
import { deciding, proxiesOf, type RunOptions, type StepState } from './steps/step-state.ts';
import { makeContext } from './template-context.ts';

/** What was started ahead of time for a scenario. */
export interface Prepared {
  readonly issuers: Promise<ReadonlyMap<string, IssuerKeys>>;
  readonly keyServers: Promise<ReadonlyMap<string, KeyServerHandle>>;
  /** Addresses in it whose keys istiod may have from an earlier scenario. */
  readonly cachedKeys?: readonly string[];
}

/**
 * Runs a scenario and emits the result of every one of its checks, whatever happens; never throws but for an
 * interruption that came before its first step.
 */
export async function runScenario(
  scenario: PlannedScenario,
  prepared: Prepared,
  target: Target,
  options: RunOptions,
  pending: Pending,
  emit: (event: Unstamped) => void,
  signal: AbortSignal,
): Promise<void> {
  const started = performance.now();
  const scope = scenario.info.id;
  let isWrong = false;
  /** Requests whose answers were wrong, as lines with their secrets. */
  const requests: Record<string, string> = {};
  const results = (checks: readonly CheckResult[]) => {
    for (const { id, state, request } of checks) {
      if (state !== 'failed' && state !== 'error') continue;
      isWrong = true;
      if (request !== undefined) requests[id] = request.curl;
    }
    for (const check of checks) emit({ type: 'check-finished', mesh: scenario.info.mesh, check });
  };
  emit({ type: 'scenario-started', scenario: scenario.info });
  let problem: Problem | undefined;
  let failedStep: string | undefined;
  let state: StepState | undefined;
  try {
    pending.uses(scenario.apps);
    await target.prepare(scenario.apps, signal);
    const context = await makeContext(
      scenario,
      await prepared.issuers,
      await prepared.keyServers,
      target,
      options.images,
      options.tokenSources === undefined ? undefined : { sources: options.tokenSources, signal },
    );
    state = {
      target,
      scenario,
      context,
      options,
      emit,
      applied: [],
      pending,
      cachedKeys: prepared.cachedKeys ?? [],
      snapshot: new Map(),
      survey: undefined,
      held: undefined,
    };
    for (const step of scenario.steps) {
      if (failedStep !== undefined) {
        const why = skippedForStep(failedStep);
        results(step.checks.map((check) => withoutVerdict(scenario, step, check, 'skipped', why)));
        continue;
      }
      try {
        results(await runStep(step, state, signal));
      } catch (thrown) {
        const error = asHarnessError(thrown);
        failedStep = step.name;
        problem = problemOf(error);
        results(step.checks.map((check) => withoutVerdict(scenario, step, check, 'error', error)));
        if (signal.aborted) break;
      }
    }
  } catch (thrown) {
    const error = asHarnessError(thrown);
    problem = problemOf(error);
    if (!signal.aborted) {
      for (const step of scenario.steps) {
        results(step.checks.map((check) => withoutVerdict(scenario, step, check, 'error', error)));
      }
    }
  }
  if (isWrong || problem !== undefined) {
    const proxies = state === undefined ? [] : proxiesOf(deciding(state.snapshot));
    const look = target.look?.(proxies) ?? [];
    await holdStill(scenario.info, { look, requests }, options, emit, signal);
  }
  // What is put back must arrive too, before the next scenario is judged.
  pending.add(
    scenario.steps
      .flatMap((step) => [...step.delete, ...step.apply.map(({ manifest }) => manifest)])
      .map(({ kind }) => kind),
  );
  const left = await cleanUp(scope, prepared, target);
  // So that it is on its way while the next scenario begins, which sees for itself what is wrong if there is.
  if (left === undefined && state !== undefined && !signal.aborted)
    await pending.mark(target, state.snapshot, signal).catch(() => {});
  // What went wrong first explains more; what could not be put back must still be known.
  if (left !== undefined && problem !== undefined)
    emit({ type: 'warning', message: `scenario ${scope} could not be undone: ${left.message}` });
  problem ??= left;
  emit({
    type: 'scenario-finished',
    scenario: scope,
    mesh: scenario.info.mesh,
    durationMs: Math.round(performance.now() - started),
    problem,
  });
}

/** Lets people look at what did not pass; never throws, so that everything is put back whatever happens meanwhile. */
async function holdStill(
  { id, mesh }: ScenarioInfo,
  lines: { readonly look: readonly string[]; readonly requests: Readonly<Record<string, string>> },
  { pause }: RunOptions,
  emit: (event: Unstamped) => void,
  signal: AbortSignal,
): Promise<void> {
  if (pause === undefined || signal.aborted) return;
  const { lines: requests, remove } = pasteLines(lines.requests);
  try {
    emit({ type: 'paused', mesh, scenario: id, look: lines.look, requests });
    await pause(signal);
    emit({ type: 'resumed', mesh, scenario: id });
  } catch {
    // An interruption, or a terminal that has gone.
  } finally {
    remove();
  }
}

/** Puts everything back, with a time limit of its own: an interruption must not keep it from being done. */
async function cleanUp(scope: string, prepared: Prepared, target: Target): Promise<Problem | undefined> {
  // Not waited for: the next scenario has servers of its own, and the target sees to it that all have stopped.
  void stopKeyServers(prepared);
  const limit = within(timeouts.undo, new AbortController().signal, 'undoing the scenario');
  try {
    await target.undo(scope, limit.signal);
    return undefined;
  } catch (thrown) {
    return problemOf(asHarnessError(thrown));
  } finally {
    limit.done();
  }
}

/** Stops what was started for a scenario, once it has started; never throws. */
export async function stopKeyServers({ keyServers }: Prepared): Promise<void> {
  const servers = await keyServers.catch(() => new Map<string, KeyServerHandle>());
  await Promise.allSettled([...servers.values()].map((server) => server.stop()));
}
