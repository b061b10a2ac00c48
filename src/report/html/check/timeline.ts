/** When a change took hold, as a picture and as a table. */
import { plural } from '../../text.ts';
import { span } from '../glyphs.ts';
import { type Html, html } from '../markup.ts';
import type { StepView } from '../view.ts';
import { type Lane, type Lanes, lanesOf } from './lanes.ts';

/** The pattern of wrong answers, once in the page. */
export const patterns = html`
<svg class="vh" width="0" height="0" aria-hidden="true" focusable="false"><defs>
  <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-back" width="6" height="6" /><rect class="hatch-line" width="3" height="6" /></pattern>
</defs></svg>`;

/** Nothing for a step without a change. All meshes have one scale; the picture is open where an answer was wrong. */
export function timeline({ parts }: StepView): Html | undefined {
  const shown = parts.flatMap((part) => {
    const lanes = lanesOf(part);
    return lanes === undefined ? [] : [{ part, lanes }];
  });
  if (shown.length === 0) return undefined;
  const end = Math.max(...shown.map(({ lanes }) => lanes.endMs));
  const several = parts.length > 1;
  const isOpen = shown.some(({ lanes }) => lanes.lanes.some(({ wrongUntil }) => wrongUntil !== undefined));
  return html`
<details class="timeline"${isOpen && html` open`}>
  <summary>When the change took hold: ${shown.map(
    ({ part, lanes }) =>
      html`<span class="told">${several && html`<b>${part.mesh.name}:</b> `}${sentence(lanes)}</span> `,
  )}</summary>
  ${shown.map(
    ({ part, lanes }) => html`
  <div class="lanes" aria-hidden="true">${several && html`<b>${part.mesh.name}</b>`}${lanes.lanes.map((lane) => laneRow(lane, lanes, end))}${axis(lanes, end)}</div>`,
  )}
  ${shown.map(({ part, lanes }) => html`<details class="more"><summary>The times as a table${several && `, ${part.mesh.name}`}</summary>${table(part.checks, lanes, several ? part.mesh.name : undefined)}</details>`)}
</details>`;
}

function sentence({ heldMs, windowMs, stale }: Lanes): Html {
  const held =
    heldMs === undefined
      ? html`there is no proof that all proxies had the configuration.`
      : html`all proxies had the configuration after <b>${span(heldMs)}</b>.`;
  const leak =
    windowMs === undefined
      ? html`No wrong answer.`
      : html`Leak window <b>${span(windowMs)}</b>: ${plural(stale, 'wrong answer')}.`;
  return html`${held} ${leak}`;
}

const x = (ms: number, end: number): string => `${Math.min(100, (100 * ms) / end).toFixed(2)}%`;

function laneRow({ label, words, look, wrongUntil, rightFrom }: Lane, { heldMs }: Lanes, end: number): Html {
  const never = rightFrom === undefined;
  return html`
      <div class="lane"><span class="lanelabel">${label} <small>${words}</small></span>
        <svg width="100%" height="18" focusable="false">
          <rect class="track" width="100%" height="2" y="8" />
          ${wrongUntil !== undefined && html`<rect class="wrong" x="0" y="3" width="${x(never ? end : wrongUntil, end)}" height="12" rx="1" />`}
          ${rightFrom !== undefined && html`<rect class="right" x="${x(rightFrom, end)}" y="6" width="${x(end - rightFrom, end)}" height="6" /><circle class="f-${look}" cx="${x(rightFrom, end)}" cy="9" r="5" />`}
          ${heldMs !== undefined && html`<line class="held" x1="${x(heldMs, end)}" x2="${x(heldMs, end)}" y1="0" y2="18" />`}
        </svg></div>`;
}

function axis({ heldMs }: Lanes, end: number): Html {
  const step = niceStep(end / 4);
  const ticks: number[] = [];
  for (let ms = 0; ms < end * 0.97 && ticks.length < 10; ms += step) ticks.push(ms);
  return html`
      <div class="lane axis"><span class="lanelabel legend"><span class="key"><svg width="14" height="12" focusable="false"><rect class="wrong" width="14" height="12" /></svg> wrong</span> <span class="key"><svg width="14" height="12" focusable="false"><circle class="f-passed" cx="7" cy="6" r="5" /></svg> right</span>${
        heldMs !== undefined &&
        html` <span class="key"><svg width="6" height="12" focusable="false"><line class="held" x1="3" x2="3" y1="0" y2="12" /></svg> proxies have it</span>`
      }</span>
        <svg width="100%" height="18" focusable="false">${ticks.map(
          (ms) =>
            html`<line class="tick" x1="${x(ms, end)}" x2="${x(ms, end)}" y1="0" y2="4" /><text x="${x(ms, end)}" y="15"${ms === 0 ? html` text-anchor="start"` : html` text-anchor="middle"`}>${ms === 0 ? 'change' : span(ms)}</text>`,
        )}</svg></div>`;
}

/** 1, 2 or 5 times a power of ten, not below `ms`. */
function niceStep(ms: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, ms)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= ms) ?? 10 * power;
}

function table(
  checks: StepView['parts'][number]['checks'],
  { heldMs }: Lanes,
  mesh: string | undefined,
): Html {
  const cell = (ms: number | undefined, none: string) => html`<td>${ms === undefined ? none : span(ms)}</td>`;
  return html`<div class="scroll"><table class="plain"><caption>Times since the change${mesh !== undefined && `, ${mesh}`}; proxies had it after ${heldMs === undefined ? 'an unknown time' : span(heldMs)}</caption>
    <thead><tr><th scope="col">Check</th><th scope="col">First right</th><th scope="col">Last wrong</th><th scope="col">Wrong answers</th></tr></thead>
    <tbody>${checks
      .filter(({ check }) => check.convergence !== undefined)
      .map(
        ({ check: { row, column, convergence } }) =>
          html`<tr><th scope="row">${row} › ${column}</th>${cell(convergence?.firstRightMs, 'never')}${cell(convergence?.lastWrongMs, 'none')}<td>${convergence?.stale ?? 0}</td></tr>`,
      )}</tbody></table></div>`;
}
