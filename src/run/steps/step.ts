/** One step: apply, prove that it holds, send, compare. */
import { asHarnessError, HarnessError } from '../../base/errors.ts';
import type { CheckResult } from '../../base/events.ts';
import { nameOfKey } from '../../base/names.ts';
import type { ApplyCheck, PlannedStep } from '../../plan/types.ts';
import { resolve } from '../../scenario/template.ts';
import type { Applied, KubeObject } from '../../target/target.ts';
import { sentBy } from '../answers/build-request.ts';
import { checkFetches, logEnds } from '../answers/fetches.ts';
import { undoneBy } from '../answers/look-again.ts';
import { manifestsOf } from '../answers/manifests.ts';
import { checkRequests } from '../answers/request-checks.ts';
import { collectEvidence, writeEvidence } from '../answers/write-evidence.ts';
import { inPlace, meantIdle, placeOf } from '../in-place.ts';
import { setKeyServers, untilFetched } from '../keys/set-key-servers.ts';
import { refuseStaleKeys } from '../keys/stale.ts';
import { proveAsItIs } from '../proof/as-it-is.ts';
import { type ProofResult, prove } from '../proof/prove.ts';
import { selectionOf } from '../proof/selected.ts';
import { resultBase, withoutVerdict } from '../results.ts';
import type { RunContext } from '../template-context.ts';
import { judgeRejection } from './rejected.ts';
import { deciding, type Held, proxiesOf, type StepState, warning } from './step-state.ts';

/**
 * Runs the step and returns the results of its checks.
 *
 * @throws HarnessError when the step could not be carried out, so that later steps have not the state they declare
 */
export async function runStep(
  step: PlannedStep,
  state: StepState,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const { scenario, target, emit } = state;
  emit({ type: 'step-started', mesh: scenario.info.mesh, scenario: scenario.info.id, step: step.name });
  const logs = await logEnds(step, state, signal);
  const since = Date.now();
  await setKeyServers(step, state, signal);
  const applyResults = await applyStep(step, state, signal);
  await untilFetched(step, state, logs, signal);
  const changes = step.apply.length + step.delete.length > 0;
  // Keys that istiod has fetched come with a push. Those of a proxy do not, and it forgets them with each marker.
  const mayPush =
    target.fetchMode() !== 'envoy' && (step.after !== undefined || Object.keys(step.set).length > 0);
  const rejectionResults: CheckResult[] = [];
  if (changes || mayPush || state.held === undefined) {
    const before = state.held;
    const rejection = judgeRejection(
      step,
      state,
      before,
      await proveStep(step, state, signal),
      Date.now() - since,
    );
    state.held = rejection.held;
    rejectionResults.push(...rejection.results);
  }
  const skipped = step.checks
    .filter((check) => check.skip !== undefined)
    .map((check) => withoutVerdict(scenario, step, check, 'skipped', check.skip ?? ''));
  const requestResults = await checkRequests(step, state, state.held, since, signal);
  const fetchResults = await checkFetches(step, state, state.held, logs, since, signal);
  return [...applyResults, ...rejectionResults, ...requestResults, ...fetchResults, ...skipped];
}

/** Waits until every proxy that counts has what is in place now. */
async function proveStep(step: PlannedStep, state: StepState, signal: AbortSignal): Promise<Held> {
  const { target, scenario, context, options, pending, emit } = state;
  const sent = sentBy(scenario.steps, untilChange(step, scenario.steps), context);
  const placed = inPlace(step, state);
  const result = await (target.isReadOnly === true ? proveAsItIs : prove)(
    target,
    {
      sent,
      inPlace: placed,
      meantIdle: meantIdle(step, state),
      markers: pending.markers,
      marked: pending.marked,
      fetch: target.fetchMode(),
      timeoutMs: options.holdMs,
      clock: options.clock,
    },
    signal,
  );
  state.snapshot = result.snapshot;
  state.survey = result.survey;
  const deciders = proxiesOf(deciding(result.snapshot));
  const selection = selectionOf({ survey: result.survey, deciders, sent, inPlace: placed });
  if (selection !== undefined) {
    const of = { mesh: scenario.info.mesh, scenario: scenario.info.id, step: step.name };
    emit({ type: 'step-selected', ...of, selection });
  }
  refuseStaleKeys(result.snapshot, options.runId, kidsOf(context), scenario.ownServers.length > 0);
  if (result.kind !== 'holds') {
    // What others have done explains more than what proxies are without.
    const altered = result.kind === 'unproven' ? await target.altered(signal) : [];
    return altered.length > 0
      ? undoneBy(altered.join('; '), 'before the proxies had it')
      : withoutProof(result, step, state);
  }
  pending.clear();
  emit({
    type: 'step-held',
    mesh: scenario.info.mesh,
    scenario: scenario.info.id,
    step: step.name,
    durationMs: result.ms,
    proof: result.proof,
  });
  return { kind: 'holds', proof: result.proof };
}

