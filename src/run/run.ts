/** The whole run: mesh up, plan, groups of scenarios, mesh down. Everything it does is told as events. */
import { asHarnessError, exitCodes, type HarnessError, interruptedCode } from '../errors.ts';
import { type Counts, type Emit, type MeshFacts, stamped } from '../events.ts';
import type { PlannedGroup } from '../plan/types.ts';
import type { CapabilityName, Target } from '../target/target.ts';
import { timeouts } from '../timeouts.ts';
import { within } from '../wait.ts';
import { runGroups } from './groups.ts';
import type { KeyRing } from './keys.ts';
import { problemOf } from './scenario.ts';
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
  const exitCode = interrupted ? interruptedCode(request.signal.reason) : verdictOf(counts, problems, error);
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
