/** Everything about one check, what explains it first. */
import { formatPlace } from '../../../base/errors.ts';
import type { CheckResult } from '../../../base/events.ts';
import { wrongAnswerTexts } from '../../convergence-text.ts';
import { nextForCheck } from '../../next-command.ts';
import { plural } from '../../text.ts';
import { badge, facts, pre, source, span, wordOf } from '../glyphs.ts';
import { type Html, html, pathAddress } from '../markup.ts';
import type { Shown, StepPart } from '../matrix-view.ts';
import type { HtmlOptions } from '../page-options.ts';
import type { ScenarioView, StepView } from '../view.ts';
import { exchange, sent, tokenPart } from './exchange.ts';
import { pastOfShown, strip, turnText } from './strip.ts';

export interface DetailContext {
  readonly scenario: ScenarioView;
  readonly step: StepView;
  readonly part: StepPart;
  /** Start of the run in milliseconds since the epoch; the times of a token are compared with it. */
  readonly startedAt: number;
  readonly options: HtmlOptions;
}

/** Closed, as a summary of one line; what did not pass is open from the start, for readers on paper and without script. */
export function detail(shown: Shown, context: DetailContext): Html {
  const { check, mesh, anchor } = shown;
  const { scenario, step, part } = context;
  const several = step.parts.length > 1;
  const isTrouble = check.state === 'failed' || check.state === 'error';
  if (shown.isBrief && !isTrouble) return brief(shown);
  return html`
<details class="check-details"${isTrouble && html` open`}>
  <summary>${badge(check.state)} ${check.row} › ${check.column}${several && html` <span class="muted">${mesh.name}</span>`}</summary>
  <article class="detail" id="${anchor}" data-check="${check.id}" aria-label="${`${wordOf(check.state)}: ${check.row}, ${check.column}`}">
    <p class="crumbs">${scenario.info.id} › ${step.name}${several && html` › <b>${mesh.name}</b>`}</p>
    ${cause(check)}
    ${facts([
      ['Sent', sent(check)],
      ['Expected', expected(check)],
      ['Got', html`<b class="s-${check.state}">${check.actual ?? 'no answer'}</b>`],
      ['Written in', html`<code>${formatPlace(check.place)}</code>`],
    ])}
    ${several && others(shown, step)}
    ${lastRuns(shown, context)}
    ${again(shown, context)}
    ${
      !shown.isBrief &&
      html`${curl(check)}
    ${tokenPart(check, context.startedAt)}
    ${exchange(check)}
    ${policies(part)}
    ${evidence(check, context.options.artifacts)}
    ${convergence(check, part)}`
    }
    <p class="muted foot">Took ${span(check.durationMs)}. <span class="idline">Check <code>${check.id}</code></span></p>
  </article>
</details>`;
}

function expected({ expected, source: from }: CheckResult): Html {
  const by = source(from);
  return html`<b>${expected}</b>${by !== undefined && html` <span class="by">by ${by}</span>`}`;
}

/** As few elements as can be: there are thousands of these. */
function brief({ check, mesh, anchor }: Shown): Html {
  const { state, row, column, id, expected, actual = 'no answer', place } = check;
  return html`
<article class="detail brief" id="${anchor}" data-check="${id}" aria-label="${`${wordOf(state)}: ${row}, ${column}`}"><b>${wordOf(state)}: ${row} › ${column}</b>
<p>${mesh.name}. Sent ${sent(check)}; expected ${expected}; got ${actual}.</p><code>${formatPlace(place)}</code></article>`;
}

function cause({ state, message, hint, code, known, finding }: CheckResult): Html {
  return html`${
    (message ?? hint ?? code) !== undefined &&
    html`<div class="cause s-${state}">
      ${message !== undefined && html`<p class="message"><strong>${message}</strong>${code !== undefined && html` <code class="errorcode">${code}</code>`}</p>`}
      ${hint !== undefined && html`<p class="hint"><span>What to do:</span> ${hint}</p>`}</div>`
  }${known !== undefined && html`<p class="note s-known">${badge('known')} ${known.reason} <span class="until">until ${known.until}</span></p>`}${
    finding !== undefined &&
    html`<p class="note finding"><span class="findingmark" aria-hidden="true">※</span> <b>Finding:</b> ${finding}</p>`
  }`;
}

