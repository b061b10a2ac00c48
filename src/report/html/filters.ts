/** The bar that finds checks. It needs the script, which makes it visible. */
import { glyph, type Look, wordOf } from './look.ts';
import { type Html, html } from './markup.ts';
import { tagsOf } from './scenario.ts';
import type { View } from './view.ts';

const states: readonly Look[] = ['failed', 'error', 'known', 'passed', 'skipped'];

export function filters({ checks, scenarios, result }: View): Html {
  if (checks.length === 0) return html``;
  const count = (look: Look) => checks.filter(({ check }) => check.state === look).length;
  const tags = [...new Set(scenarios.flatMap(tagsOf))].sort();
  return html`
<form class="filters" id="filters" role="search" aria-label="Filter checks" hidden>
  <label class="search"><span class="vh">Search</span><input type="search" id="search" placeholder="Search scenarios, tokens, answers, evidence" autocomplete="off" spellcheck="false"></label>
  <div class="states" role="group" aria-label="States">${states
    .filter((look) => count(look) > 0)
    .map(
      (look) =>
        html`<button type="button" class="s-${look}" data-filter="${look}" aria-pressed="false">${glyph(look)} ${wordOf(look)} <span class="n">${count(look)}</span></button>`,
    )}</div>
  ${
    tags.length > 1 &&
    html`<label class="tagfilter">Tag <select id="tag"><option value="">all</option>${tags.map((tag) => html`<option>${tag}</option>`)}</select></label>`
  }
  ${
    result.differences.length > 0 &&
    html`<label class="onlychanged"><input type="checkbox" id="changed"> only differences <span class="n">${result.differences.length}</span></label>`
  }
  <button type="reset">Show all</button>
  <output id="matches" aria-live="polite"></output>
</form>`;
}
