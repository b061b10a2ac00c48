// What failed in the runs of a matrix, as names that are the same every night as long as the failure is.
import { verdictOf } from './legs.mjs';

/** @typedef {{ leg: string, what: string, message: string, experimental: boolean }} Failure */

/**
 * The failures of all runs.
 *
 * @param {readonly import('./legs.mjs').Leg[]} legs
 * @returns {Failure[]}
 */
export function failuresOf(legs) {
  return legs.flatMap((leg) => {
    const verdict = verdictOf(leg);
    if (verdict === 'passed') return [];
    const { experimental } = leg.entry;
    /** @type {(what: string, message?: string) => Failure} */
    const failure = (what, message = '') => ({ leg: leg.name, what, message, experimental });
    const { problem } = leg.result?.run ?? {};
    const scenarios = leg.result?.scenarios ?? [];
    const checks = scenarios.flatMap((scenario) => scenario.checks);
    const found = checks
      .filter(({ state }) => state === 'failed')
      .map(({ id, message }) => failure(id, message));
    if (problem !== undefined) {
      // Then no scenario had a chance. The code is the same every night, the message may have times in it.
      return [...found, failure(`${verdict} (${problem.code})`, problem.message)];
    }
    // One line for all checks of a scenario: which of them have no verdict is chance.
    for (const { info, state, checks, ...scenario } of scenarios) {
      const broken = checks.find((check) => check.state === 'error');
      if (state !== 'error' && broken === undefined) continue;
      found.push(failure(`${info.id}: no verdict`, broken?.message ?? scenario.problem?.message));
    }
    if (found.length === 0) found.push(failure(verdict));
    return found;
  });
}

/**
 * Runs that tell nothing about checks that they do not name: a check that failed yesterday may still do so.
 *
 * @param {readonly import('./legs.mjs').Leg[]} legs
 */
export function unfinished(legs) {
  return new Set(
    legs
      .filter(({ result, outcome }) => outcome === undefined || ![0, 1].includes(result?.exitCode ?? -1))
      .map(({ name }) => name),
  );
}
