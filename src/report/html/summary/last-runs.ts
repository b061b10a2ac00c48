/** What changed in the last runs, and what has not passed for longer. */
import type { CheckState } from '../../../base/events.ts';
import { lastTurn, type Past } from '../../history/history.ts';
import { plural } from '../../text.ts';
import { pastOfShown, strip, turnText } from '../check/strip.ts';
import { badge, time } from '../glyphs.ts';
import { type Html, html } from '../markup.ts';
import type { Shown } from '../matrix-view.ts';
import type { HtmlOptions } from '../page-options.ts';
import type { View } from '../view.ts';

/** More than this and nobody reads them; the details of each check have its own. */
const mostShown = 60;

interface Row {
  readonly shown: Shown;
  readonly past: readonly Past[];
  readonly state: CheckState;
}

/** Checks that changed, or do not pass: what is new stands first, and then what does not pass. Nothing without earlier runs. */
export function lastRuns(view: View, options: HtmlOptions): Html {
  const { history } = options;
  if (history === undefined || history.runs.length === 0) return html``;
  const several = view.meshes.length > 1;
  const rows = view.checks.flatMap((shown): Row[] => {
    const past = pastOfShown(shown, options, view.meshes.length);
    const { state } = shown.check;
    return past === undefined || state === 'skipped' ? [] : [{ shown, past, state }];
  });
  const told = rows.filter(({ past, state }) => state !== 'passed' || lastTurn(past, state) !== undefined);
  const sorted = told.toSorted(
    (one, other) =>
      age(one) - age(other) || Number(one.state === 'passed') - Number(other.state === 'passed'),
  );
  const first = history.runs[0];
  return html`
<section aria-labelledby="last-runs">
  <h2 id="last-runs">Last runs</h2>
  <p>${plural(history.runs.length, 'earlier run')}${first !== undefined && html`, since ${time(first.startedAt)}`}; this run is the last sign of each strip.</p>
  ${
    sorted.length === 0
      ? html`<p>All checks that earlier runs have passed in each of them.</p>`
      : html`<div class="scroll"><table class="plain runs">
    <caption>Checks that changed, or did not pass${sorted.length > mostShown && `: ${mostShown} of ${sorted.length}`}</caption>
    <thead><tr><th scope="col">Check</th>${several && html`<th scope="col">Mesh</th>`}<th scope="col">Now</th><th scope="col">Runs</th><th scope="col">Since when</th></tr></thead>
    <tbody>${sorted.slice(0, mostShown).map(
      ({
        shown: { check, anchor, mesh },
        past,
        state,
      }) => html`<tr><th scope="row"><a href="#${anchor}">${check.row} › ${check.column}</a> <small>${check.scenario} › ${check.step}</small></th>
        ${several && html`<td>${mesh.name}</td>`}<td>${badge(state)}</td><td>${strip(past, state)}</td><td>${turnText(past, state)}</td></tr>`,
    )}</tbody>
  </table></div>`
  }
</section>`;
}

/** For how many runs it has been as it is; what never changed comes last. */
function age({ past, state }: Row): number {
  return lastTurn(past, state)?.runs ?? Number.POSITIVE_INFINITY;
}
