/** Why a check did not pass, told once for all checks that did not for the same reason. */
import type { CheckResult, Problem } from '../base/events.ts';

/** How many checks of one cause are named where there is little room. */
export const mostNamed = 6;

/** What a check that did not pass says: one line. */
export function messageOf({ message, expected, actual }: CheckResult): string {
  return message ?? `expected ${expected}, got ${actual ?? 'no answer'}`;
}

/** A message without what differs from check to check: several may show one cause by different answers. */
export function reasonIn(message: string): string {
  return message.replace(/^status \d+ instead of \d+; /, '');
}

/** The same for whatever has the same cause. */
export function causeKey(look: 'failed' | 'error', message: string): string {
  return JSON.stringify([look, reasonIn(message)]);
}

/** Whether there is more to say than that the answer was another one: then it may be the reason in other places, too. */
export function isExplained(message: string): boolean {
  return !/^status \d+ instead of \d+$|^expected /.test(message);
}

/** Whether a check has no verdict for the reason that its whole scenario has none, which is told anyway. */
export function isToldBy({ state, code, message }: CheckResult, problem: Problem | undefined): boolean {
  return state === 'error' && problem !== undefined && code === problem.code && message === problem.message;
}

/** Checks with one cause. */
export interface SameCause {
  readonly key: string;
  readonly first: CheckResult;
  readonly others: readonly CheckResult[];
}

/** Those that failed or have no verdict, by cause, in the order in which the causes came up. */
export function byCause(checks: readonly CheckResult[]): SameCause[] {
  const causes = new Map<string, CheckResult[]>();
  for (const check of checks) {
    if (check.state !== 'failed' && check.state !== 'error') continue;
    const key = causeKey(check.state, messageOf(check));
    const known = causes.get(key);
    if (known === undefined) causes.set(key, [check]);
    else known.push(check);
  }
  return [...causes].flatMap(([key, [first, ...others]]) =>
    first === undefined ? [] : [{ key, first, others }],
  );
}
