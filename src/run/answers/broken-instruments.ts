/** Whether what this tool itself has put beside the mesh works: else a wrong answer says nothing about the mesh. */
import { asHarnessError, type HarnessError } from '../../base/errors.ts';
import { throwIfAborted } from '../../base/wait.ts';
import type { StepState } from '../steps/step-state.ts';
import { ownAgent } from './build-request.ts';

/**
 * What is broken of the key servers that the target has started for the scenario; undefined when all of them answer.
 * Servers that a scenario applies itself are a part of what it tests.
 *
 * @throws HarnessError only for an interruption
 */
export async function brokenInstruments(
  { context: { keyServers }, options: { runId } }: Pick<StepState, 'context' | 'options'>,
  signal: AbortSignal,
): Promise<HarnessError | undefined> {
  const found = await Promise.all(
    [...keyServers.values()].map((server) =>
      server.check(`${ownAgent(runId)}check`, signal).then(() => undefined, asHarnessError),
    ),
  );
  throwIfAborted(signal);
  return found.find((error) => error !== undefined);
}
