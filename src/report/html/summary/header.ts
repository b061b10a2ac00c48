/** The head of the page: the verdict, and what was tested. */
import type { RunResult } from '../../result.ts';
import { plural } from '../../text.ts';
import { badge, facts, glyph, span, time } from '../glyphs.ts';
import { type Html, html } from '../markup.ts';
import type { HtmlOptions } from '../page-options.ts';
import type { View } from '../view.ts';
import type { MeshColumn } from './meshes.ts';
import { countsBar, verdictOf } from './run-verdict.ts';

type Named = Pick<HtmlOptions, 'title'>;

export function header(view: View, options: Named = {}): Html {
  const { result, scenarios } = view;
  const { look, title, sentence } = verdictOf(result);
  return html`
<header class="top">
  <p class="product">istio-jwt-e2e ${result.run.version}</p>
  <div class="verdict v-${look}">
    <span class="seal" aria-hidden="true">${glyph(look)}</span>
    <div>
      <h1>${title} <span class="about">${about(view, options)}</span></h1>
      <p>${sentence}</p>
    </div>
  </div>
  ${countsBar(result)}
  <p class="when">${time(result.run.startedAt)} · ${span(result.run.durationMs)} · ${plural(scenarios.length, 'scenario')} · run ${result.run.id}</p>
  ${tested(view)}
</header>`;
}

/** The title of the document: what a tab or a bookmark shows. */
export function pageTitle(view: View, options: Named = {}): string {
  return `${verdictOf(view.result).title}: ${about(view, options)}`;
}

function about(view: View, { title = '' }: Named): string {
  return title.trim() === '' ? `JWT authentication of ${subject(view)}` : title.trim();
}

function subject({ meshes }: View): string {
  const [first] = meshes;
  if (first === undefined) return 'a mesh';
  if (meshes.length > 1) return `${meshes.length} meshes`;
  return first.facts === undefined ? first.id : `Istio ${first.facts.istio} on ${first.facts.target}`;
}

/** A card for each mesh. */
function tested({ meshes, result }: View): Html {
  return html`
<section class="tested" aria-labelledby="tested">
  <h2 id="tested" class="vh">What was tested</h2>
  ${meshes.length === 0 && html`<p>Nothing is known about the mesh${result.run.state === 'running' ? ' yet' : ''}.</p>`}
  <div class="cards">${meshes.map((mesh) => card(mesh, result, meshes.length > 1))}</div>
</section>`;
}

function card(mesh: MeshColumn, result: RunResult, several: boolean): Html {
  const known = mesh.facts;
  const failure = result.failedMeshes.find((failed) => failed.mesh === mesh.id);
  return html`
<article class="card">
  ${(several || known === undefined) && html`<h3>${mesh.name}</h3>`}
  ${failure !== undefined && html`<p class="s-error note">${badge('error')} ${failure.problem.message}</p>`}
  ${
    known !== undefined &&
    html`<dl class="versions">${[
      ['Istio', known.istio],
      ['ASM', known.asm],
      ['Envoy', known.envoy],
      ['Kubernetes', known.kubernetes],
      ['Keys fetched by', known.fetch],
      ['Target', known.target],
    ].map(([name, value]) => value !== undefined && html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    <p class="why">${known.target}: ${known.reason}</p>${more(known.details ?? {})}`
  }
</article>`;
}

function more(details: Readonly<Record<string, string>>): Html | undefined {
  const rows = Object.entries(details);
  if (rows.length === 0) return undefined;
  return html`<details class="more"><summary>More about this mesh</summary>${facts(rows)}</details>`;
}
