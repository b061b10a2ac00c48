/** The reports of a run, made as the settings want them. */
import { relative, resolve } from 'node:path';
import type { HarnessError } from '../../base/errors.ts';
import { readLimited } from '../../base/files/limited-file.ts';
import { limits } from '../../base/files/limits.ts';
import { oneLine } from '../../base/harmless.ts';
import { programName } from '../../engine/product.ts';
import { ConformanceReporter } from '../../report/conformance/conformance.ts';
import { ConsoleReporter } from '../../report/console/console.ts';
import { describeTerminal } from '../../report/console/terminal.ts';
import { HtmlReporter } from '../../report/html.ts';
import { JsonReporter } from '../../report/json-report.ts';
import { JUnitReporter } from '../../report/junit/junit.ts';
import { SummaryReporter } from '../../report/markdown/summary.ts';
import { type CombinedReporter, combine } from '../../report/reporter.ts';
import type { Values } from '../../settings/settings.ts';
import { flag, text } from '../../settings/typed.ts';
import { givenFlags } from './given.ts';
import type { Io } from './io.ts';

/** The files of a run, where the settings want them. */
export function reportFiles(values: Values, env: NodeJS.ProcessEnv) {
  return {
    html: text(values, 'html') ?? 'reports/report.html',
    junit: text(values, 'junit') ?? 'reports/junit.xml',
    json: text(values, 'json') ?? 'reports/results.json',
    conformance: text(values, 'conformance') ?? 'reports/conformance.yaml',
    summary: text(values, 'summary') ?? (env.GITHUB_STEP_SUMMARY || undefined),
    debug: flag(values, 'debug') ? debugFile : undefined,
  };
}

export const debugFile = 'reports/debug.log';

/**
 * Console, page, JUnit, JSON, conformance report, and the summary where one is wanted.
 *
 * @param isLater for a later round on the same mesh: what does not change is not told on the console again
 */
export function makeReports(values: Values, artifacts: string, io: Io, isLater = false): CombinedReporter {
  const { html, junit, json, conformance, summary, debug } = reportFiles(values, io.env);
  const shown = (path: string) => relative(io.cwd, path) || path;
  const given = givenFlags(values, io.env);
  const files = {
    page: shown(html),
    JUnit: shown(junit),
    JSON: shown(json),
    conformance: shown(conformance),
    ...(debug === undefined ? {} : { debug: shown(debug) }),
  };
  const written = {
    page: new HtmlReporter({ file: html, artifacts, given, program: programName(io.cwd) }),
    JUnit: new JUnitReporter({ file: junit, artifacts: shown(artifacts), places: withPlaces(values, io) }),
    JSON: new JsonReporter({ file: json }),
    conformance: new ConformanceReporter({ file: conformance }),
  };
  const problems = new Map<string, { readonly problem: HarnessError | undefined }>(Object.entries(written));
  const all = [
    ...Object.values(written),
    // After the others: it says which of them could not be written.
    new ConsoleReporter({
      stream: io.stdout,
      ...describeTerminal(process.stdout, io.env),
      readLine: (place) => lineOf(resolve(io.cwd, place.file), place.line),
      reports: isLater ? {} : files,
      lost: (name) => problems.get(name)?.problem?.message,
      artifacts: shown(artifacts),
      quiet: flag(values, 'quiet'),
      known: isLater,
      given,
      program: programName(io.cwd),
    }),
    ...(summary === undefined ? [] : [new SummaryReporter({ file: summary })]),
  ];
  return combine(all, (line) => io.stderr.write(`${oneLine(line)}\n`));
}

/** GitHub's report actions and GitLab read `file` and `line` of a test case; Jenkins' xUnit plugin refuses them. */
export function withPlaces(values: Values, io: Io): boolean {
  const when = text(values, 'junit-places') ?? 'auto';
  return when === 'yes' || (when === 'auto' && Boolean(io.env.GITHUB_ACTIONS ?? io.env.GITLAB_CI));
}

function lineOf(file: string, line: number): string | undefined {
  try {
    return readLimited(file, limits.yamlBytes).toString('utf8').split('\n')[line - 1];
  } catch {
    return undefined;
  }
}
