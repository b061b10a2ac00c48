/** SIGINT, SIGTERM and SIGHUP end a run in good order; a second one of the first two ends it at once. */
import { interruptedCode } from '../../base/errors.ts';
import { spelled } from '../../report/console/own-command.ts';
import { processIo, typedCommand } from './io.ts';

const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Calls `work` with a signal that is aborted by SIGINT, SIGTERM or SIGHUP; its reason is the name of the signal.
 *
 * @param leftBehind what to say when a second signal cuts cleaning up short
 */
export async function withSignals<T>(
  work: (signal: AbortSignal) => Promise<T>,
  leftBehind: string,
): Promise<T> {
  const controller = new AbortController();
  const handle = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      // A terminal that closes says so twice: its shell does, and the kernel once the shell has ended.
      if (name === 'SIGHUP') return;
      processIo.stderr.write(
        `\n${name} again: ending without cleaning up. ${spelled(leftBehind, typedCommand)}\n`,
      );
      process.exit(interruptedCode(name));
    }
    processIo.stderr.write(`\n${name}: cleaning up; once more ends at once.\n`);
    // The second one may come while reports are being written.
    if (name === 'SIGHUP') process.on(name, () => {});
    controller.abort(name);
  };
  for (const name of names) process.on(name, handle);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of names) process.off(name, handle);
  }
}
