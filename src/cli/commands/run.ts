/** `jwt-e2e run`: scenarios on a mesh, with reports. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { asHarnessError, exitCodes, interruptedCode } from '../../errors.ts';
import { type Event, stamped } from '../../events.ts';
import { plan } from '../../plan/plan.ts';
import { problemOf } from '../../problem.ts';
import { loadVersions } from '../../programs/versions.ts';
import { ConsoleReporter } from '../../report/console.ts';
import { JsonReporter } from '../../report/json.ts';
import { JUnitReporter } from '../../report/junit.ts';
import { combine } from '../../report/reporter.ts';
import { describeTerminal } from '../../report/terminal.ts';
import { KeyRing } from '../../run/keys.ts';
import { runAll } from '../../run/run.ts';
import { type LoadedScenario, loadScenarios } from '../../scenario/load.ts';
import type { Values } from '../../settings/settings.ts';
import { count, flag, imagesOf, list, shardOf, text } from '../../settings/typed.ts';
import { clusterSettings } from '../cluster.ts';
import type { Io } from '../io.ts';
import { pathsOf, productVersion, versionsFile } from '../product.ts';
import { withSignals } from '../signals.ts';
import { defaultName, makeTarget } from '../targets.ts';
import { dryRun } from './dry-run.ts';
import { exitCodeOf, renderAll } from './lint.ts';

/** Runs and returns the exit code. @throws HarnessError for wrong usage, before anything is done */
export async function runCommand(files: readonly string[], values: Values, io: Io): Promise<number> {
  const loaded = loadScenarios(pathsOf(files, text(values, 'profile')), { cwd: io.cwd });
  if (loaded.errors.length > 0) {
    io.stderr.write(renderAll(loaded.errors, io.cwd));
    return exitCodeOf(loaded.errors);
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
  const reports = makeReports(values, options.artifacts, io);
  const exitCode = await withSignals(
    async (signal) => {
      const emit = (event: Event) => reports.handle(event);
      let target: Awaited<ReturnType<typeof makeTarget>>;
      try {
        const apps = appsOf(loaded.scenarios);
        target = await makeTarget({
          values,
          versions,
          runId: options.runId,
          apps,
          progress: stamped(emit),
          signal,
        });
      } catch (thrown) {
        return finishWithout(thrown, options.runId, emit, signal);
      }
      return runAll({
        version: productVersion,
        target,
        plan: (facts, missing) =>
          plan(loaded.scenarios, facts, missing, { ...selection, canSwitchFetch: !missing.has('fetch-mode') })
            .groups,
        options,
        keys,
        failFast: flag(values, 'fail-fast'),
        emit,
        signal,
      });
    },
    `What is left can be removed with "${downLine(values)}".`,
  );
  keys.end();
  await reports.close();
  return exitCode === exitCodes.passed && reports.problems.length > 0 ? exitCodes.noVerdict : exitCode;
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

function makeReports(values: Values, artifacts: string, io: Io) {
  const junit = text(values, 'junit') ?? 'reports/junit.xml';
  const json = text(values, 'json') ?? 'reports/results.json';
  const shown = (path: string) => relative(io.cwd, path) || path;
  return combine([
    new ConsoleReporter({
      stream: io.stdout,
      ...describeTerminal(process.stdout, io.env),
      readLine: (place) => lineOf(resolve(io.cwd, place.file), place.line),
      reports: { JUnit: shown(junit), JSON: shown(json) },
      artifacts: shown(artifacts),
      quiet: flag(values, 'quiet'),
    }),
    new JUnitReporter({ file: junit, artifacts: shown(artifacts), places: withPlaces(values, io) }),
    new JsonReporter({ file: json }),
  ]);
}

/** GitHub's report actions and GitLab read `file` and `line` of a test case; Jenkins' xUnit plugin refuses them. */
function withPlaces(values: Values, io: Io): boolean {
  const when = text(values, 'junit-places') ?? 'auto';
  return when === 'yes' || (when === 'auto' && Boolean(io.env.GITHUB_ACTIONS ?? io.env.GITLAB_CI));
}

function lineOf(file: string, line: number): string | undefined {
  try {
    return readFileSync(file, 'utf8').split('\n')[line - 1];
  } catch {
    return undefined;
  }
}
