/** A configuration that a proxy must reject (NACK): an expectation about the proof itself. */
import type { CheckResult } from '../../base/events.ts';
import type { PlannedStep, RejectedCheck } from '../../plan/types.ts';
import { withoutProof } from '../answers/verdict.ts';
import { resultBase } from '../results.ts';
import type { Held, StepState } from './step-state.ts';

/** What a step with such a check comes to, and whether its requests have a proof. */
interface Rejection {
  readonly results: readonly CheckResult[];
  readonly held: Held;
}

/**
 * Judges what has become of the step by the proof of its proxies.
 *
 * @param before whether the proxies had what was declared before this step; undefined at the first one
 * @param held the same for this step
 * @returns `held` as it is, when the step has no such check
 */
export function judgeRejection(
  step: PlannedStep,
  state: Pick<StepState, 'scenario'>,
  before: Held | undefined,
  held: Held,
  durationMs: number,
): Rejection {
  const check = step.checks.find((each): each is RejectedCheck => each.kind === 'rejected');
  if (check === undefined) return { results: [], held };
  const base = { ...resultBase(state.scenario, step, check), durationMs };
  switch (held.kind) {
    case 'holds': {
      const message = 'every proxy accepted what one should reject';
      return { results: [{ ...base, actual: 'accepted', state: 'failed', message }], held };
    }
    case 'rejected': {
      const actual = `rejected: ${held.message}`;
      if (!held.message.includes(check.reason)) {
        const message = 'a proxy rejected it for another reason';
        return { results: [{ ...base, actual, state: 'failed', message }], held };
      }
      return { results: [{ ...base, actual, state: 'passed' }], held: fromBefore(before, held.message) };
    }
    default:
      return { results: [{ ...base, ...withoutProof(held, 'that it is accepted') }], held };
  }
}

/** Envoy keeps the listener that it has when it rejects a new one. */
function fromBefore(before: Held | undefined, rejection: string): Held {
  if (before?.kind === 'holds')
    return { kind: 'holds', proof: `${before.proof}; since then: ${rejection}`, isFromBefore: true };
  return {
    kind: 'unproven',
    message: 'a proxy has rejected the first thing that was applied, so nobody knows what it had before',
    hint: 'Let a step before this one prove what goes on, such as one with a table and the good policy.',
  };
}
