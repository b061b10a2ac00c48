/** The reports of a run, made as the settings want them. */
import { oneLine } from '../../base/harmless.ts';
import { programName } from '../../engine/product.ts';
import { ConformanceReporter } from '../../report/conformance/conformance.ts';
import { JsonReporter } from '../../report/file-reporter.ts';
import type { History } from '../../report/history/history.ts';
import { HtmlReporter } from '../../report/html.ts';
import { JUnitReporter } from '../../report/junit/junit.ts';
import { SummaryReporter } from '../../report/markdown/summary.ts';
import { type CombinedReporter, combine } from '../../report/reporter.ts';
import type { Values } from '../../settings/settings.ts';
import { text } from '../../settings/typed.ts';
import { type Begun, reportFiles, shown } from './console-report.ts';
import { givenFlags } from './given.ts';
import type { Io } from './io.ts';

/** Page, JUnit, JSON, conformance report, the console that has begun, and the summary where one is wanted. */
export function makeReports(
  values: Values,
  artifacts: string,
  io: Io,
  { console, problems }: Begun,
  history?: History,
): CombinedReporter {
  const { html, junit, json, conformance, summary } = reportFiles(values, io.env);
  const given = givenFlags(values, io.env);
  const written = {
    page: new HtmlReporter({
      file: html,
      artifacts,
      given,
      program: programName(io),
      title: text(values, 'title'),
      history,
    }),
    JUnit: new JUnitReporter({
      file: junit,
      artifacts: shown(artifacts, io),
      places: withPlaces(values, io),
    }),
    JSON: new JsonReporter({ file: json }),
    conformance: new ConformanceReporter({ file: conformance }),
  };
  for (const [name, reporter] of Object.entries(written)) problems.set(name, reporter);
  const all = [
    ...Object.values(written),
    // After the others: it says which of them could not be written.
    console,
    ...(summary === undefined ? [] : [new SummaryReporter({ file: summary })]),
  ];
  return combine(all, (line) => io.stderr.write(`${oneLine(line)}\n`));
}

/** GitHub's report actions and GitLab read `file` and `line` of a test case; Jenkins' xUnit plugin refuses them. */
export function withPlaces(values: Values, io: Io): boolean {
  const when = text(values, 'junit-places') ?? 'auto';
  return when === 'yes' || (when === 'auto' && Boolean(io.env.GITHUB_ACTIONS ?? io.env.GITLAB_CI));
}
