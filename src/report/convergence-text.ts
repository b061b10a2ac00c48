/** What the number of wrong answers of a check says, and no more than that. */
import type { CheckState, Convergence } from '../base/events.ts';
import { plural } from './text.ts';

/** Whether there was a right answer, and no wrong one after the first of them. */
export function isSettled({ stale, firstRightMs, lastWrongMs }: Convergence): boolean {
  return firstRightMs !== undefined && (stale === 0 || (lastWrongMs ?? firstRightMs) <= firstRightMs);
}

/**
 * `2 answers before it by the configuration before`, `27 wrong answers`, `28 of 55 right since the proof`. Where wrong
 * answers came from is only known of a check that passed, of those before the first right one and before the proof.
 */
export function wrongAnswerTexts(convergence: Convergence, state: CheckState): string[] {
  const { stale, answers, right } = convergence;
  const isAllRight = answers === undefined || right === undefined || right === answers;
  const wrong =
    state === 'passed' && isAllRight && isSettled(convergence)
      ? `${plural(stale, 'answer')} before it by the configuration before`
      : plural(stale, 'wrong answer');
  return [
    ...(stale === 0 ? [] : [wrong]),
    ...(isAllRight ? [] : [`${right} of ${answers} right since the proof`]),
  ];
}
