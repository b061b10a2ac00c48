/** How a check came out in the last runs: a sign for each, and since when it is as it is. */
import type { CheckState } from '../../../base/events.ts';
import { lastTurn, type Past, pastOf } from '../../history/history.ts';
import { plural } from '../../text.ts';
import { glyph, glyphOf, time, wordOf } from '../glyphs.ts';
import { type Html, html } from '../markup.ts';
import type { Shown } from '../matrix-view.ts';
import type { HtmlOptions } from '../page-options.ts';

/** The strip of a check, for a page about that many meshes; undefined when no earlier run has it. */
export function pastOfShown(
  { check, mesh }: Shown,
  { history }: Pick<HtmlOptions, 'history'>,
  meshes: number,
): Past[] | undefined {
  if (history === undefined) return undefined;
  const past = pastOf(history, mesh.id, check.id, meshes);
  return past.some(({ state }) => state !== undefined) ? past : undefined;
}

/** The signs, the oldest first; this run is the last one. The sentence beside it says the same in words. */
export function strip(past: readonly Past[], now: CheckState): Html {
  return html`<span class="strip" aria-hidden="true">${past.map(({ run, istio, state }) => {
    const look = state ?? 'notrun';
    const when = `${run.startedAt.slice(0, 10)}${istio === undefined ? '' : `, Istio ${istio}`}`;
    return html`<span class="s-${look}" title="${`${when}: ${state === undefined ? 'not in this run' : wordOf(look)}`}">${state === undefined ? '·' : glyphOf(look)}</span>`;
  })}<span class="now s-${now}" title="this run">${glyph(now)}</span></span>`;
}

/** Since when it is as it is, or how often it was so. */
export function turnText(past: readonly Past[], now: CheckState): Html {
  const known = past.filter(({ state }) => state !== undefined && state !== 'skipped').length;
  const turn = lastTurn(past, now);
  if (turn === undefined) {
    return now === 'skipped' || known === 0
      ? html`No earlier run says more.`
      : html`${wordOf(now)} in ${known === 1 ? 'the earlier run' : `all ${known} earlier runs`}, too.`;
  }
  const { before, since, runs } = turn;
  return since === undefined
    ? html`<b>New in this run.</b> Before: ${wordOf(before)}.`
    : html`${wordOf(now)} since ${time(since.startedAt)}, for ${plural(runs, 'run')}. Before: ${wordOf(before)}.`;
}
