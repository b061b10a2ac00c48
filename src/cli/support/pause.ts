/** Waits for the person at the terminal, with --pause-on-failure. */
import { createInterface } from 'node:readline/promises';
import { HarnessError } from '../../base/errors.ts';

/** Standard input, as far as it is needed here. */
type Input = NodeJS.ReadableStream & {
  readonly isTTY?: boolean | undefined;
  readonly readableEnded?: boolean | undefined;
};

/**
 * Makes what a run calls to wait: each call returns when Enter is pressed, one after the other when several meshes have
 * stopped. A terminal that goes away, such as a closed window, lets the run go on.
 *
 * @throws HarnessError E_USAGE when there is nobody who could press it
 */
export function waitForEnter(input: Input): (signal: AbortSignal) => Promise<void> {
  if (input.isTTY !== true) {
    throw new HarnessError('E_USAGE', '--pause-on-failure needs a terminal: nobody could let the run go on', {
      hint: 'In CI, look at the evidence of the report; to keep a mesh, run with --keep.',
    });
  }
  let turn: Promise<void> = Promise.resolve();
  return (signal) => {
    turn = turn.then(() => enter(input, signal));
    return turn;
  };
}

async function enter(input: Input, signal: AbortSignal): Promise<void> {
  // What has ended never says so again.
  if (signal.aborted || input.readableEnded === true) return;
  // Without `terminal` the interrupt key goes where it always goes: to the handlers of signals.
  const lines = createInterface({ input, terminal: false });
  try {
    await new Promise<void>((resolve) => {
      lines.once('line', () => resolve());
      lines.once('close', () => resolve());
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    lines.close();
    // An open terminal would keep the program from ending.
    input.pause();
  }
}
