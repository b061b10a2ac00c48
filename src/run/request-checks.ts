/** The request checks of a step: sent together, each judged on its own. */
import type { CheckResult } from '../events.ts';
import type { PlannedStep, RequestCheck } from '../plan/types.ts';
import { resolve } from '../scenario/template.ts';
import type { HttpRequest, Origin } from '../target/target.ts';
import { redact } from '../token/decode.ts';
import { describeActual, difference } from './compare.ts';
import { converge, type Outcome } from './converge.ts';
import { writeEvidence } from './evidence.ts';
import { buildRequest } from './requests.ts';
import { resultBase } from './results.ts';
import type { Held, StepState } from './state.ts';

let sequence = 0;

/** Sends all requests of the step, from one origin in one go, and returns a result for each. */
export async function checkRequests(
  step: PlannedStep,
  state: StepState,
  held: Held,
  since: number,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const checks = step.checks
    .filter((check): check is RequestCheck => check.kind === 'request' && check.skip === undefined)
    .map((check) => ({
      ...check,
      expected: resolve(check.expected, state.context.names, check.place) as RequestCheck['expected'],
    }));
  const { origin } = step;
  if (checks.length === 0 || origin === undefined) return [];
  const { target, context, options } = state;
  const kids = new Map(
    [...context.issuers].map(([name, issuer]) => [name, [...issuer.keys.values()].map((key) => key.kid)]),
  );
  const requests = checks.map((check) => {
    sequence += 1;
    return buildRequest(check, step, context, `jwt-e2e/${options.runId}-${sequence}`);
  });
  const outcomes = await converge(
    target,
    origin,
    checks.map((check, index) => ({
      request: requests[index] as HttpRequest,
      judge: (response) => difference(response, check.expected, kids),
    })),
    {
      consecutive: options.consecutive,
      // What the proxies refused, or never got, will not come by waiting for answers too.
      deadlineMs: held.kind === 'holds' ? options.answersMs : 0,
      intervalMs: 200,
      since,
    },
    signal,
  );
  return Promise.all(
    checks.map((check, index) =>
      report(check, requests[index] as HttpRequest, outcomes[index] as Outcome, {
        step,
        origin,
        state,
        held,
        since,
        signal,
      }),
    ),
  );
}

async function report(
  check: RequestCheck,
  request: HttpRequest,
  outcome: Outcome,
  of: { step: PlannedStep; origin: Origin; state: StepState; held: Held; since: number; signal: AbortSignal },
): Promise<CheckResult> {
  const { step, origin, state, held } = of;
  const { target, context, options } = state;
  const show = options.showTokens ? (text: string) => text : redact;
  const token = check.request.token === undefined ? undefined : context.tokens.get(check.request.token)?.view;
  const result: CheckResult = {
    ...resultBase(state.scenario, step, check),
    ...verdict(outcome, held),
    actual: redact(describeActual(outcome.response, check.expected)),
    request: {
      curl: show(target.curl(origin, request)),
      method: request.method,
      url: origin.kind === 'ingress' ? `${target.ingressUrl()}${request.url}` : request.url,
      headers: request.headers.map(([name, value]) => [name, show(value)]),
      token,
    },
    response: {
      status: outcome.response.status,
      headers: outcome.response.headers,
      body: redact(outcome.response.body.slice(0, 4096)),
    },
    convergence: outcome.convergence,
    proof: held.kind === 'holds' ? held.proof : undefined,
    durationMs: outcome.response.at === 0 ? 0 : Math.max(0, outcome.response.at - of.since),
  };
  if (result.state === 'passed') return result;
  const evidence = await writeEvidence(
    target,
    options.artifacts,
    {
      check: result,
      applied: state.applied,
      request: { origin, url: request.url, requestId: request.id },
      since: of.since,
    },
    of.signal,
  );
  return { ...result, evidence };
}

function verdict(outcome: Outcome, held: Held): Pick<CheckResult, 'state' | 'message' | 'hint' | 'code'> {
  if (held.kind === 'rejected') {
    return {
      state: 'failed',
      code: 'E_NACK',
      message: `a proxy rejected its configuration, so an older one goes on: ${held.message}`,
      hint: 'Look for keys that Envoy does not accept in the JWKS; proxy-filters-*.json of the evidence shows what it has.',
    };
  }
  if (outcome.response.status === 0) {
    return {
      state: 'error',
      code: 'E_SEND',
      message: `no answer: ${outcome.response.error ?? 'unknown reason'}`,
    };
  }
  if (held.kind === 'unproven') {
    const why = `the proxies did not take the change over: ${held.message}`;
    if (outcome.difference !== undefined && outcome.convergence.firstRightMs === undefined) {
      return { state: 'failed', message: `${outcome.difference}; ${why}`, hint: unprovenHint };
    }
    return {
      state: 'error',
      code: 'E_UNPROVEN',
      message: `the answer may come from an older policy: ${why}`,
      hint: unprovenHint,
    };
  }
  if (outcome.held) return { state: 'passed' };
  return { state: 'failed', message: outcome.difference };
}

const unprovenHint =
  'If the change makes no difference to the proxy, delete the old policy in a step before, or use other keys.';
