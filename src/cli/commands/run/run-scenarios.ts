/** The run itself, once it is known where: scenarios on a mesh, or on several side by side, with all reports. */
import type { Event } from '../../../base/events.ts';
import {
  answersWhileWatched,
  execute,
  finishWithout,
  planFor,
  roundOf,
  targetsOf,
} from '../../../engine/engine.ts';
import { allAtOnce } from '../../../engine/jobs.ts';
import { appsFolder } from '../../../engine/product.ts';
import type { RunSettings } from '../../../engine/run-settings.ts';
import type { Choice } from '../../../engine/targets/choose-target.ts';
import { KeyRing } from '../../../run/keys/key-ring.ts';
import type { LoadedScenario } from '../../../scenario/load.ts';
import type { Target } from '../../../target/target.ts';
import { type Begun, beginReports } from '../../support/console-report.ts';
import type { DebugLog } from '../../support/debug-log.ts';
import { historyOf } from '../../support/history-files.ts';
import type { Io } from '../../support/io.ts';
import { makeReports } from '../../support/reports.ts';

export interface ScenariosRequest {
  readonly settings: RunSettings;
  readonly scenarios: readonly LoadedScenario[];
  /** Scenario files and folders, relative to where the program was started. */
  readonly paths: readonly string[];
  readonly isWatching: boolean;
  /** Rejected when there can be no mesh. */
  readonly choice: Promise<Choice>;
  readonly begun: Begun;
  readonly log: DebugLog | undefined;
  readonly io: Io;
  readonly signal: AbortSignal;
}

/** @returns the exit code, and what finishes the reports and says whether all of them could be written. Never throws */
export async function runScenarios(
  request: ScenariosRequest,
): Promise<{ readonly exitCode: number; readonly close: () => Promise<boolean> }> {
  const { settings, scenarios, log, io, begun } = request;
  const { values, options } = settings;
  const keys = new KeyRing(options.runId);
  keys.begin(scenarios);
  // Before this run writes where an earlier one has left its report.
  const history = historyOf(values, io.cwd, options.runId);
  let reports = makeReports(values, options.artifacts, io, begun, history);
  const emit = (event: Event) => {
    log?.event(event);
    reports.handle(event);
  };
  const renew = async () => {
    await reports.close();
    const again = beginReports(values, options.artifacts, io, true);
    reports = makeReports(values, options.artifacts, io, again, history);
  };
  for (const message of history.problems) emit({ type: 'warning', at: Date.now(), message });
  const exitCode = await runOn(request, keys, emit, renew);
  return {
    exitCode,
    close: async () => {
      keys.end();
      await reports.close();
      return reports.problems.length === 0;
    },
  };
}

async function runOn(
  { settings, scenarios, paths, isWatching, choice, io, signal }: ScenariosRequest,
  keys: KeyRing,
  emit: (event: Event) => void,
  renew: () => Promise<void>,
): Promise<number> {
  const { values, options } = settings;
  const execution = { settings, scenarios, keys, emit, signal };
  let targets: readonly Target[];
  try {
    targets = await targetsOf(execution, await choice);
    if (isWatching) targets = allAtOnce(values, targets);
  } catch (thrown) {
    return finishWithout(thrown, execution);
  }
  if (!isWatching) return execute(execution, targets);
  const { watchScenarios } = await import('../../watch/watch-scenarios.ts');
  return watchScenarios({
    ...roundOf(execution),
    options: { ...options, answersMs: answersWhileWatched(values, targets) },
    targets,
    paths,
    cwd: io.cwd,
    appsFolder,
    plan: (each, facts, missing, grep = settings.selection.grep) =>
      planFor({ selection: { ...settings.selection, grep } }, each, facts, missing).groups,
    keyboard: process.stdin,
    report: async (isLater) => {
      if (isLater) await renew();
      return emit;
    },
    write: (line) => io.stdout.write(line),
  });
}
