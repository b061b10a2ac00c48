/** One step: apply, wait until it holds, send, compare. */
import { asHarnessError, HarnessError } from '../errors.ts';
import type { CheckResult } from '../events.ts';
import { nameOfKey } from '../names.ts';
import type { ApplyCheck, PlannedStep } from '../plan/types.ts';
import { resolve } from '../scenario/template.ts';
import type { Applied, KubeObject } from '../target/target.ts';
import { redact } from '../token/decode.ts';
import type { RunContext } from './context.ts';
import { collectEvidence, writeEvidence } from './evidence.ts';
import { inPlace } from './explain.ts';
import { checkFetches, logEnds } from './fetches.ts';
import { takeSettledSnapshot, waitUntilHeld } from './hold.ts';
import { manifestsOf } from './manifests.ts';
import { checkRequests } from './request-checks.ts';
import { destinations, nearbyRequest } from './requests.ts';
import { resultBase, withoutVerdict } from './results.ts';
import { refuseStaleKeys } from './stale.ts';
import type { Held, StepState } from './state.ts';

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
  const { target, scenario, emit } = state;
  emit({ type: 'step-started', mesh: scenario.info.mesh, scenario: scenario.info.id, step: step.name });
  const changes = step.apply.length + step.delete.length > 0;
  const hosts = routedHosts(step, state.context);
  const places = destinations(scenario.steps, state.context);
  const proxies = async () =>
    (await Promise.all(places.map((each) => target.proxies(each.origin, each.url, signal)))).flat();
  // What the proxies have after one step is what they have before the next; only clusters must be asked for by host.
  const known = state.held?.kind === 'holds' && state.snapshot.size > 0 && hosts.length === 0;
  const before =
    !changes || known
      ? state.snapshot
      : await takeSettledSnapshot(
          target,
          proxies,
          hosts,
          { fetch: target.fetchMode(), timeoutMs: state.options.holdMs },
          signal,
        );
  const logs = await logEnds(step, state, signal);
  const since = Date.now();
  const { results: applyResults, applied } = await applyStep(step, state, signal);
  // Without a change, what held before holds still, and what did not has not come either.
  let held: Held =
    state.held === undefined || state.held.kind === 'holds'
      ? { kind: 'holds', proof: 'nothing was changed since the step before' }
      : state.held;
  if (changes || state.snapshot.size === 0) {
    const changedHosts = applied.some(isChangedRoute) ? hosts : [];
    const result = await waitUntilHeld(
      target,
      {
        proxies,
        before,
        hosts: changedHosts,
        fetch: target.fetchMode(),
        timeoutMs: state.options.holdMs,
        since,
      },
      signal,
    );
    state.snapshot = result.snapshot;
    refuseStaleKeys(result.snapshot, state.options.runId, kidsOf(state.context));
    held = result.kind === 'holds' ? result : { kind: result.kind, message: result.message };
    state.held = held;
    if (result.kind === 'holds') {
      emit({
        type: 'step-held',
        mesh: scenario.info.mesh,
        scenario: scenario.info.id,
        step: step.name,
        durationMs: result.ms,
        proof: result.proof,
      });
    }
  }
  const skipped = step.checks
    .filter((check) => check.skip !== undefined)
    .map((check) => withoutVerdict(scenario, step, check, 'skipped', check.skip ?? ''));
  const requestResults = await checkRequests(step, state, held, since, signal);
  const fetchResults = await checkFetches(step, state, logs, since, signal);
  return [...applyResults, ...requestResults, ...fetchResults, ...skipped];
}

function kidsOf({ issuers }: RunContext): Set<string> {
  return new Set([...issuers.values()].flatMap(({ keys }) => [...keys.values()].map(({ kid }) => kid)));
}

const routes = ['ServiceEntry', 'DestinationRule'];

function isChangedRoute({ key, change }: Applied): boolean {
  return routes.includes(key.kind) && change !== 'unchanged' && change !== 'deleted';
}

/** Hosts of ServiceEntries and DestinationRules of the step: their clusters show whether a proxy has them. */
function routedHosts(step: PlannedStep, context: RunContext): string[] {
  return step.apply.flatMap(({ manifest, place }) => {
    if (!routes.includes(manifest.kind)) return [];
    const { spec } = resolve(manifest, context.names, place) as {
      spec?: { host?: string; hosts?: string[] };
    };
    return [...(spec?.hosts ?? []), ...(spec?.host === undefined ? [] : [spec.host])];
  });
}

async function applyStep(
  step: PlannedStep,
  state: StepState,
  signal: AbortSignal,
): Promise<{ results: CheckResult[]; applied: Applied[] }> {
  const { target, scenario, context, emit } = state;
  const scope = scenario.info.id;
  const check = step.checks.find((each): each is ApplyCheck => each.kind === 'apply');
  const show = state.options.showTokens ? (text: string) => text : redact;
  const objects = step.apply.map(
    ({ manifest, place }) => resolve(manifest, context.names, place) as unknown as KubeObject,
  );
  const started = Date.now();
  const applied: Applied[] = [];
  let refusal: HarnessError | undefined;
  try {
    applied.push(...(await target.delete(step.delete, scope, signal)));
    applied.push(...(await target.apply(objects, scope, signal)));
    state.applied.push(...objects);
  } catch (thrown) {
    const error = asHarnessError(thrown);
    if (error.code !== 'E_REFUSED' || check === undefined) {
      throw error.place === undefined ? withPlace(error, step, objects) : error;
    }
    refusal = error;
  }
  if (applied.length + objects.length > 0) {
    emit({
      type: 'step-applied',
      mesh: scenario.info.mesh,
      scenario: scope,
      step: step.name,
      objects: applied.map((each) => `${nameOfKey(each.key)} ${each.change}`),
      manifests: manifestsOf(objects, state.options.showTokens),
      warnings: [...new Set(applied.flatMap((each) => each.warnings))].map(show),
    });
  }
  if (check === undefined) return { results: [], applied };
  const result = judgeRefusal(step, state, check, refusal, Date.now() - started);
  if (result.state === 'passed') return { results: [result], applied };
  const request = nearbyRequest(step, state);
  const collected = await collectEvidence(target, { request, since: started }, signal);
  const evidence = writeEvidence(state.options, result, inPlace(step, state), collected);
  return { results: [{ ...result, ...evidence }], applied };
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
  refusal: HarnessError | undefined,
  durationMs: number,
): CheckResult {
  const base = resultBase(state.scenario, step, check);
  const show = state.options.showTokens ? (text: string) => text : redact;
  // The API server quotes values that it does not take.
  const actual = refusal === undefined ? 'accepted' : show(`refused: ${refusal.message}`);
  const right =
    check.refused === undefined ? refusal === undefined : refusal?.message.includes(check.refused) === true;
  if (right) return { ...base, actual, state: 'passed', durationMs };
  const message =
    check.refused === undefined
      ? 'the API server refused what it should accept'
      : refusal === undefined
        ? 'the API server accepted what it should refuse'
        : 'the API server refused for another reason';
  return { ...base, actual, state: 'failed', message, durationMs };
}
