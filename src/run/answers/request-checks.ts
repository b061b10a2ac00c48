/** The request checks of a step: sent together, each judged on its own. */
import type { HarnessError } from '../../base/errors.ts';
import type { CheckResult } from '../../base/events.ts';
import { together } from '../../base/wait.ts';
import type { PlannedStep, RequestCheck } from '../../plan/types.ts';
import { millisecondsOf } from '../../scenario/format/schema-words.ts';
import { resolve } from '../../scenario/template.ts';
import type { HttpRequest, Origin, Survey } from '../../target/target.ts';
import { explain } from '../explain/explain-answer.ts';
import { explainByModel } from '../explain/explain-model.ts';
import { inPlace } from '../in-place.ts';
import { decidersOf } from '../proof/concerned.ts';
import { wayOf } from '../proof/way.ts';
import { resultBase } from '../results.ts';
import { deciding, type Held, type StepState, warning } from '../steps/step-state.ts';
import { brokenInstruments } from './broken-instruments.ts';
import { buildRequest, namesFor, ownAgent } from './build-request.ts';
import { describeActual, difference, shownBody } from './compare.ts';
import { type ConvergeOptions, converge, type Outcome, someAnswers } from './converge.ts';
import { lookAgain } from './look-again.ts';
import { originOf } from './origin.ts';
import { withoutEcho } from './received.ts';
import { verdict } from './verdict.ts';
import { collectEvidence, writeEvidence } from './write-evidence.ts';

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
      asWritten: check.expected,
      expected: resolve(
        check.expected,
        namesFor(check, state.context),
        check.place,
      ) as RequestCheck['expected'],
    }));
  const { target, context, options } = state;
  const origin = originOf(step, context);
  if (checks.length === 0 || origin === undefined) return [];
  const origins = checks.map((check) => originOf(step, context, check) ?? origin);
  const kids = new Map(
    [...context.issuers].map(([name, issuer]) => [name, [...issuer.keys.values()].map((key) => key.kid)]),
  );
  const requests = checks.map((check) => {
    sequence += 1;
    return buildRequest(check, step, context, `${ownAgent(options.runId)}${sequence}`);
  });
  const answered = await converge(
    target,
    origin,
    checks.map((check, index) => ({
      request: requests[index] as HttpRequest,
      origin: origins[index],
      judge: (response) => difference(response, check.expected, kids),
    })),
    {
      consecutive: options.consecutive,
      deadlineMs: options.answersMs,
      intervalMs: 200,
      clock: options.clock,
      since,
      ...chance(origins, requests, state.survey),
      // What the proxies refused, or never got, will not come by waiting for answers too.
      once: held.kind !== 'holds',
    },
    signal,
  );
  const outcomes = answered.map((outcome, index) => withLimit(outcome, checks[index]?.expected.within));
  const isWrong = outcomes.some((outcome) => !outcome.held);
  const broken = held.kind === 'holds' && isWrong ? await brokenInstruments(state, signal) : undefined;
  const now = broken === undefined ? await lookAgain(held, state, isWrong, signal) : held;
  return together(
    [...checks.entries()],
    ([index, check], own) =>
      report(check, requests[index] as HttpRequest, outcomes[index] as Outcome, {
        step,
        origin: origins[index] ?? origin,
        state,
        held: now,
        broken: broken ?? withoutEcho(outcomes[index] as Outcome, check.expected),
        since,
        signal: own,
      }),
    signal,
    atOnce,
  );
}

function withLimit(outcome: Outcome, within: string | undefined): Outcome {
  if (within === undefined) return outcome;
  return { ...outcome, convergence: { ...outcome.convergence, limitMs: millisecondsOf(within) } };
}

async function report(
  check: RequestCheck,
  request: HttpRequest,
  outcome: Outcome,
  of: {
    readonly step: PlannedStep;
    readonly origin: Origin;
    readonly state: StepState;
    readonly held: Held;
    readonly broken: HarnessError | undefined;
    readonly since: number;
    readonly signal: AbortSignal;
  },
): Promise<CheckResult> {
  const { step, origin, state, held, broken } = of;
  const { target, context, options } = state;
  const token = check.request.token === undefined ? undefined : context.tokens.get(check.request.token)?.view;
  const passes = verdict(outcome, held).state === 'passed';
  const proxies = state.survey === undefined ? [] : decidersOf({ origin, request }, state.survey);
  const query = { proxies, requestId: request.id, since: of.since };
  const evidence = passes ? [] : await collectEvidence(target, query, of.signal);
  // Of a class it is not known which one is meant.
  const expected = typeof check.expected.code === 'number' ? check.expected.code : 0;
  const byModel = (survey: Survey) =>
    explainByModel(
      {
        origin,
        request,
        survey,
        snapshot: state.snapshot,
        ingressUrl: origin.kind === 'ingress' ? target.ingressUrl(origin.gateway) : undefined,
        envoy: options.envoy,
      },
      { ...outcome.response, expected },
    );
  const declaredOnWay = (survey: Survey) => {
    const { gateways, backends } = wayOf(origin, request, survey);
    return [...gateways, ...backends].flatMap(
      ({ namespace, name }) => state.snapshot.get(`${namespace}/${name}`)?.declared ?? [],
    );
  };
  const fromWords = () =>
    explain({
      expected,
      status: outcome.response.status,
      body: outcome.response.body,
      claims: token?.claims,
      applied: inPlace(step, state),
      snapshot: deciding(state.snapshot),
      behind: state.survey === undefined ? [] : declaredOnWay(state.survey),
      evidence,
    });
  const fromPolicies = () => (state.survey === undefined ? undefined : byModel(state.survey));
  // About a denial the policies know most; about keys and what selects nothing, the proxies and istiod.
  const why = () =>
    outcome.response.status === 403 ? (fromPolicies() ?? fromWords()) : (fromWords() ?? fromPolicies());
  const result: CheckResult = {
    ...resultBase(state.scenario, step, check),
    ...verdict(outcome, held, why, broken),
    actual: describeActual(outcome.response, check.expected),
    request: {
      curl: target.curl(origin, request),
      method: request.method,
      url: origin.kind === 'ingress' ? `${target.ingressUrl(origin.gateway)}${request.url}` : request.url,
      headers: request.headers,
      token,
    },
    response: {
      status: outcome.response.status,
      headers: outcome.response.headers,
      body: shownBody(outcome.response),
    },
    convergence: outcome.convergence,
    proof: held.kind === 'holds' ? held.proof : undefined,
    // Without an answer it is 0.
    durationMs: Math.max(0, outcome.response.at - of.since),
  };
  if (passes) return result;
  return { ...result, ...writeEvidence(options, result, state.applied, evidence, warning(state)) };
}

/** Whether one answer need not be like the next; nothing is known of that without a survey. */
function chance(
  origins: readonly Origin[],
  requests: readonly HttpRequest[],
  survey: Survey | undefined,
): Pick<ConvergeOptions, 'varies' | 'least'> {
  if (survey === undefined) return {};
  const ways = requests.map((request, index) => wayOf(origins[index] as Origin, request, survey));
  return {
    varies: ways.find(({ varies }) => varies !== undefined)?.varies ?? false,
    least: ways.some(({ isOwn }) => isOwn) ? someAnswers : undefined,
  };
}