/** What the other meshes made of the same check. */
function others({ check, mesh }: Shown, step: StepView): Html {
  const same = step.parts.flatMap(({ checks }) => checks.filter((each) => each.check.id === check.id));
  return html`
<table class="plain compare"><caption>The same check on each mesh</caption>
  <thead><tr><th scope="col">Mesh</th><th scope="col">State</th><th scope="col">Got</th></tr></thead>
  <tbody>${same.map(
    (
      each,
    ) => html`<tr><th scope="row">${each.mesh === mesh ? html`${each.mesh.name} (this one)` : html`<a href="#${each.anchor}">${each.mesh.name}</a>`}</th>
    <td>${badge(each.check.state)}</td><td>${each.check.actual ?? 'no answer'}</td></tr>`,
  )}</tbody></table>`;
}

function lastRuns(shown: Shown, { step, options }: DetailContext): Html | undefined {
  const past = pastOfShown(shown, options, step.parts.length);
  if (past === undefined) return undefined;
  const { state } = shown.check;
  return html`<section class="part"><h5>Last runs</h5><p>${strip(past, state)} ${turnText(past, state)}</p></section>`;
}

/** The command that the console names, too. */
function again({ check, mesh }: Shown, { scenario, step, options }: DetailContext): Html | undefined {
  if (check.state === 'passed' || check.state === 'skipped') return undefined;
  const isOneOfSeveral = step.parts.length > 1;
  const command = nextForCheck(check, scenario.info, {
    given: options.given,
    program: options.program,
    mesh: mesh.facts,
    isOneOfSeveral,
  });
  if (command === undefined) return undefined;
  return html`<section class="part"><h5>Look closer</h5>${copyable(command, 'command to run next')}</section>`;
}

function curl({ request }: CheckResult): Html | undefined {
  if (request === undefined) return undefined;
  return html`<section class="part"><h5>As a curl line</h5>${copyable(request.curl, 'curl line')}</section>`;
}

/** @param name what it is; the script puts a button beside it that copies it */
function copyable(text: string, name: string): Html {
  return html`<div class="copyable" data-copy="Copy the ${name}">${pre(text, name)}</div>`;
}

/** Manifests stand once, at their step; the script shows them here as well. */
function policies({ inForce, isUnknown }: StepPart): Html {
  return html`<section class="part"><h5>Policies in force</h5>${
    inForce.length === 0
      ? html`<p>${isUnknown ? 'Their text is not in this result.' : 'None: no step so far has applied anything that is still there.'}</p>`
      : html`<ul class="policies">${inForce.map(
          ({ object, anchor, step }) =>
            html`<li data-policy="${anchor}"><a href="#${anchor}">${object}</a> <span class="muted">from “${step}”</span></li>`,
        )}</ul>`
  }</section>`;
}

// What was collected about a check that did not pass.

/** @param artifacts address of the folder that holds all evidence, relative to the page */
function evidence(check: CheckResult, artifacts: string | undefined): Html | undefined {
  const files = check.evidenceFiles ?? [];
  if (check.evidence === undefined && files.length === 0) return undefined;
  return html`<section class="part"><h5>Evidence</h5>
    ${check.evidence !== undefined && html`<p>${folder(check.evidence, artifacts)}</p>`}
    ${files.map(
      ({ name, text, omitted }) =>
        html`<details class="file"><summary>${name}${
          omitted !== undefined &&
          omitted > 0 &&
          html` <span class="muted">${plural(omitted, 'character')} left out</span>`
        }</summary>${pre(text, `Evidence ${name}`)}</details>`,
    )}</section>`;
}

function folder(path: string, artifacts: string | undefined): Html {
  if (artifacts === undefined) return html`In the folder <code>${path}</code> of the artifacts.`;
  const address = `${artifacts.replace(/\/+$/, '')}/${pathAddress(path)}/`;
  return html`In the folder <a href="${address}">${path}</a> next to this page, if it was kept.`;
}

/** How a check came to its answer, in words. */
function convergence({ convergence, proof, state }: CheckResult, { result }: StepPart): Html | undefined {
  if (convergence === undefined && proof === undefined) return undefined;
  const { attempts = 0, firstRightMs, lastWrongMs } = convergence ?? {};
  return html`<section class="part"><h5>How the answer came about</h5>
    <ul class="plainlist">
      ${convergence !== undefined && html`<li>${plural(attempts, 'request')}</li>`}
      ${result?.heldMs !== undefined && html`<li>all proxies had the configuration after ${span(result.heldMs)}</li>`}
      ${lastWrongMs !== undefined && html`<li>last wrong answer after ${span(lastWrongMs)}</li>`}
      ${firstRightMs !== undefined && html`<li>first right answer after ${span(firstRightMs)}</li>`}
      ${convergence !== undefined && wrongAnswerTexts(convergence, state).map((text) => html`<li>${text}</li>`)}
      ${proof !== undefined && html`<li>proof: ${proof}</li>`}
    </ul></section>`;
}
