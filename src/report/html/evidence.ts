/** What was collected about a check that did not pass. */
import type { CheckResult } from '../../events.ts';
import { plural } from '../text.ts';
import { pre } from './look.ts';
import { type Html, html, pathAddress } from './markup.ts';

/** @param artifacts address of the folder that holds all evidence, relative to the page */
export function evidence(check: CheckResult, artifacts: string | undefined): Html | undefined {
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
