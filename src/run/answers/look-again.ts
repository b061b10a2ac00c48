/** Whether what was proven before the answers came is still so after them. */
import { undoneSince } from '../proof/undone.ts';
import type { Held, StepState } from '../steps/step-state.ts';

/**
 * Looks again after the answers, and remembers what it finds for the rest of the step.
 *
 * @param isWrong whether something was not as expected: then everything is looked at
 * @throws HarnessError when nobody can say whether it is still so
 */
export async function lookAgain(
  held: Held,
  state: StepState,
  isWrong: boolean,
  signal: AbortSignal,
): Promise<Held> {
  const { target, snapshot, survey } = state;
  if (held.kind !== 'holds' || survey === undefined) return held;
  const fetch = target.fetchMode();
  // Of what is rejected proxies have nothing, whoever looks.
  const isAll = isWrong && held.isFromBefore !== true;
  const undone = await undoneSince({ snapshot, survey, fetch }, target, isAll, signal);
  if (undone === undefined) return held;
  state.held = undoneBy(undone, 'while the answers came');
  return state.held;
}

/** Others have done something that takes the proof away. */
export function undoneBy(what: string, when: string): Held {
  return {
    kind: 'undone',
    message: `${when}, ${what}, and this run has not done that`,
    hint: 'Run it again while nobody else changes the mesh.',
  };
}
