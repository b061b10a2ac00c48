/** `jwt-e2e run`: reads scenarios and settings, and says what is going to be done. What does it is loaded after that. */
import { createInterface } from 'node:readline/promises';
import { exitCodes, HarnessError } from '../../../base/errors.ts';
import type { Event } from '../../../base/events.ts';
import { standardInput } from '../../../base/files/standard-input.ts';
import { oneLine } from '../../../base/harmless.ts';
import { lookAhead } from '../../../engine/look-ahead.ts';
import { pathsOf } from '../../../engine/product.ts';
import { expectMatch, type RunSettings, runSettings } from '../../../engine/run-settings.ts';
import { spelled } from '../../../report/console/own-command.ts';
import { describeTerminal } from '../../../report/console/terminal.ts';
import { loadScenarios } from '../../../scenario/load.ts';
import type { Values } from '../../../settings/settings.ts';
import { clusterWords, flag, meshName, text, wantedTarget } from '../../../settings/typed.ts';
import { beginReports, debugFile, refuseSameFile, reportFiles } from '../../support/console-report.ts';
import { openDebugLog } from '../../support/debug-log.ts';
import { type Io, typedCommand } from '../../support/io.ts';
import { openPage, opensByItself } from '../../support/open-page.ts';
import { withSignals } from '../../support/signals.ts';
import { exitCodeOf, renderAll } from '../lint.ts';

/** Runs and returns the exit code. @throws HarnessError for wrong usage, before anything is done */
export async function runCommand(files: readonly string[], values: Values, io: Io): Promise<number> {
  const paths = pathsOf(files, text(values, 'profile'));
  const isWatching = flag(values, 'watch') && !flag(values, 'dry-run');
  if (isWatching && paths.includes(standardInput)) {
    throw new HarnessError('E_USAGE', '--watch cannot watch "-": standard input comes once', {
      hint: 'Save the scenario to a file, and name that.',
    });
  }
  const loaded = loadScenarios(paths, { cwd: io.cwd });
  // Who watches is about to mend mistakes in files, but no path that leads nowhere.
  const errors = isWatching ? loaded.errors.filter(({ code }) => code === 'E_USAGE') : loaded.errors;
  if (errors.length > 0) {
    io.stderr.write(renderAll(errors, io.cwd));
    // Nothing can be said of a mesh by what tests nothing.
    return errors.every(({ code }) => code === 'E_NOTHING_TESTED') ? exitCodes.noVerdict : exitCodeOf(errors);
  }
  refuseSameFile(reportFiles(values, io.env), io);
  const settings = await forPeople(runSettings(values), io);
  const { options } = settings;
  const { scenarios } = loaded;
  if (!isWatching) expectMatch(settings, scenarios);
  if (flag(values, 'dry-run')) {
    const { dryRun } = await import('./dry-run.ts');
    return withSignals((signal) => dryRun({ ...settings, scenarios, io, signal }), 'Nothing was done.');
  }
  const log = flag(values, 'debug') ? openDebugLog(debugFile, options.showTokens) : undefined;
  const begun = beginReports(values, options.artifacts, io);
  const emit = (event: Event) => {
    log?.event(event);
    begun.console.handle(event);
  };
  const { exitCode, close } = await withSignals(
    async (signal) => {
      const choice = lookAhead({ settings, scenarios, emit, signal });
      // Why there is none is told with everything else.
      await choice.catch(() => {});
      const { runScenarios } = await import('./run-scenarios.ts');
      return runScenarios({ settings, scenarios, paths, isWatching, choice, begun, log, io, signal });
    },
    `What is left can be removed with "${downLine(values)}".`,
  );
  const areWritten = await close();
  log?.close();
  // Only then is there a mesh for certain.
  const hadMesh = exitCode === exitCodes.passed || exitCode === exitCodes.failed;
  if (hadMesh && flag(values, 'keep') && !flag(values, 'quiet')) {
    const line = `What is kept is used again with --reuse, and removed with "${downLine(values)}".\n`;
    io.stdout.write(spelled(line, typedCommand));
  }
  const page = reportFiles(values, io.env).html;
  if (flag(values, 'open')) await openPage(page, io.env, (line) => io.stdout.write(`${line}\n`));
  else if (!flag(values, 'no-open') && !isWatching) {
    const { isTTY } = describeTerminal(process.stdout, io.env);
    // Nobody has asked for it, so nobody is told when it cannot be done.
    if (opensByItself(exitCode, isTTY, io.env)) await openPage(page, io.env, () => {});
  }
  return exitCode === exitCodes.passed && !areWritten ? exitCodes.noVerdict : exitCode;
}

/** Adds what only makes sense for somebody at a terminal, with results of an earlier run beside it. */
async function forPeople(settings: RunSettings, io: Io): Promise<RunSettings> {
  const { values, options, selection } = settings;
  const pause = flag(values, 'pause-on-failure') ? waitForEnter(process.stdin) : undefined;
  if (!flag(values, 'last-failed')) return { ...settings, options: { ...options, pause } };
  const file = reportFiles(values, io.env).json;
  const { lastFailed } = await import('../../support/last-failed.ts');
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

/** The command that removes what a run keeps, or may have left when it is interrupted. */
export function downLine(values: Values): string {
  const named = clusterWords(values);
  if (named === '') return `jwt-e2e down --name ${meshName(values)}`;
  // A cluster that the settings file names is none of this, where another target was asked for.
  const target = wantedTarget(values) ?? 'cluster';
  return `jwt-e2e down --target ${target} ${target === 'cluster' ? named : `--name ${meshName(values)}`}`;
}

/** Standard input, as far as it is needed here. */
type Input = NodeJS.ReadableStream & {
  readonly isTTY?: boolean | undefined;
  readonly readableEnded?: boolean | undefined;
};

/**
 * Makes what a run calls to wait: each call returns when Enter is pressed, one after the other when several meshes have
 * stopped. A terminal that goes away, such as a closed window, lets the run go on.
 *
 * @throws HarnessError E_USAGE when there is nobody who could press it
 */
export function waitForEnter(input: Input): (signal: AbortSignal) => Promise<void> {
  if (input.isTTY !== true) {
    throw new HarnessError('E_USAGE', '--pause-on-failure needs a terminal: nobody could let the run go on', {
      hint: 'In CI, look at the evidence of the report; to keep a mesh, run with --keep.',
    });
  }
  let turn: Promise<void> = Promise.resolve();
  return (signal) => {
    turn = turn.then(() => enter(input, signal));
    return turn;
  };
}

async function enter(input: Input, signal: AbortSignal): Promise<void> {
  // What has ended never says so again.
  if (signal.aborted || input.readableEnded === true) return;
  // Without `terminal` the interrupt key goes where it always goes: to the handlers of signals.
  const lines = createInterface({ input, terminal: false });
  try {
    await new Promise<void>((resolve) => {
      lines.once('line', () => resolve());
      lines.once('close', () => resolve());
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    lines.close();
    // An open terminal would keep the program from ending.
    input.pause();
  }
}
