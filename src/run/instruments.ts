/** Asks our own instruments whether they work, before the mesh is blamed. */
import type { HarnessError } from '../errors.ts';
import type { StepState } from './state.ts';

export async function brokenInstrument(
  _state: StepState,
  _signal: AbortSignal,
): Promise<HarnessError | undefined> {
  return undefined;
}
