/** What was sent and what came back, with the token in clear. */
import type { CheckResult, TokenView } from '../../../base/events.ts';
import { pre } from '../glyphs.ts';
import { type Html, html } from '../markup.ts';

/** One sentence about what was sent or done. */
export function sent({ kind, request, row, state }: CheckResult): Html {
  if (kind === 'apply') return html`${row}, to the API server`;
  if (kind === 'fetched') return html`nothing: the log of the key server says who has asked for keys`;
  if (request === undefined)
    return html`${state === 'skipped' ? 'nothing, the check was skipped' : 'nothing is known of a request'}`;
  const { method, url, token } = request;
  const line = html`<code>${method} ${url}</code>`;
  if (token === undefined) return html`${line} without a token`;
  return token.raw === undefined
    ? html`${line} with the token <b>${token.name}</b>`
    : html`${line} with <b>${token.name}</b> in place of a token`;
}

/** @param startedAt when the run began, in milliseconds since the epoch */
export function tokenPart({ request }: CheckResult, startedAt: number): Html | undefined {
  const token = request?.token;
  if (token === undefined) return undefined;
  const { name, header, claims, raw } = token;
  return html`<section class="part"><h5>Token “${name}”</h5>${
    raw === undefined
      ? html`<div class="pair"><div><h6>Header</h6>${pre(json(header), 'Header of the token')}</div>
          <div><h6>Claims</h6>${pre(json(claims), 'Claims of the token')}${times(claims, startedAt)}</div></div>`
      : pre(raw, 'What was sent in place of a token')
  }</section>`;
}

const timeClaims = [
  ['iat', 'issued', 'issued in the future'],
  ['nbf', 'valid since', 'not valid before'],
  ['exp', 'expired', 'valid until'],
] as const;

/** Claims that are times (RFC 7519, section 4.1) as dates, seen from the start of the run. */
function times(claims: TokenView['claims'], startedAt: number): Html | undefined {
  if (typeof claims !== 'object' || claims === null) return undefined;
  const values = claims as Readonly<Record<string, unknown>>;
  const lines = timeClaims.flatMap(([claim, past, future]) => {
    const value = values[claim];
    if (typeof value !== 'number' || !(Math.abs(value) < 8.64e12)) return [];
    const date = new Date(value * 1000).toISOString().slice(0, 19).replace('T', ' ');
    return [html`<li><code>${claim}</code> ${value * 1000 <= startedAt ? past : future} ${date} UTC</li>`];
  });
  return lines.length === 0 ? undefined : html`<ul class="times">${lines}</ul>`;
}

/** JSON over several lines; for what cannot be written as JSON, what it is. */
function json(value: unknown): string {
  return JSON.stringify(value, undefined, 2) ?? String(value);
}

export function exchange({ request, response }: CheckResult): Html {
  const sentHeaders = request?.headers ?? [];
  return html`${
    sentHeaders.length > 0 &&
    html`<section class="part"><h5>Request headers</h5>${pre(sentHeaders.map(([name, value]) => `${name}: ${value}`).join('\n'), 'Request headers')}</section>`
  }${
    response !== undefined &&
    html`<section class="part"><h5>Response <span class="status">${response.status}</span></h5>
    ${Object.keys(response.headers).length > 0 && pre(headerLines(response.headers), 'Response headers')}
    ${response.body === '' ? html`<p class="muted">without a body</p>` : pre(response.body, 'Response body')}</section>`
  }`;
}

function headerLines(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}
