/** From a planned request to one that can be sent. */

import { HarnessError } from '../../base/errors.ts';
import type { PlannedStep, RequestCheck } from '../../plan/types.ts';
import { unsendable } from '../../scenario/lint/sendable.ts';
import { namesToken } from '../../scenario/table.ts';
import { resolve, type TemplateContext } from '../../scenario/template.ts';
import type { HttpRequest, Origin } from '../../target/target.ts';
import type { Sent } from '../proof/concerned.ts';
import type { RunContext } from '../template-context.ts';

/** How the user agents of all requests of a run begin. */
export const ownAgent = (runId: string) => `jwt-e2e/${runId}-`;

/** Fills in templates, adds the token, and makes the address absolute where the origin needs that. */
export function buildRequest(
  check: RequestCheck,
  step: PlannedStep,
  context: RunContext,
  id: string,
): HttpRequest {
  const planned = resolve(check.request, namesFor(check, context), check.place) as RequestCheck['request'];
  const headers: [string, string][] = planned.headers.map(([name, value]) => [name, value]);
  const host =
    planned.host ?? (step.origin?.kind === 'ingress' ? step.origin.gateway?.https?.host : undefined);
  if (host !== undefined) headers.push(['Host', host]);
  // Where the request says itself where its token is, it is nowhere else.
  if (planned.token !== undefined && !namesToken(check.request)) {
    const token = context.tokens.get(planned.token);
    if (token === undefined) {
      throw new HarnessError('E_TEMPLATE', `there is no token "${planned.token}"`, { place: check.place });
    }
    headers.push(['Authorization', `Bearer ${token.value}`]);
  }
  // What is filled in is only known now.
  const mistake = unsendable({ ...planned, host: undefined, headers }, true);
  if (mistake !== undefined) {
    const { message, hint } = mistake;
    throw new HarnessError('E_TEMPLATE', `${message} once it is filled in`, { hint, place: check.place });
  }
  const { method, body } = planned;
  return {
    id,
    method,
    url: addressOf(planned, step.origin),
    headers,
    ...(body === undefined ? {} : { body }),
  };
}

/** The names for templates in the request of a check and in what it expects: those of the run, and its token. */
export function namesFor({ request }: RequestCheck, { names }: RunContext): TemplateContext {
  const { token = '' } = request;
  const tokens = names.tokens as Readonly<Record<string, unknown>>;
  return Object.hasOwn(tokens, token) ? { ...names, token: tokens[token] } : names;
}

function addressOf(request: RequestCheck['request'], origin: Origin | undefined): string {
  if (origin?.kind === 'ingress') return request.path;
  return /^https?:\/\//.test(request.path) ? request.path : `${request.url ?? ''}${request.path}`;
}

/**
 * The distinct requests that steps send, as far as it matters which way they go.
 *
 * @param now the steps that send them with the same things applied
 */
export function sentBy(
  steps: readonly PlannedStep[],
  now: readonly PlannedStep[],
  context: RunContext,
): Sent[] {
  const found = new Map<string, Sent>();
  for (const step of [...now, ...steps.filter((each) => !now.includes(each))]) {
    const { origin } = step;
    if (origin === undefined) continue;
    const isElsewhen = !now.includes(step);
    for (const check of step.checks) {
      if (check.kind !== 'request' || check.skip !== undefined) continue;
      const { url, headers } = buildRequest(check, step, context, '');
      const hosts = headers.filter(([name]) => name.toLowerCase() === 'host');
      const server = origin.kind === 'ingress' ? '' : new URL(url).host;
      const id = JSON.stringify([origin, server, hosts]);
      if (!found.has(id)) found.set(id, { origin, request: { url, headers: hosts }, isElsewhen });
    }
  }
  return [...found.values()];
}
