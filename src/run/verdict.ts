/** What the answer to a request comes to, given whether the proxies have what was declared. */
import type { CheckResult } from '../events.ts';
import type { Outcome } from './converge.ts';
import type { Explanation } from './explanation.ts';
import type { Held } from './state.ts';

/** @param why the cause of a wrong answer, when one can be seen */
export function verdict(
  outcome: Outcome,
  held: Held,
  why: () => Explanation | undefined = () => undefined,
): Pick<CheckResult, 'state' | 'message' | 'hint' | 'code'> {
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
    const unproven = `the proxies did not take the change over: ${held.message}`;
    if (outcome.difference !== undefined && outcome.convergence.firstRightMs === undefined) {
      return {
        state: 'failed',
        code: 'E_UNPROVEN',
        message: `${outcome.difference}; ${unproven}`,
        hint: unprovenHint,
      };
    }
    return {
      state: 'error',
      code: 'E_UNPROVEN',
      message: `the answer may come from an older policy: ${unproven}`,
      hint: unprovenHint,
    };
  }
  if (outcome.held) return { state: 'passed' };
  const { cause, remedy } = why() ?? {};
  return {
    state: 'failed',
    message: [outcome.difference, cause].filter((part) => part !== undefined).join('; '),
    hint: remedy,
  };
}

const unprovenHint =
  'If the change makes no difference to the proxy, delete the old policy in a step before, or use other keys.';
