/** From a planned request to one that can be sent. */

import { HarnessError } from '../../base/errors.ts';
import type { PlannedStep, RequestCheck } from '../../plan/types.ts';
import { unsendable } from '../../scenario/lint/sendable.ts';
import { namesToken } from '../../scenario/table.ts';
import { resolve, type TemplateContext } from '../../scenario/template.ts';
import type { HttpRequest } from '../../target/target.ts';
import type { Sent } from '../proof/concerned.ts';
import type { RunContext } from '../template-context.ts';
import { originOf } from './origin.ts';

/** How the user agents of all requests of a run begin. */
export const ownAgent = (runId: string) => `jwt-e2e/${runId}-`;

/** Fills in templates, adds the token, and makes the address absolute where the origin needs that. */
export function buildRequest(
  check: RequestCheck,
  step: PlannedStep,
  context: RunContext,
  id: string,
): HttpRequest {
  const { before, ...last } = check.request;
  const request = buildOne(check, last, step, context, id);
  if (before === undefined) return request;
  // Each is the same but for its token.
  const others = before.map((token) => buildOne(check, { ...last, token }, step, context, id));
  return { ...request, before: others };
}

function buildOne(
  check: RequestCheck,
  asked: RequestCheck['request'],
  step: PlannedStep,
  context: RunContext,
  id: string,
): HttpRequest {
  const names = namesFor({ request: asked }, context);
  const planned = resolve(asked, names, check.place) as RequestCheck['request'];
  const origin = check.request.client ?? step.origin;
  const headers: [string, string][] = planned.headers.map(([name, value]) => [name, value]);
  const hasHost = headers.some(([name]) => name.toLowerCase() === 'host');
  const ofGateway = origin?.kind === 'ingress' && !hasHost ? origin.gateway?.https?.host : undefined;
  const host = planned.host ?? ofGateway;
  if (host !== undefined) headers.push(['Host', host]);
  // Where the request says itself where its token is, it is nowhere else.
  if (planned.token !== undefined && !namesToken(asked)) {
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
  const { method, body, http, absoluteForm, upgrade } = planned;
  return {
    id,
    method,
    url: addressOf(planned, origin),
    headers,
    ...(body === undefined ? {} : { body }),
    ...(http === undefined ? {} : { http }),
    ...(absoluteForm === undefined ? {} : { absoluteForm }),
    ...(upgrade === undefined ? {} : { upgrade }),
  };
}

/** The names for templates in the request of a check and in what it expects: those of the run, and its token. */
export function namesFor({ request }: Pick<RequestCheck, 'request'>, { names }: RunContext): TemplateContext {
  const { token = '' } = request;
  const tokens = names.tokens as Readonly<Record<string, unknown>>;
  return Object.hasOwn(tokens, token) ? { ...names, token: tokens[token] } : names;
}

function addressOf(request: RequestCheck['request'], origin: PlannedStep['origin']): string {
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
    const isElsewhen = !now.includes(step);
    for (const check of step.checks) {
      if (check.kind !== 'request' || check.skip !== undefined) continue;
      const origin = originOf(step, context, check);
      if (origin === undefined) continue;
      const { url, headers } = buildRequest(check, step, context, '');
      const hosts = headers.filter(([name]) => name.toLowerCase() === 'host');
      const server = origin.kind === 'ingress' ? '' : new URL(url).host;
      const id = JSON.stringify([origin, server, hosts]);
      if (!found.has(id)) found.set(id, { origin, request: { url, headers: hosts }, isElsewhen });
    }
  }
  return [...found.values()];
}
