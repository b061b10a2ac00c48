/** A scenario: what it is, then its steps, each with its matrix, its timeline and what it applied. */
import { formatPlace } from '../../base/errors.ts';
import { groupBy } from '../../base/group.ts';
import { plural } from '../text.ts';
import { type DetailContext, detail } from './check/detail.ts';
import { policiesFirst } from './check/policies.ts';
import { selections } from './check/policy-selection.ts';
import { timeline } from './check/timeline.ts';
import { badge, pre, source, span } from './glyphs.ts';
import { type Html, html } from './markup.ts';
import { matrixTable, notRunCells } from './matrix-table.ts';
import type { StepPart } from './matrix-view.ts';
import type { HtmlOptions } from './page-options.ts';
import type { ScenarioView, StepView, View } from './view.ts';

/** What can be filtered by: the profile, who fetches keys, mesh settings, and the tags. */
export function tagsOf({ info }: ScenarioView): string[] {
  const fetch = info.fetch === undefined ? [] : [`keys by ${info.fetch}`];
  const settings = Object.entries(info.settings ?? {}).map(([name, value]) => `${name}: ${value}`);
  return [...new Set([info.profile, ...fetch, ...settings, ...info.tags])];
}

export function scenarioSection(view: View, scenario: ScenarioView, options: HtmlOptions): Html {
  const { info, anchor, state, results, steps } = scenario;
  const took = results.flatMap((run) => (run === undefined ? [] : [run.durationMs]));
  const notRun = results.reduce((sum, run) => sum + (run?.notRun ?? 0), 0);
  const problems = results.flatMap((run, index) =>
    run?.problem === undefined ? [] : [{ mesh: view.meshes[index], problem: run.problem }],
  );
  const from = source(info.source);
  const context = { scenario, options, startedAt: Date.parse(view.result.run.startedAt) };
  return html`
<section class="scenario" id="${anchor}" data-tags="${JSON.stringify(tagsOf(scenario))}">
  <header>
    <h3>${badge(state)} ${info.title}</h3>
    <p class="info"><code>${info.id}</code>${info.repeat !== undefined && html` · time ${info.repeat}`}${from !== undefined && html` · ${from}`} · <code>${formatPlace(info.place)}</code>${
      took.length > 0 && html` · ${span(Math.max(...took))}`
    }</p>
    <p class="tags">${tagsOf(scenario).map((tag) => html`<span class="tag">${tag}</span> `)}</p>
  </header>
  ${problems.map(
    ({ mesh, problem }) =>
      html`<div class="cause s-error"><p class="message">${badge('error')} <strong>${problem.message}</strong> <code class="errorcode">${problem.code}</code>${
        view.meshes.length > 1 && html` <b>${mesh?.name ?? ''}</b>`
      }</p>${problem.hint !== undefined && html`<p class="hint"><span>What to do:</span> ${problem.hint}</p>`}</div>`,
  )}
  ${steps.map((step) => stepSection(view, step, context))}
  ${notRunCells(notRun)}
</section>`;
}

function stepSection(view: View, step: StepView, context: Omit<DetailContext, 'step' | 'part'>): Html {
  const { name, anchor, parts, requests, others } = step;
  const { meshes } = view;
  return html`
  <section class="step" id="${anchor}">
    <h4>${name} <small>${counts(parts)}</small></h4>
    ${requests !== undefined && matrixTable(requests, meshes, 'Request', `Answers to the requests of “${name}”`)}
    ${others !== undefined && matrixTable(others, meshes, 'Also checked', `What else “${name}” checks`)}
    ${applied(parts)}
    ${selections(parts)}
    ${timeline(step)}
    <div class="all-details">${parts.map((part) => part.checks.map((shown) => detail(shown, { ...context, step, part })))}</div>
  </section>`;
}

function counts(parts: readonly StepPart[]): string {
  const checks = parts.flatMap((part) => part.checks);
  const requests = checks.filter(({ check }) => check.kind === 'request').length;
  const others = checks.length - requests;
  return [
    ...(requests > 0 ? [plural(requests, 'request')] : []),
    ...(others > 0 ? [plural(others, 'other check')] : []),
  ].join(', ');
}

// What a step changed: the objects, their manifests, and what the API server had to say.

/** Meshes that got the same are told together. */
function applied(parts: readonly StepPart[]): Html {
  const changed = parts.filter(({ result }) => result !== undefined && result.objects.length > 0);
  const alike = groupBy(changed, ({ result, policies }) =>
    JSON.stringify([result?.objects, policies.map(({ yaml }) => yaml)]),
  );
  const warnings = [...new Set(parts.flatMap(({ result }) => result?.warnings ?? []))];
  const isSame = alike.size === 1;
  return html`${[...alike.values()].map((group) => changes(group, isSame))}${apiWarnings(warnings)}`;
}

/** How many warnings are shown without a click. */
const mostWarnings = 2;

function apiWarnings(warnings: readonly string[]): Html {
  if (warnings.length === 0) return html``;
  const list = html`<ul class="apiwarnings">${warnings.map(
    (warning) =>
      html`<li><span class="glyph" aria-hidden="true">!</span> <span>Warning of the API server: ${warning}</span></li>`,
  )}</ul>`;
  return warnings.length <= mostWarnings
    ? list
    : html`<details class="applied"><summary>${plural(warnings.length, 'warning')} of the API server</summary>${list}</details>`;
}

function changes(group: readonly StepPart[], isSame: boolean): Html {
  const objects = policiesFirst(group[0]?.result?.objects ?? [], (object) => object);
  const policies = group[0]?.policies ?? [];
  // A check of each mesh refers to the manifests of its own mesh.
  const anchors = group.slice(1).map((part) => part.policies.map(({ anchor }) => anchor));
  return html`
    <details class="applied"><summary>Applied${!isSame && html` on ${group.map(({ mesh }) => mesh.name).join(', ')}`}: ${objects.join(', ')}</summary>
      ${policies.length === 0 && html`<p class="muted">The text is not in this result.</p>`}
      ${policies.map(
        ({ object, yaml, anchor }, index) =>
          html`<div class="policy" id="${anchor}"><h5>${anchors.map(
            (others) => html`<span id="${others[index]}"></span>`,
          )}${object}</h5>${pre(yaml, `Manifest of ${object}`)}</div>`,
      )}</details>`;
}
