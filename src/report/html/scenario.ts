/** A scenario: what it is, then its steps, each with its matrix, its timeline and what it applied. */
import { formatPlace } from '../../errors.ts';
import { plural } from '../text.ts';
import { applied } from './applied.ts';
import { type DetailContext, detail } from './detail.ts';
import { badge, source, span } from './look.ts';
import { type Html, html } from './markup.ts';
import { matrixTable, notRunCells } from './matrix.ts';
import type { StepPart } from './matrix-view.ts';
import type { HtmlOptions } from './options.ts';
import { timeline } from './timeline.ts';
import type { ScenarioView, StepView, View } from './view.ts';

/** What can be filtered by: the profile, who fetches keys, and the tags. */
export function tagsOf({ info }: ScenarioView): string[] {
  return [
    ...new Set([info.profile, ...(info.fetch === undefined ? [] : [`keys by ${info.fetch}`]), ...info.tags]),
  ];
}

export function scenarioSection(view: View, scenario: ScenarioView, options: HtmlOptions): Html {
  const { info, anchor, state, results, steps } = scenario;
  const took = results.flatMap((run) => (run === undefined ? [] : [run.durationMs]));
  const notRun = results.reduce((sum, run) => sum + (run?.notRun ?? 0), 0);
  const problems = results.flatMap((run, index) =>
    run?.problem === undefined ? [] : [{ mesh: view.meshes[index], problem: run.problem }],
  );
  const context = { scenario, options, startedAt: Date.parse(view.result.run.startedAt) };
  return html`
<section class="scenario" id="${anchor}" data-tags="${JSON.stringify(tagsOf(scenario))}">
  <header>
    <h3>${badge(state)} ${info.title}</h3>
    <p class="info"><code>${info.id}</code>${info.repeat !== undefined && html` · time ${info.repeat}`} · ${source(info.source)} · <code>${formatPlace(info.place)}</code>${
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
