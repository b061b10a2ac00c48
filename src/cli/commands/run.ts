/** `jwt-e2e run`: scenarios on a mesh, or on several side by side, with reports. */
import { randomBytes } from 'node:crypto';
import { asHarnessError, exitCodes, interruptedCode } from '../../errors.ts';
import { type Event, type MeshFacts, stamped } from '../../events.ts';
import { plan } from '../../plan/plan.ts';
import { problemOf } from '../../problem.ts';
import { loadVersions } from '../../programs/versions.ts';
import { KeyRing } from '../../run/keys.ts';
import { runAll } from '../../run/run.ts';
import { type LoadedScenario, loadScenarios } from '../../scenario/load.ts';
import type { Values } from '../../settings/settings.ts';
import { count, flag, imagesOf, list, shardOf, text } from '../../settings/typed.ts';
import type { Target } from '../../target/target.ts';
import { clusterSettings } from '../cluster.ts';
import type { Io } from '../io.ts';
import { allAtOnce, atOnceOf } from '../jobs.ts';
import { defaultName } from '../kind.ts';
import { appsFolder, pathsOf, productVersion, versionsFile } from '../product.ts';
import { makeReports } from '../reports.ts';
import { withSignals } from '../signals.ts';
import { makeTargets } from '../targets.ts';
import { dryRun } from './dry-run.ts';
import { exitCodeOf, renderAll } from './lint.ts';
import { watchScenarios } from './watch.ts';

/** Runs and returns the exit code. @throws HarnessError for wrong usage, before anything is done */
export async function runCommand(files: readonly string[], values: Values, io: Io): Promise<number> {
  const paths = pathsOf(files, text(values, 'profile'));
  const loaded = loadScenarios(paths, { cwd: io.cwd });
  const isWatching = flag(values, 'watch') && !flag(values, 'dry-run');
  // Who watches is about to mend mistakes in files, but no path that leads nowhere.
  const errors = isWatching ? loaded.errors.filter(({ code }) => code === 'E_USAGE') : loaded.errors;
  if (errors.length > 0) {
    io.stderr.write(renderAll(errors, io.cwd));
    return exitCodeOf(errors);
  }
  const versions = loadVersions(versionsFile);
  const options = {
    runId: randomBytes(3).toString('hex'),
    artifacts: text(values, 'artifacts') ?? 'reports/artifacts',
    images: imagesOf(values, versions),
    showTokens: flag(values, 'show-tokens'),
    consecutive: count(values, 'consecutive', 3),
    answersMs: count(values, 'answer-timeout', 20) * 1000,
    holdMs: count(values, 'hold-timeout', 60) * 1000,
  };
  const selection = {
    grep: text(values, 'grep'),
    tags: list(values, 'tag'),
    skipTags: list(values, 'skip-tag'),
    shard: shardOf(values),
  };
  if (flag(values, 'dry-run')) {
    return withSignals(
      (signal) => dryRun({ values, versions, scenarios: loaded.scenarios, selection, options, io, signal }),
      'Nothing was done.',
    );
  }
  const keys = new KeyRing(options.runId);
  keys.begin(loaded.scenarios);
  let reports = makeReports(values, options.artifacts, io);
  const emit = (event: Event) => reports.handle(event);
  const planOf = (
    scenarios: readonly LoadedScenario[],
    facts: MeshFacts,
    missing: Parameters<typeof plan>[2],
  ) => plan(scenarios, facts, missing, { ...selection, canSwitchFetch: !missing.has('fetch-mode') }).groups;
  const exitCode = await withSignals(
    async (signal) => {
      let targets: readonly Target[];
      try {
        const apps = appsOf(loaded.scenarios);
        const { runId } = options;
        targets = await makeTargets({ values, versions, runId, apps, progress: stamped(emit), signal });
        if (isWatching) targets = allAtOnce(values, targets);
      } catch (thrown) {
        return finishWithout(thrown, options.runId, emit, signal);
      }
      const round = { version: productVersion, options, keys, failFast: flag(values, 'fail-fast'), signal };
      if (!isWatching) {
        const atOnce = atOnceOf(values, targets.length, (message) =>
          stamped(emit)({ type: 'warning', message }),
        );
        return runAll({
          ...round,
          targets,
          atOnce,
          plan: (facts, missing) => planOf(loaded.scenarios, facts, missing),
          emit,
        });
      }
      return watchScenarios({
        ...round,
        options: { ...options, answersMs: count(values, 'answer-timeout', patience(targets)) * 1000 },
        targets,
        paths,
        cwd: io.cwd,
        appsFolder,
        plan: planOf,
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
  return exitCode === exitCodes.passed && reports.problems.length > 0 ? exitCodes.noVerdict : exitCode;
}

/**
 * How long the answers may take while somebody waits for the verdict, in seconds, once the proxies have the policies.
 * Envoys of a cluster go on using old connections for some 4 seconds; those of a local mesh for a third of one.
 */
function patience(targets: readonly Target[]): number {
  return targets.every(({ name }) => name === 'local') ? 1 : 5;
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

function appsOf(scenarios: readonly LoadedScenario[]): string[] {
  return [...new Set(scenarios.flatMap((scenario) => scenario.apps))].sort();
}

/** A run that has no target still leaves its reports, with the reason. */
function finishWithout(
  thrown: unknown,
  runId: string,
  emit: (event: Event) => void,
  signal: AbortSignal,
): number {
  const error = asHarnessError(thrown);
  const exitCode = signal.aborted ? interruptedCode(signal.reason) : error.exitCode;
  const tell = stamped(emit);
  tell({ type: 'run-started', runId, version: productVersion });
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
