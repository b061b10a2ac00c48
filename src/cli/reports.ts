/** The reports of a run, made as the settings want them. */
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { ConsoleReporter } from '../report/console.ts';
import { JsonReporter } from '../report/json.ts';
import { JUnitReporter } from '../report/junit.ts';
import { type CombinedReporter, combine } from '../report/reporter.ts';
import { describeTerminal } from '../report/terminal.ts';
import type { Values } from '../settings/settings.ts';
import { flag, text } from '../settings/typed.ts';
import type { Io } from './io.ts';

/**
 * Console, JUnit and JSON.
 *
 * @param isLater for a later round on the same mesh: what does not change is not told on the console again
 */
export function makeReports(values: Values, artifacts: string, io: Io, isLater = false): CombinedReporter {
  const junit = text(values, 'junit') ?? 'reports/junit.xml';
  const json = text(values, 'json') ?? 'reports/results.json';
  const shown = (path: string) => relative(io.cwd, path) || path;
  return combine([
    new ConsoleReporter({
      stream: io.stdout,
      ...describeTerminal(process.stdout, io.env),
      readLine: (place) => lineOf(resolve(io.cwd, place.file), place.line),
      reports: isLater ? {} : { JUnit: shown(junit), JSON: shown(json) },
      artifacts: shown(artifacts),
      quiet: flag(values, 'quiet'),
      known: isLater,
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
