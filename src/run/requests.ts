/** From a planned request to one that can be sent. */

import { HarnessError } from '../errors.ts';
import type { PlannedStep, RequestCheck } from '../plan/types.ts';
import { resolve } from '../scenario/template.ts';
import type { HttpRequest, Origin } from '../target/target.ts';
import type { RunContext } from './context.ts';
import type { StepState } from './state.ts';

/** How the user agents of all requests of a run begin. */
export const ownAgent = (runId: string) => `jwt-e2e/${runId}-`;

/** Fills in templates, adds the token, and makes the address absolute where the origin needs that. */
export function buildRequest(
  check: RequestCheck,
  step: PlannedStep,
  context: RunContext,
  id: string,
): HttpRequest {
  const planned = resolve(check.request, context.names, check.place) as RequestCheck['request'];
  const headers: [string, string][] = planned.headers.map(([name, value]) => [name, value]);
  if (planned.host !== undefined) headers.push(['Host', planned.host]);
  if (planned.token !== undefined) {
    const token = context.tokens.get(planned.token);
    if (token === undefined) {
      throw new HarnessError('E_TEMPLATE', `there is no token "${planned.token}"`, { place: check.place });
    }
    headers.push(['Authorization', `Bearer ${token.value}`]);
  }
  return { id, method: planned.method, url: addressOf(planned, step.origin), headers };
}

function addressOf(request: RequestCheck['request'], origin: Origin | undefined): string {
  if (origin?.kind === 'ingress') return request.path;
  return /^https?:\/\//.test(request.path) ? request.path : `${request.url ?? ''}${request.path}`;
}

/** The distinct origins and hosts that a scenario's requests go to: their proxies are the ones whose policies count. */
export function destinations(
  steps: readonly PlannedStep[],
  context: RunContext,
): { origin: Origin; url: string }[] {
  const found = new Map<string, { origin: Origin; url: string }>();
  for (const step of steps) {
    const { origin } = step;
    if (origin === undefined) continue;
    for (const check of step.checks) {
      if (check.kind !== 'request' || check.skip !== undefined) continue;
      const url = origin.kind === 'ingress' ? '' : buildRequest(check, step, context, '').url;
      found.set(JSON.stringify([origin, url === '' ? '' : new URL(url).host]), { origin, url });
    }
  }
  return [...found.values()];
}

/** Where evidence of a check is to be looked for that sends no request itself: where other requests go, first of its step. */
export function nearbyRequest(
  step: PlannedStep,
  { scenario, context }: Pick<StepState, 'scenario' | 'context'>,
): { origin: Origin; url: string; requestId: string } | undefined {
  const [nearest] = [...destinations([step], context), ...destinations(scenario.steps, context)];
  return nearest === undefined ? undefined : { ...nearest, requestId: '' };
}
