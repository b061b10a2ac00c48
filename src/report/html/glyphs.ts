/** How states, times and places are shown: always a shape and a word, never colour alone. */
import type { SourceRef } from '../../base/events.ts';
import { duration } from '../text.ts';
import { type Html, html, webAddress } from './markup.ts';

/** The states of a check, and of what has no check: `planned` and `notrun` have no result. */
export type Look = 'passed' | 'failed' | 'known' | 'error' | 'skipped' | 'notrun' | 'planned' | 'running';

const looks: Readonly<Record<Look, { readonly glyph: string; readonly word: string }>> = {
  passed: { glyph: '✓', word: 'passed' },
  failed: { glyph: '✗', word: 'failed' },
  known: { glyph: '≈', word: 'known' },
  error: { glyph: '!', word: 'no verdict' },
  skipped: { glyph: '–', word: 'skipped' },
  notrun: { glyph: '○', word: 'not run' },
  planned: { glyph: '○', word: 'not run yet' },
  running: { glyph: '◐', word: 'running' },
};

export function wordOf(look: Look): string {
  return looks[look].word;
}

export function glyphOf(look: Look): string {
  return looks[look].glyph;
}

/** The shape alone; the word must stand beside it. */
export function glyph(look: Look): Html {
  return html`<span class="glyph" aria-hidden="true">${looks[look].glyph}</span>`;
}

export function badge(look: Look, text: string = looks[look].word): Html {
  return html`<span class="badge s-${look}">${glyph(look)} ${text}</span>`;
}

/** A time span: `980 ms`, `1.24 s`, `34.2 s`, `3m 05s`. */
export function span(ms: number): string {
  if (ms < 999.5) return `${Math.round(Math.max(0, ms))} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9995 ? 2 : 1)} s`;
  return duration(ms);
}

/** A point in time from ISO 8601, for people. */
export function time(iso: string): Html {
  return html`<time datetime="${iso}">${iso.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')}</time>`;
}

/** The document and the section that make the promise, as a link where there is one; undefined when no document does. */
export function source({ document, section, url }: SourceRef): Html | undefined {
  if (document === '') return undefined;
  const text = html`${document}, “${section}”`;
  const address = webAddress(url);
  return address === undefined
    ? html`<cite>${text}</cite>`
    : html`<cite><a href="${address}" rel="noreferrer">${text}</a></cite>`;
}

/** Text that can be of any length and width. */
export function pre(text: string, label: string): Html {
  return html`<pre tabindex="0" role="group" aria-label="${label}"><code>${text}</code></pre>`;
}

/** Rows of a definition list; those without a value are left out. */
export function facts(rows: readonly (readonly [string, Html | string | undefined])[]): Html {
  const shown = rows.filter(([, value]) => value !== undefined);
  return html`<dl class="facts">${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
