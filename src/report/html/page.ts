/** The page as a whole. */
import type { RunResult } from '../result.ts';
import { pageAssets } from './assets.ts';
import { patterns } from './check/timeline.ts';
import { knownDeviations, skippedChecks, trouble } from './check/trouble.ts';
import { glyph, type Look, wordOf } from './glyphs.ts';
import { Html, html } from './markup.ts';
import type { HtmlOptions } from './page-options.ts';
import { scenarioSection, tagsOf } from './scenario-section.ts';
import { header, pageTitle } from './summary/header.ts';
import { lastRuns } from './summary/last-runs.ts';
import { jumpList, overview } from './summary/overview.ts';
import { findings, flaky, mutations, setUp, warnings } from './summary/page-notes.ts';
import { verdictOf } from './summary/run-verdict.ts';
import { inFull, type View, viewOf } from './view.ts';

/** The whole report as one HTML document that needs nothing else: no network, no server, no script for reading. */
export function renderHtml(result: RunResult, options: HtmlOptions = {}): string {
  const view = viewOf(result);
  const { style, script, policy } = pageAssets();
  // These two are files of the product, whose hashes are in the policy; everything else goes through `html`.
  const [styleText, scriptText] = [new Html(style), new Html(script)];
  return `${
    html`<!doctype html>
<html lang="en"${view.scenarios.length > 1 && html` class="has-jump"`}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="istio-jwt-e2e ${result.run.version}">
<title>${pageTitle(view, options)}</title>
${icon(view)}
<style>${styleText}</style>
<script>${scriptText}</script>
</head>
<body>
<a class="skip" href="#results">Skip to the results</a>
${jumpList(view)}
${patterns}
${header(view, options)}
<main>
${trouble(view)}
${knownDeviations(view)}
${overview(view)}
${lastRuns(view, options)}
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

/** The bar that finds checks. It needs the script, which makes it visible. */
const states: readonly Look[] = ['failed', 'error', 'known', 'passed', 'skipped'];

function filters({ checks, scenarios, result }: View): Html {
  if (checks.length === 0) return html``;
  const count = (look: Look) => checks.filter(({ check }) => check.state === look).length;
  const tags = [...new Set(scenarios.flatMap(tagsOf))].sort();
  return html`
<form class="filters" id="filters" role="search" aria-label="Filter checks" hidden>
  <label class="search"><span class="vh">Search</span><input type="search" id="search" placeholder="Search scenarios, tokens, answers, evidence" autocomplete="off" spellcheck="false"></label>
  <div class="states" role="group" aria-label="States">${states
    .filter((look) => count(look) > 0)
    .map(
      (look) =>
        html`<button type="button" class="s-${look}" data-filter="${look}" aria-pressed="false">${glyph(look)} ${wordOf(look)} <span class="n">${count(look)}</span></button>`,
    )}</div>
  ${
    tags.length > 1 &&
    html`<label class="tagfilter">Tag <select id="tag"><option value="">all</option>${tags.map((tag) => html`<option>${tag}</option>`)}</select></label>`
  }
  ${
    result.differences.length > 0 &&
    html`<label class="onlychanged"><input type="checkbox" id="changed"> only differences <span class="n">${result.differences.length}</span></label>`
  }
  <button type="reset">Show all</button>
  <output id="matches" aria-live="polite"></output>
</form>`;
}
