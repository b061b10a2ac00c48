/** What a run says on the console. Apart from its other reports, which take longer to load: it is to say something at once. */
import { relative, resolve } from 'node:path';
import { HarnessError } from '../../base/errors.ts';
import { readLimited } from '../../base/files/limited-file.ts';
import { limits } from '../../base/files/limits.ts';
import { programName } from '../../engine/product.ts';
import { ConsoleReporter } from '../../report/console/console.ts';
import { describeTerminal } from '../../report/console/terminal.ts';
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

/**
 * Two reports in one file would leave the last one alone.
 *
 * @param files by the names of their settings
 * @throws HarnessError E_USAGE
 */
export function refuseSameFile(files: Readonly<Record<string, string | undefined>>, { cwd }: Io): void {
  const known = new Map<string, string>();
  for (const [name, file] of Object.entries(files)) {
    if (file === undefined) continue;
    const path = resolve(cwd, file);
    const other = known.get(path);
    if (other !== undefined) {
      const hint = 'Give each report a file of its own.';
      throw new HarnessError('E_USAGE', `--${other} and --${name} would both be written to ${file}`, {
        hint,
      });
    }
    known.set(path, name);
  }
}

export const debugFile = 'reports/debug.log';

/** As it is to be shown. */
export function shown(path: string, { cwd }: Io): string {
  return relative(cwd, path) || path;
}

/** The console, and what it is told about other reports. */
export interface Begun {
  readonly console: ConsoleReporter;
  /** Why one of them, by its name, could not be written; those who write them come later. */
  readonly problems: Map<string, { readonly problem: HarnessError | undefined }>;
}

/** @param isLater for a later round on the same mesh: what does not change is not told again */
export function beginReports(values: Values, artifacts: string, io: Io, isLater = false): Begun {
  const problems: Begun['problems'] = new Map();
  const { html, junit, json, conformance, debug } = reportFiles(values, io.env);
  const files = {
    page: shown(html, io),
    JUnit: shown(junit, io),
    JSON: shown(json, io),
    conformance: shown(conformance, io),
    ...(debug === undefined ? {} : { debug: shown(debug, io) }),
  };
  const console = new ConsoleReporter({
    stream: io.stdout,
    ...describeTerminal(process.stdout, io.env),
    readLine: (place) => lineOf(resolve(io.cwd, place.file), place.line),
    reports: isLater ? {} : files,
    lost: (name) => problems.get(name)?.problem?.message,
    artifacts: shown(artifacts, io),
    quiet: flag(values, 'quiet'),
    known: isLater,
    given: givenFlags(values, io.env),
    program: programName(io),
  });
  return { console, problems };
}

function lineOf(file: string, line: number): string | undefined {
  try {
    return readLimited(file, limits.yamlBytes).toString('utf8').split('\n')[line - 1];
  } catch {
    return undefined;
  }
}
