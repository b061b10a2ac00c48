/** Which policies hold for which workloads, as a picture and as text. */
import type { Selection } from '../../../base/events.ts';
import { groupBy } from '../../../base/group.ts';
import { plural } from '../../text.ts';
import { glyph } from '../glyphs.ts';
import { type Html, html } from '../markup.ts';
import type { StepPart } from '../matrix-view.ts';

/** A run writes fewer; a file may have been made otherwise. */
const mostDrawn = 60;

/** Meshes that have the same are told together. Open where a check did not pass: it is the first thing to look at then. */
export function selections(parts: readonly StepPart[]): Html {
  const known = parts.filter(({ result }) => (result?.selection?.policies.length ?? 0) > 0);
  const alike = [...groupBy(known, ({ result }) => JSON.stringify(result?.selection)).values()];
  return html`${alike.map((group) => {
    const selection = group[0]?.result?.selection;
    if (selection === undefined) return undefined;
    const isOpen = group.some(({ checks }) =>
      checks.some(({ check }) => check.state === 'failed' || check.state === 'error'),
    );
    return drawn(selection, alike.length === 1 ? [] : group.map(({ mesh }) => mesh.name), isOpen);
  })}`;
}

function drawn(
  { policies, workloads, omitted = 0 }: Selection,
  meshes: readonly string[],
  isOpen: boolean,
): Html {
  const [left, right] = [policies.slice(0, mostDrawn), workloads.slice(0, mostDrawn)];
  const hidden = omitted + policies.length - left.length + workloads.length - right.length;
  const idle = left.filter((policy) => policy.idle !== undefined);
  return html`
    <details class="selection${isOpen && ' trouble'}"${isOpen && html` open`}><summary>Which policy holds for which workload${meshes.length > 0 && ` on ${meshes.join(', ')}`}: ${plural(policies.length, 'policy', 'policies')}, ${plural(workloads.length, 'workload')}${
      idle.length > 0 &&
      html`; <b class="none">${glyph('error')} ${plural(idle.length, 'policy', 'policies')} for none</b>`
    }</summary>
      ${picture(left, right)}
      ${hidden > 0 && html`<p class="muted">${hidden} more are not drawn.</p>`}
      <details class="more"><summary>The same as text</summary><ul>${left.map((policy) => html`<li>${sentence(policy)}</li>`)}${alone(left, right)}</ul></details>
      ${idle.map(({ policy, idle: why = '' }) => html`<p class="note">${glyph('error')} <b>${policy}</b> holds for no workload: ${why}</p>`)}
    </details>`;
}

type Policies = Selection['policies'];

/** A line for each policy and workload that it holds for. Rows are of one height, so a row is a unit of the drawing. */
function picture(policies: Policies, workloads: readonly string[]): Html {
  const rows = Math.max(policies.length, workloads.length);
  const lines = policies.flatMap((policy, index) =>
    policy.workloads.flatMap((name) => {
      const at = workloads.indexOf(name);
      if (at < 0) return [];
      const [from, to] = [index + 0.5, at + 0.5];
      const look = policy.policy.startsWith('RequestAuthentication ') ? 'authenticates' : 'authorizes';
      return html`<path class="${look}" d="M0 ${from}C5 ${from} 5 ${to} 10 ${to}" />`;
    }),
  );
  const held = new Set(policies.flatMap((policy) => policy.workloads));
  return html`
      <div class="selects" aria-hidden="true">
        <ul>${policies.map((policy) => {
          const [kind = '', ...name] = policy.policy.split(' ');
          return html`<li${policy.idle !== undefined && html` class="idle"`} title="${policy.policy}"><small>${kind}${policy.action !== undefined && ` · ${policy.action}`}${policy.scope !== undefined && ` · all of the ${policy.scope}`}</small><b>${name.join(' ')}</b></li>`;
        })}</ul>
        <div><svg viewBox="0 0 10 ${rows}" preserveAspectRatio="none" focusable="false">${lines}</svg></div>
        <ul>${workloads.map(
          (name) =>
            html`<li${!held.has(name) && html` class="idle"`} title="${name}"><small>${held.has(name) ? 'workload' : 'workload · no policy'}</small><b>${name}</b></li>`,
        )}</ul>
      </div>`;
}

function sentence({ policy, action, scope, workloads, idle }: Policies[number]): Html {
  const what = html`${policy}${action !== undefined && ` (${action})`}`;
  if (idle !== undefined) return html`${what} holds for no workload.`;
  const all = scope === undefined ? '' : `all workloads of the ${scope}, here `;
  return html`${what} holds for ${all}${workloads.length === 0 ? 'none of these workloads' : workloads.join(', ')}.`;
}

function alone(policies: Policies, workloads: readonly string[]): Html | undefined {
  const held = new Set(policies.flatMap((policy) => policy.workloads));
  const free = workloads.filter((name) => !held.has(name));
  return free.length === 0 ? undefined : html`<li>No policy holds for ${free.join(', ')}.</li>`;
}
