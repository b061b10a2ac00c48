import type { MeshFacts } from '../../src/base/events.ts';
import type { PlanOptions } from '../../src/plan/plan.ts';
import { plan } from '../../src/plan/plan.ts';
import type { PlannedScenario } from '../../src/plan/types.ts';
import type { LoadedScenario } from '../../src/scenario/load.ts';
import { scenarioOf } from '../scenario/support.ts';

export const facts: MeshFacts = {
  id: 'mesh',
  target: 'kind',
  reason: 'asked for',
  istio: '1.30.3',
  envoy: '1.38.1',
  kubernetes: 'v1.35.2',
  fetch: 'istiod',
};

/** A scenario of these steps; `more` is YAML at the top of the file. */
export function scenario(name: string, steps: string, more = '', profile = 'documented'): LoadedScenario {
  const source = `name: ${name}
title: Title of ${name}
source: { document: FAQ, section: Sample }
issuers: { sample: { issuer: me } }
tokens: { valid: { issuer: sample }, expired: { extends: valid, claims: { exp: 1 } } }
${more}
steps:
${steps}`;
  return scenarioOf(source, profile, `${name}.yaml`);
}

/** A step that sends through the ingress, with these rows. */
export function step(name: string, rows: readonly string[], more = ''): string {
  const table = rows.map((row) => `      ${row}\n`).join('');
  return `  - name: ${name}\n    through: ingress\n${more}    expect:\n      columns: [no token, valid]\n${table}`;
}

/** Plans with the facts above unless told otherwise. */
export function planOf(
  scenarios: readonly LoadedScenario[],
  options: Partial<PlanOptions> = {},
  mesh: Partial<MeshFacts> = {},
  missing: ReadonlyMap<string, string> = new Map(),
) {
  return plan(scenarios, { ...facts, ...mesh }, missing, { canSwitchFetch: true, ...options });
}

export function idsOf(scenarios: readonly PlannedScenario[]): string[] {
  return scenarios.map(({ info }) => info.id);
}

export function checksOf(scenarios: readonly PlannedScenario[]): string[] {
  return scenarios.flatMap(({ steps }) => steps.flatMap(({ checks }) => checks.map(({ id }) => id)));
}