/** This step and those after it that change nothing: what is proven for it is for them too. */
function untilChange(step: PlannedStep, steps: readonly PlannedStep[]): PlannedStep[] {
  const after = steps.slice(steps.indexOf(step) + 1);
  const next = after.findIndex((each) => each.apply.length + each.delete.length > 0);
  return [step, ...after.slice(0, next < 0 ? undefined : next)];
}

function withoutProof(
  result: Exclude<ProofResult, { kind: 'holds' }>,
  step: PlannedStep,
  state: StepState,
): Held {
  const { kind, message } = result;
  if (kind === 'rejected') return { kind, message };
  if (result.hint !== undefined) return { kind, message, hint: result.hint };
  if (result.policy === undefined) {
    return {
      kind,
      message: `the proxies did not take the change over: ${message}`,
      hint: 'Look at the log of istiod, and give it more time with --hold-timeout.',
    };
  }
  return {
    kind,
    message,
    hint: 'Correct metadata.namespace or the selector of the policy, or the labels of the pods. If it is meant to hold for nobody, write selectsNothing: true at the step.',
    place: placeOf(result.policy, step, state),
  };
}

function kidsOf({ issuers }: RunContext): Set<string> {
  return new Set([...issuers.values()].flatMap(({ keys }) => [...keys.values()].map(({ kid }) => kid)));
}

/** Applies and deletes, and judges whether the API server has taken it as it should. */
async function applyStep(step: PlannedStep, state: StepState, signal: AbortSignal): Promise<CheckResult[]> {
  const { target, scenario, context, emit } = state;
  const scope = scenario.info.id;
  const check = step.checks.find(
    (each): each is ApplyCheck => each.kind === 'apply' && each.skip === undefined,
  );
  const objects = step.apply.map(({ manifest, place }) => resolve(manifest, context.names, place));
  const started = performance.now();
  const since = Date.now();
  const applied: Applied[] = [];
  const refusals: HarnessError[] = [];
  // Each of those that are to be refused is tried: what stands behind the first one must be refused, too.
  const parts = check?.refused === undefined ? [objects] : objects.map((object) => [object]);
  const accepted: KubeObject[] = [];
  // Before it is done: what is interrupted may have been done.
  state.pending.add([...step.delete, ...objects].map(({ kind }) => kind));
  try {
    // A kept mesh is another process: what is not to be done is not asked of it.
    if (step.delete.length > 0) applied.push(...(await target.delete(step.delete, scope, signal)));
    for (const part of parts.filter(({ length }) => length > 0)) {
      try {
        applied.push(...(await target.apply(part, scope, signal)));
        accepted.push(...part);
        state.applied.push(...part);
      } catch (thrown) {
        const error = asHarnessError(thrown);
        if (error.code !== 'E_REFUSED' || check === undefined) throw error;
        refusals.push(error);
      }
    }
  } catch (thrown) {
    const error = asHarnessError(thrown);
    throw error.place === undefined ? withPlace(error, step, objects) : error;
  }
  refuseMissing(step, applied);
  if (applied.length + objects.length > 0) {
    const warnings = [...new Set(applied.flatMap((each) => each.warnings))];
    emit({
      type: 'step-applied',
      mesh: scenario.info.mesh,
      scenario: scope,
      step: step.name,
      objects: applied.map((each) => `${nameOfKey(each.key)} ${each.change}`),
      manifests: manifestsOf(objects, state.options.showTokens),
      warnings,
      meant: meantWarnings(warnings, objects),
    });
  }
  if (check === undefined) return [];
  const durationMs = Math.round(performance.now() - started);
  const result = judgeRefusal(step, state, check, { refusals, accepted }, durationMs);
  if (result.state === 'passed') return [result];
  const query = { proxies: proxiesOf(deciding(state.snapshot)), requestId: '', since };
  const collected = await collectEvidence(target, query, signal);
  const evidence = writeEvidence(state.options, result, inPlace(step, state), collected, warning(state));
  return [{ ...result, ...evidence }];
}

