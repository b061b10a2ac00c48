/** The sections that tell a reader within a minute what is wrong: causes, known deviations, checks that did not run. */
import { formatPlace } from '../../../base/errors.ts';
import { groupBy } from '../../../base/group.ts';
import { mostNamed } from '../../cause.ts';
import { plural } from '../../text.ts';
import { promisesByReason, promiseText, reasonOf } from '../../unproven.ts';
import { badge, glyph, pre } from '../glyphs.ts';
import { type Html, html } from '../markup.ts';
import type { Shown } from '../matrix-view.ts';
import type { View } from '../view.ts';
import { type Cause, causesOf } from './causes.ts';

export function trouble(view: View): Html {
  const causes = causesOf(view);
  const notRun = view.scenarios.flatMap(({ info, anchor, results }) =>
    results.flatMap((run, index) =>
      run === undefined || run.notRun === 0
        ? []
        : [{ anchor, id: info.id, mesh: view.meshes[index], count: run.notRun }],
    ),
  );
  if (causes.length + notRun.length === 0) return html``;
  const several = view.meshes.length > 1;
  return html`
<section aria-labelledby="wrong">
  <h2 id="wrong">What went wrong</h2>
  <ol class="causes">${causes.map((cause) => causeItem(cause, several))}</ol>
  ${
    notRun.length > 0 &&
    html`<p class="note s-notrun">${glyph('notrun')} Not run: ${notRun.map(
      ({ anchor, id, mesh, count }, index) =>
        html`${index > 0 && ', '}<a href="#${anchor}">${id}</a>${several && html` on ${mesh?.name ?? ''}`} (${plural(count, 'check')})`,
    )}.</p>`
  }
</section>`;
}

function causeItem(
  { look, message, code, hint, details, place, where, checks }: Cause,
  several: boolean,
): Html {
  const rest = checks.slice(mostNamed);
  return html`
<li class="cause s-${look}">
  <p class="message">${badge(look)} <strong>${message}</strong>${code !== undefined && html` <code class="errorcode">${code}</code>`}</p>
  ${hint !== undefined && html`<p class="hint"><span>What to do:</span> ${hint}</p>`}
  ${where.length > 0 && html`<p class="where">${where.join('; ')}</p>`}
  ${checks.length > 0 && html`<ul class="links">${checks.slice(0, mostNamed).map((each) => item(each, several))}</ul>`}
  ${
    rest.length > 0 &&
    html`<details><summary>${plural(rest.length, 'more check')}</summary><ul class="links">${rest.map((each) => item(each, several))}</ul></details>`
  }
  ${place !== undefined && html`<p class="where">in <code>${formatPlace(place)}</code></p>`}
  ${
    details !== undefined &&
    details.trim() !== '' &&
    html`<details><summary>Details</summary>${pre(details, 'Details of the problem')}</details>`
  }
</li>`;
}

function item({ check, anchor, mesh }: Shown, several: boolean): Html {
  const { scenario, step, row, column, expected, actual } = check;
  return html`<li><a href="#${anchor}">${row} <span class="to">›</span> ${column}</a>
    <span class="path">${scenario} › ${step}${several && html` › <b>${mesh.name}</b>`}</span>
    ${check.message !== undefined && html`<span class="diff">expected <b>${expected}</b>, got <b>${actual ?? 'no answer'}</b></span>`}</li>`;
}

/** Failures that the baseline file expects. */
export function knownDeviations({ checks, meshes }: View): Html {
  const known = checks.filter(({ check }) => check.state === 'known');
  if (known.length === 0) return html``;
  const groups = groupBy(known, ({ check }) => JSON.stringify([check.known?.reason, check.known?.until]));
  return html`
<section aria-labelledby="known">
  <h2 id="known">Known deviations</h2>
  <p>These checks failed, as the baseline file says they do.</p>
  <ul class="causes">${[...groups.values()].map((group) => {
    const [first] = group;
    return html`<li class="cause s-known"><p class="message">${badge('known')} <strong>${first?.check.known?.reason ?? 'no reason given'}</strong>
      <span class="until">until ${first?.check.known?.until ?? 'no date given'}</span></p>
      <ul class="links">${group.map((each) => item(each, meshes.length > 1))}</ul></li>`;
  })}</ul>
</section>`;
}

/** Checks that were not made, by reason. */
export function skippedChecks({ checks, result }: View): Html {
  const skipped = checks.filter(({ check }) => check.state === 'skipped');
  if (skipped.length === 0) return html``;
  const groups = groupBy(skipped, ({ check }) => reasonOf(check));
  const unproven = promisesByReason(result.unproven);
  const notProven = (reason: string) => {
    const promises = unproven.get(reason) ?? [];
    return promises.length === 0 ? html`` : html`<br />Not proven: ${promises.map(promiseText).join('; ')}`;
  };
  return html`
<section aria-labelledby="skipped">
  <h2 id="skipped">Skipped</h2>
  <ul class="reasons">${[...groups].map(
    ([reason, group]) =>
      html`<li>${badge('skipped')} <span>${reason}${notProven(reason)}</span> <a href="#${group[0]?.anchor ?? ''}">${plural(group.length, 'check')}</a></li>`,
  )}</ul>
</section>`;
}
