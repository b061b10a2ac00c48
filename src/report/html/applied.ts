/** What a step changed: the objects, their manifests, and what the API server had to say. */

import { groupBy } from '../../group.ts';
import { plural } from '../text.ts';
import { pre } from './look.ts';
import { type Html, html } from './markup.ts';
import type { StepPart } from './matrix-view.ts';

/** Meshes that got the same are told together. */
export function applied(parts: readonly StepPart[]): Html {
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
  const objects = group[0]?.result?.objects ?? [];
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
