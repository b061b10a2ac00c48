/** All scenarios with their states: a table with the counts, and a list to jump by that is always at hand. */
import type { CheckState } from '../../../base/events.ts';
import type { ScenarioResult } from '../../result.ts';
import { glyph, type Look, wordOf } from '../glyphs.ts';
import { type Html, html } from '../markup.ts';
import type { View } from '../view.ts';

/** Beside the page where there is room, else behind its heading at the top. The script opens it where it stands beside. */
export function jumpList({ scenarios }: View): Html | undefined {
  if (scenarios.length < 2) return undefined;
  return html`
<nav class="jump" aria-label="Jump to a scenario">
  <details id="jump"><summary>Scenarios ${counts(scenarios)}</summary>
    <ol>${scenarios.map(
      ({ info, anchor, state }) =>
        html`<li><a href="#${anchor}"><span class="s-${state}">${glyph(state)}<span class="vh"> ${wordOf(state)}:</span></span> <span>${info.id}</span></a></li>`,
    )}</ol>
  </details>
</nav>`;
}

/** How many are in which state, the worst first. */
function counts(scenarios: View['scenarios']): Html[] {
  const looks: readonly Look[] = ['failed', 'error', 'running', 'planned', 'known', 'passed', 'skipped'];
  return looks.flatMap((look) => {
    const count = scenarios.filter(({ state }) => state === look).length;
    return count === 0
      ? []
      : [
          html`<span class="s-${look}">${glyph(look)}\u00a0${count}<span class="vh"> ${wordOf(look)}</span></span> `,
        ];
  });
}

/** One row for each scenario, a column for each mesh. */
export function overview({ scenarios, meshes, result }: View): Html {
  if (scenarios.length === 0) return html`<p>No scenario was planned.</p>`;
  const several = meshes.length > 1;
  const changed = new Map<string, number>();
  for (const { scenario } of result.differences) changed.set(scenario, (changed.get(scenario) ?? 0) + 1);
  return html`
<nav aria-labelledby="overview">
  <h2 id="overview">Scenarios</h2>
  <div class="scroll"><table class="plain overview">
    <caption class="vh">Scenarios and how many of their checks passed</caption>
    <thead><tr><th scope="col">Scenario</th>${
      several
        ? meshes.map(({ name }) => html`<th scope="col">${name}</th>`)
        : html`<th scope="col">Checks passed</th>`
    }${result.differences.length > 0 && html`<th scope="col">Different</th>`}</tr></thead>
    <tbody>${scenarios.map(
      ({ info, anchor, results }) => html`<tr>
        <th scope="row"><a href="#${anchor}">${info.id}</a> <span class="title">${info.title}</span></th>
        ${results.map((run, index) => html`<td>${summary(run, meshes[index]?.failed === true)}</td>`)}
        ${result.differences.length > 0 && html`<td>${changed.has(info.id) && html`<span class="changedmark">≠ ${changed.get(info.id)}</span>`}</td>`}
      </tr>`,
    )}</tbody>
  </table></div>
</nav>`;
}

function summary(run: ScenarioResult | undefined, isFailedMesh: boolean): Html {
  if (run === undefined) {
    return isFailedMesh
      ? html`<span class="s-notrun">${glyph('notrun')} no mesh</span>`
      : html`<span class="muted">not planned</span>`;
  }
  const count = (state: CheckState) => run.checks.filter((check) => check.state === state).length;
  const look: Look = run.state === 'passed' && count('known') > 0 ? 'known' : run.state;
  const words = (
    [
      [count('failed'), 'failed'],
      [count('known'), 'known'],
      [count('error'), 'error'],
      [count('skipped'), 'skipped'],
      [run.notRun, run.state === 'planned' ? 'planned' : 'notrun'],
    ] satisfies [number, Look][]
  )
    .filter(([number]) => number > 0)
    .map(([number, word]) => `, ${number} ${wordOf(word)}`);
  return html`<span class="s-${look} sum">${glyph(look)} <strong>${count('passed')}/${run.planned}</strong><span class="vh"> passed</span>${words.join('')}</span>`;
}
