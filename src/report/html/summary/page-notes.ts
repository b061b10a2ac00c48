/** Findings, warnings, checks that do not always come out the same, and the set-up with its times. */
import { formatPlace } from '../../../base/errors.ts';
import { mistakeText, mutationScore, witnessText } from '../../mutation.ts';
import { plural } from '../../text.ts';
import { badge, glyph, span } from '../glyphs.ts';
import { type Html, html } from '../markup.ts';
import type { View } from '../view.ts';
import { isDocumented } from './run-verdict.ts';

/** How many checks of one finding are linked. */
const mostLinked = 4;

export function findings({ result, checks }: View): Html {
  if (result.findings.length === 0) return html``;
  return html`
<section aria-labelledby="findings">
  <h2 id="findings">Findings</h2>
  <p>${isDocumented(result) ? 'What Istio does otherwise than its document says' : 'What was found out'}, and the checks that show it.</p>
  <ul class="findings">${result.findings.map(({ text, checks: ids }) => {
    const shown = checks.filter(({ check }) => ids.includes(check.id) && check.finding === text);
    const left = shown.length - mostLinked;
    return html`<li>${text} <span class="shownby">${shown
      .slice(0, mostLinked)
      .map(
        ({ anchor, check, mesh }, index) =>
          html`${index > 0 && ' · '}<a href="#${anchor}">${check.row} › ${check.column}</a>${
            shown.some((other) => other.check.id === check.id && other.mesh !== mesh) && ` (${mesh.name})`
          }`,
      )}${left > 0 && ` and ${left} more`}</span></li>`;
  })}</ul>
</section>`;
}

export function warnings({ result, meshes }: View): Html {
  if (result.warnings.length === 0) return html``;
  return html`
<section aria-labelledby="warnings">
  <h2 id="warnings">Warnings</h2>
  <ul class="reasons">${result.warnings.map(
    ({ message, mesh, place }) => html`<li><span class="glyph" aria-hidden="true">!</span> ${message}
      ${mesh !== undefined && html`<b>${meshes.find(({ id }) => id === mesh)?.name ?? mesh}</b>`}
      ${place !== undefined && html`<code>${formatPlace(place)}</code>`}</li>`,
  )}</ul>
</section>`;
}

export function flaky({ result, meshes }: View): Html {
  const all = result.flaky ?? [];
  if (all.length === 0) return html``;
  const several = meshes.length > 1;
  return html`
<section aria-labelledby="flaky">
  <h2 id="flaky">Not always the same</h2>
  <div class="scroll"><table class="plain">
    <caption>Checks that did not come out the same each time</caption>
    <thead><tr><th scope="col">Check</th>${several && html`<th scope="col">Mesh</th>`}<th scope="col">Passed</th></tr></thead>
    <tbody>${all.map(
      ({ check, mesh, runs, passed }) => html`<tr><th scope="row">${check}</th>
        ${several && html`<td>${meshes.find(({ id }) => id === mesh)?.name ?? mesh}</td>`}<td>${passed} of ${runs}</td></tr>`,
    )}</tbody>
  </table></div>
</section>`;
}

/** How many mistakes in policies the checks would notice, and the requests that would notice the others. */
export function mutations({ result, meshes }: View): Html {
  const all = result.scenarios.filter(({ mutation }) => mutation !== undefined);
  if (all.length === 0) return html``;
  const several = meshes.length > 1;
  return html`
<section aria-labelledby="mutations">
  <h2 id="mutations">Mistakes in policies</h2>
  <div class="scroll"><table class="plain">
    <caption>How many the checks would notice, by the model of policies, without the mesh</caption>
    <thead><tr><th scope="col">Scenario</th>${several && html`<th scope="col">Mesh</th>`}<th scope="col">Score</th><th scope="col">What no check notices, and the request that would</th></tr></thead>
    <tbody>${all.map(
      ({ info, mutation }) => html`<tr><th scope="row">${info.id}</th>
        ${several && html`<td>${meshes.find(({ id }) => id === info.mesh)?.name ?? info.mesh}</td>`}<td>${mutation && mutationScore(mutation)}</td>
        <td>${mutation?.survivors.map(
          (each) => html`<p><code>${formatPlace(each.place)}</code> ${mistakeText(each)}<br>
          ${witnessText(each)}</p>`,
        )}</td></tr>`,
    )}</tbody>
  </table></div>
</section>`;
}

/** The steps of the set-up as bars on one scale. */
export function setUp({ result, meshes }: View): Html {
  const { phases } = result;
  if (phases.length === 0) return html``;
  const several = meshes.length > 1;
  const longest = Math.max(1, ...phases.map(({ durationMs }) => durationMs));
  const looks = { passed: 'passed', failed: 'failed', running: 'running' } as const;
  return html`
<section aria-labelledby="setup">
  <h2 id="setup">Set-up</h2>
  <div class="scroll"><table class="plain phases">
    <caption>${plural(phases.length, 'step')} of the set-up and how long each took</caption>
    <thead><tr><th scope="col">Step</th>${several && html`<th scope="col">Mesh</th>`}<th scope="col">State</th><th scope="col">Time</th><td class="barcell"></td></tr></thead>
    <tbody>${phases.map(({ phase, mesh, state, durationMs, note, problem }) => {
      const look = looks[state];
      return html`<tr><th scope="row">${phase}${note !== undefined && html` <small>${note}</small>`}${problem !== undefined && html` <small>${problem.message}</small>`}</th>
        ${several && html`<td>${mesh !== undefined && (meshes.find(({ id }) => id === mesh)?.name ?? mesh)}</td>`}
        <td>${state === 'passed' ? html`<span class="s-passed">${glyph('passed')} done</span>` : badge(look)}</td>
        <td class="number">${span(durationMs)}</td>
        <td class="barcell"><svg aria-hidden="true" width="100%" height="10"><rect class="f-${look}" width="${((100 * durationMs) / longest).toFixed(2)}%" height="10" rx="2" /></svg></td></tr>`;
    })}</tbody>
  </table></div>
</section>`;
}
