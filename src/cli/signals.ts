/** SIGINT and SIGTERM end a run in good order; a second one ends it at once. */
import { interruptedCode } from '../errors.ts';
import { processIo } from './io.ts';

/**
 * Calls `work` with a signal that is aborted by SIGINT or SIGTERM; its reason is the name of the signal.
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
      processIo.stderr.write(`\n${name} again: ending without cleaning up. ${leftBehind}\n`);
      process.exit(interruptedCode(name));
    }
    processIo.stderr.write(`\n${name}: cleaning up; once more ends at once.\n`);
    controller.abort(name);
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', handle);
    process.off('SIGTERM', handle);
  }
}
