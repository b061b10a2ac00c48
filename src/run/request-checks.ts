/** The request checks of a step: sent together, each judged on its own. */
import type { CheckResult } from '../events.ts';
import type { PlannedStep, RequestCheck } from '../plan/types.ts';
import { resolve } from '../scenario/template.ts';
import type { HttpRequest, Origin } from '../target/target.ts';
import { withoutSignatures } from '../token/decode.ts';
import { together } from '../wait.ts';
import { describeActual, difference } from './compare.ts';
import { converge, type Outcome } from './converge.ts';
import { collectEvidence, writeEvidence } from './evidence.ts';
import { explain, inPlace } from './explain.ts';
import { buildRequest, ownAgent } from './requests.ts';
import { resultBase } from './results.ts';
import type { Held, StepState } from './state.ts';
import { verdict } from './verdict.ts';

let sequence = 0;

/** For how many failed checks evidence is collected at a time: each asks proxies for their whole configuration. */
const atOnce = 4;

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
    return buildRequest(check, step, context, `${ownAgent(options.runId)}${sequence}`);
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
  return together(
    [...checks.entries()],
    ([index, check], own) =>
      report(check, requests[index] as HttpRequest, outcomes[index] as Outcome, {
        step,
        origin,
        state,
        held,
        since,
        signal: own,
      }),
    signal,
    atOnce,
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
  const token = check.request.token === undefined ? undefined : context.tokens.get(check.request.token)?.view;
  const passes = verdict(outcome, held).state === 'passed';
  const evidence = passes
    ? []
    : await collectEvidence(
        target,
        { request: { origin, url: request.url, requestId: request.id }, since: of.since },
        of.signal,
      );
  const why = () =>
    explain({
      expected: check.expected.code,
      status: outcome.response.status,
      body: outcome.response.body,
      path: pathOf(request.url),
      claims: token?.claims,
      applied: inPlace(step, state),
      snapshot: state.snapshot,
      evidence,
    });
  const seen: CheckResult = {
    ...resultBase(state.scenario, step, check),
    ...verdict(outcome, held, why),
    actual: describeActual(outcome.response, check.expected),
    request: {
      curl: target.curl(origin, request),
      method: request.method,
      url: origin.kind === 'ingress' ? `${target.ingressUrl()}${request.url}` : request.url,
      headers: request.headers,
      token,
    },
    response: {
      status: outcome.response.status,
      headers: outcome.response.headers,
      body: outcome.response.body.slice(0, 4096),
    },
    convergence: outcome.convergence,
    proof: held.kind === 'holds' ? held.proof : undefined,
    durationMs: outcome.response.at === 0 ? 0 : Math.max(0, outcome.response.at - of.since),
  };
  // Tokens can be anywhere: in an address, in what a server echoes, in what is expected.
  const result = options.showTokens ? seen : withoutSignatures(seen);
  return passes ? result : { ...result, ...writeEvidence(options, result, state.applied, evidence) };
}

/** The path of an absolute address, or of one that begins with it, without the query. */
function pathOf(url: string): string {
  return url.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/[?#].*$/, '') || '/';
}