const aboutSecret = /\bjwks key at index (\d+) contains private key material\b/;

/** What people are told instead of a warning that is about what a scenario does on purpose. */
const symmetric =
  'istiod warns of private key material. That is meant: keys of HMAC algorithms are secret, and these are made for this run';

/**
 * Why a warning is no reason to worry, by the warning; only of those that are none.
 *
 * A JWKS with symmetric keys has nothing but secrets (RFC 7518, section 6.4), and istiod warns of each of them. Of the
 * private part of another key it warns with the same words, and that is told.
 */
export function meantWarnings(
  warnings: readonly string[],
  objects: readonly KubeObject[],
): Readonly<Record<string, string>> {
  const lists = objects.filter(({ kind }) => kind === 'RequestAuthentication').flatMap(keysOf);
  return Object.fromEntries(
    warnings.flatMap((warning) => {
      const index = aboutSecret.exec(warning)?.[1];
      if (index === undefined) return [];
      const secret = lists
        .map((keys) => keys[Number(index)])
        .filter((key) => key?.d !== undefined || isSymmetric(key));
      return secret.length > 0 && secret.every(isSymmetric) ? [[warning, symmetric]] : [];
    }),
  );
}

type Key = Readonly<Record<string, unknown>>;

function isSymmetric(key: Key | undefined): boolean {
  return key?.kty === 'oct';
}

/** The keys of each rule that has its own. */
function keysOf({ spec }: KubeObject): (readonly Key[])[] {
  const { jwtRules } = Object(spec) as { jwtRules?: readonly { readonly jwks?: unknown }[] };
  return (Array.isArray(jwtRules) ? jwtRules : []).flatMap((rule: { readonly jwks?: unknown }) => {
    try {
      const { keys } = JSON.parse(String(rule.jwks)) as { keys: readonly Key[] };
      return Array.isArray(keys) ? [keys] : [];
    } catch {
      return [];
    }
  });
}

/** What is to be deleted must be there: else a misspelt name would leave the old policy in place without a word. */
function refuseMissing(step: PlannedStep, applied: readonly Applied[]): void {
  // What was deleted comes first.
  const missing = applied.slice(0, step.delete.length).find(({ change }) => change === 'unchanged');
  if (missing === undefined) return;
  throw new HarnessError('E_KUBE', `${nameOfKey(missing.key)} cannot be deleted: it is not there`, {
    hint: 'Correct kind, name and namespace under delete, or take it out.',
    place: step.place,
  });
}

/** The place of the manifest that the error is about, or else of the first one. */
function withPlace(error: HarnessError, step: PlannedStep, objects: readonly KubeObject[]): HarnessError {
  const { code, message, hint, details } = error;
  const index = objects.findIndex((object) =>
    message.startsWith(`${nameOfKey({ ...object.metadata, kind: object.kind })} `),
  );
  return new HarnessError(code, message, {
    hint,
    details,
    place: step.apply[Math.max(0, index)]?.place ?? step.place,
    cause: error,
  });
}

function judgeRefusal(
  step: PlannedStep,
  state: StepState,
  check: ApplyCheck,
  {
    refusals,
    accepted,
  }: { readonly refusals: readonly HarnessError[]; readonly accepted: readonly KubeObject[] },
  durationMs: number,
): CheckResult {
  const base = resultBase(state.scenario, step, check);
  const { refused } = check;
  const other = refused === undefined ? undefined : refusals.find((each) => !saidBy(each).includes(refused));
  const refusal = other ?? refusals[0];
  const isAccepted = refusal === undefined || (refused !== undefined && accepted.length > 0);
  const names =
    refusal === undefined
      ? ''
      : accepted.map((each) => nameOfKey({ ...each.metadata, kind: each.kind })).join(', ');
  const actual = isAccepted ? `accepted${names === '' ? '' : `: ${names}`}` : `refused: ${refusal.message}`;
  const right = refused === undefined ? isAccepted : !isAccepted && other === undefined;
  if (right) return { ...base, actual, state: 'passed', durationMs };
  const message =
    refused === undefined
      ? 'the API server refused what it should accept'
      : isAccepted
        ? 'the API server accepted what it should refuse'
        : 'the API server refused for another reason';
  return { ...base, actual, state: 'failed', message, durationMs };
}

/** The words of the API server, without the name of the object, in which any reason could be found. */
function saidBy({ message }: HarnessError): string {
  return message.replace(/^.*? was refused: /s, '');
}
