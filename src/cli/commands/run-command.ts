/** `jwt-e2e run`: scenarios on a mesh, or on several side by side, with reports. */
import { exitCodes } from '../../base/errors.ts';
import type { Event } from '../../base/events.ts';
import { oneLine } from '../../base/harmless.ts';
import {
  answersWhileWatched,
  execute,
  expectMatch,
  finishWithout,
  planFor,
  type RunSettings,
  roundOf,
  runSettings,
  targetsOf,
} from '../../engine/engine.ts';
import { allAtOnce } from '../../engine/jobs.ts';
import { defaultName } from '../../engine/make-kind.ts';
import { clusterSettings } from '../../engine/named-cluster.ts';
import { appsFolder, pathsOf } from '../../engine/product.ts';
import { KeyRing } from '../../run/keys/key-ring.ts';
import { loadScenarios } from '../../scenario/load.ts';
import type { Values } from '../../settings/settings.ts';
import { flag, text } from '../../settings/typed.ts';
import type { Target } from '../../target/target.ts';
import { openDebugLog } from '../support/debug-log.ts';
import type { Io } from '../support/io.ts';
import { lastFailed } from '../support/last-failed.ts';
import { openPage } from '../support/open-page.ts';
import { waitForEnter } from '../support/pause.ts';
import { debugFile, makeReports, reportFiles } from '../support/reports.ts';
import { withSignals } from '../support/signals.ts';
import { watchScenarios } from '../watch/watch-scenarios.ts';
import { dryRun } from './dry-run.ts';
import { exitCodeOf, renderAll } from './lint.ts';

/** Runs and returns the exit code. @throws HarnessError for wrong usage, before anything is done */
export async function runCommand(files: readonly string[], values: Values, io: Io): Promise<number> {
  const paths = pathsOf(files, text(values, 'profile'));
  const loaded = loadScenarios(paths, { cwd: io.cwd });
  const isWatching = flag(values, 'watch') && !flag(values, 'dry-run');
  // Who watches is about to mend mistakes in files, but no path that leads nowhere.
  const errors = isWatching ? loaded.errors.filter(({ code }) => code === 'E_USAGE') : loaded.errors;
  if (errors.length > 0) {
    io.stderr.write(renderAll(errors, io.cwd));
    // Nothing can be said of a mesh by what tests nothing.
    return errors.every(({ code }) => code === 'E_NOTHING_TESTED') ? exitCodes.noVerdict : exitCodeOf(errors);
  }
  const settings = forPeople(runSettings(values), io);
  const { options } = settings;
  if (!isWatching) expectMatch(settings, loaded.scenarios);
  if (flag(values, 'dry-run')) {
    return withSignals(
      (signal) => dryRun({ ...settings, scenarios: loaded.scenarios, io, signal }),
      'Nothing was done.',
    );
  }
  const keys = new KeyRing(options.runId);
  keys.begin(loaded.scenarios);
  const log = flag(values, 'debug') ? openDebugLog(debugFile, options.showTokens) : undefined;
  let reports = makeReports(values, options.artifacts, io);
  const emit = (event: Event) => {
    log?.event(event);
    reports.handle(event);
  };
  const exitCode = await withSignals(
    async (signal) => {
      const execution = { settings, scenarios: loaded.scenarios, keys, emit, signal };
      let targets: readonly Target[];
      try {
        targets = await targetsOf(execution);
        if (isWatching) targets = allAtOnce(values, targets);
      } catch (thrown) {
        return finishWithout(thrown, execution);
      }
      if (!isWatching) return execute(execution, targets);
      return watchScenarios({
        ...roundOf(execution),
        options: { ...options, answersMs: answersWhileWatched(values, targets) },
        targets,
        paths,
        cwd: io.cwd,
        appsFolder,
        plan: (scenarios, facts, missing) => planFor(settings, scenarios, facts, missing),
        report: async (isLater) => {
          if (isLater) {
            await reports.close();
            reports = makeReports(values, options.artifacts, io, true);
          }
          return emit;
        },
        write: (line) => io.stdout.write(line),
      });
    },
    `What is left can be removed with "${downLine(values)}".`,
  );
  keys.end();
  await reports.close();
  log?.close();
  if (flag(values, 'open')) {
    await openPage(reportFiles(values, io.env).html, io.env, (line) => io.stdout.write(`${line}\n`));
  }
  return exitCode === exitCodes.passed && reports.problems.length > 0 ? exitCodes.noVerdict : exitCode;
}

/** Adds what only makes sense for somebody at a terminal, with results of an earlier run beside it. */
function forPeople(settings: RunSettings, io: Io): RunSettings {
  const { values, options, selection } = settings;
  const pause = flag(values, 'pause-on-failure') ? waitForEnter(process.stdin) : undefined;
  if (!flag(values, 'last-failed')) return { ...settings, options: { ...options, pause } };
  const file = reportFiles(values, io.env).json;
  const failed = lastFailed(file);
  io.stderr.write(`${oneLine(`--last-failed: ${whichOf(failed, file)}`)}\n`);
  return {
    ...settings,
    options: { ...options, pause },
    selection: { ...selection, only: failed === undefined || failed.size === 0 ? undefined : failed },
  };
}

function whichOf(failed: ReadonlySet<string> | undefined, file: string): string {
  if (failed === undefined) return 'the last run did not come to its end, so all are run';
  return failed.size === 0 ? `nothing failed in ${file}, so all are run` : [...failed].join(', ');
}

/** The command that removes what an interrupted run may have left. */
function downLine(values: Values): string {
  const named = clusterSettings.flatMap((name) => {
    const value = text(values, name);
    return value === undefined ? [] : [`--${name} ${value}`];
  });
  if (text(values, 'target') === 'kind' || named.length === 0) {
    return `jwt-e2e down --name ${text(values, 'name') ?? defaultName}`;
  }
  return `jwt-e2e down --target cluster ${named.join(' ')}`;
}
