/** The page as a whole. */
import type { RunResult } from '../result.ts';
import { pageAssets } from './assets.ts';
import { filters } from './filters.ts';
import { header, pageTitle } from './header.ts';
import { Html, html } from './markup.ts';
import { findings, flaky, mutations, setUp, warnings } from './notes.ts';
import type { HtmlOptions } from './options.ts';
import { overview } from './overview.ts';
import { scenarioSection } from './scenario.ts';
import { patterns } from './timeline.ts';
import { knownDeviations, skippedChecks, trouble } from './trouble.ts';
import { verdictOf } from './verdict.ts';
import { inFull, type View, viewOf } from './view.ts';

/** The whole report as one HTML document that needs nothing else: no network, no server, no script for reading. */
export function renderHtml(result: RunResult, options: HtmlOptions = {}): string {
  const view = viewOf(result);
  const { style, script, policy } = pageAssets();
  // These two are files of the product, whose hashes are in the policy; everything else goes through `html`.
  const [styleText, scriptText] = [new Html(style), new Html(script)];
  return `${
    html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="istio-jwt-e2e ${result.run.version}">
<title>${pageTitle(view)}</title>
${icon(view)}
<style>${styleText}</style>
<script>${scriptText}</script>
</head>
<body>
<a class="skip" href="#results">Skip to the results</a>
${patterns}
${header(view)}
<main>
${trouble(view)}
${knownDeviations(view)}
${overview(view)}
${findings(view)}
${flaky(view)}
${mutations(view)}
${warnings(view)}
${skippedChecks(view)}
<section aria-labelledby="results" class="results">
  <h2 id="results" tabindex="-1">Results</h2>
  ${filters(view)}
  ${
    view.checks.some(({ isBrief }) => isBrief) &&
    html`<p class="note">This run has more than ${inFull.checks.toLocaleString('en')} checks. What was sent and answered is shown in full only for the first ${inFull.troubles} that did not pass; the JSON report has it for all.</p>`
  }
  ${view.scenarios.map((scenario) => scenarioSection(view, scenario, options))}
</section>
${setUp(view)}
</main>
<footer><p>Made by istio-jwt-e2e ${result.run.version}. This page is one file and loads nothing.</p></footer>
</body>
</html>
`.markup
  }`;
}

const iconColours: Readonly<Record<string, string>> = {
  passed: '#0b7a5a',
  failed: '#c5221f',
  skipped: '#5f6771',
};

/** The verdict in the tab of the browser. */
function icon({ result }: View): Html {
  const { look } = verdictOf(result);
  const shapes: Readonly<Record<string, string>> = {
    passed: 'M4 8.5l3 3 5-7',
    failed: 'M4.5 4.5l7 7m0-7l-7 7',
  };
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="${iconColours[look] ?? '#6a3fa0'}"/><path d="${shapes[look] ?? 'M8 3.5v6m0 2.2v.8'}" fill="none" stroke="#fff" stroke-width="2"/></svg>`;
  return html`<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(svg)}">`;
}
