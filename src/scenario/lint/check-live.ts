/** Checks that a live scenario only looks: it applies nothing, and starts nothing. */

import type { ScenarioSpec } from '../format/schema.ts';
import type { Report } from './mistakes.ts';

/** What changes a mesh, or starts something in it or for it. */
const ofScenario = ['apps', 'keyServers', 'mesh'] as const;
const ofStep = ['apply', 'delete', 'refused', 'fetched', 'selectsNothing'] as const;

/** A live scenario is about a mesh that others use, as it is. */
export function checkLive(scenario: ScenarioSpec, report: Report): void {
  if (scenario.live !== true) return;
  const hint =
    'Take it out. A scenario that changes something runs on a mesh of its own: take "live" out instead.';
  const refuse = (path: (string | number)[]) =>
    report(path, `a live scenario changes nothing, and "${path.at(-1)}" would`, hint, 'key');
  for (const field of ofScenario) {
    const value = scenario[field];
    if (value !== undefined && Object.keys(value).length > 0) refuse([field]);
  }
  for (const [index, step] of scenario.steps.entries())
    for (const field of ofStep) if (step[field] !== undefined) refuse(['steps', index, field]);
}
