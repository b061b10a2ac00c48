/** What the answer to a request comes to, given whether the proxies have what was declared. */
import type { HarnessError } from '../../base/errors.ts';
import { type CheckResult, settledMs } from '../../base/events.ts';
import type { Explanation } from '../explain/explanation.ts';
import type { Held } from '../steps/step-state.ts';
import type { Outcome } from './converge.ts';

export type Verdict = Pick<CheckResult, 'state' | 'message' | 'hint' | 'code'> & {
  readonly place?: CheckResult['place'];
};

/**
 * @param why the cause of a wrong answer, when one can be seen
 * @param broken an instrument of ours that does not work, when one was found: then a wrong answer says nothing
 */
export function verdict(
  outcome: Outcome,
  held: Held,
  why: () => Explanation | undefined = () => undefined,
  broken?: HarnessError,
): Verdict {
  const { response, difference, unanswered } = outcome;
  if (held.kind === 'rejected') {
    return {
      state: 'failed',
      code: 'E_NACK',
      message: `a proxy rejected its configuration, so an older one goes on: ${held.message}`,
      hint: 'Look for keys that Envoy does not accept in the JWKS; proxy-filters-*.json of the evidence shows what it has.',
    };
  }
  if (held.kind !== 'holds')
    return withoutProof(held, difference === undefined ? 'the answer' : `${difference}, but that`);
  if (outcome.held) return late(outcome) ?? { state: 'passed' };
  if (broken !== undefined) {
    const { code, message, hint } = broken;
    return { state: 'error', code, message, hint };
  }
  if (difference === undefined) {
    return {
      state: 'error',
      code: 'E_SEND',
      message:
        response.status === 0
          ? `no answer: ${response.error ?? 'unknown reason'}`
          : `the answers are right, but too few came: ${unanswered} requests were not answered`,
      hint: 'Is the machine overloaded, or does the application hang? --answer-timeout gives it more time.',
    };
  }
  const { cause, remedy } = why() ?? {};
  return {
    state: 'failed',
    message: [difference, cause].filter((part) => part !== undefined).join('; '),
    hint: remedy,
  };
}

/** Right answers that came for good later than the scenario allows. */
function late({ convergence }: Outcome): Verdict | undefined {
  const [took = 0, limit] = [settledMs(convergence), convergence.limitMs];
  if (limit === undefined || took <= limit) return undefined;
  return {
    state: 'failed',
    message: `the answer is right, but not within ${seconds(limit)}: it was so for good ${seconds(took)} after the change`,
    hint: 'Times are those of this machine too: compare with another run before you blame the mesh.',
  };
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toPrecision(3))} s`;
}

/**
 * The verdict about anything that was seen without proof.
 *
 * @param seen what was seen, as the subject of a sentence
 */
export function withoutProof(
  { kind, message, hint, place }: Extract<Held, { kind: 'unproven' | 'undone' }>,
  seen: string,
): Verdict & { readonly state: 'error' } {
  const says = kind === 'undone' ? 'proves nothing' : 'may come from an older policy';
  return {
    state: 'error',
    code: 'E_UNPROVEN',
    message: place === undefined ? `${seen} ${says}: ${message}` : message,
    hint,
    ...(place === undefined ? {} : { place }),
  };
}
