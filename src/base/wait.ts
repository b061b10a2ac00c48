/** Waiting for something that becomes true, with a deadline and an AbortSignal. */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { debug } from './debug.ts';
import { type ErrorCode, HarnessError } from './errors.ts';

/** Throws E_INTERRUPTED, or what was given as reason, when the signal is aborted. */
export function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof HarnessError) throw signal.reason;
  throw new HarnessError('E_INTERRUPTED', 'interrupted', { cause: signal.reason });
}

/**
 * Calls `listener` when the signal is aborted, at once when it is already. Hundreds of requests may share a signal, which
 * is no leak, so Node's warning about that is turned off for it.
 *
 * @returns stops listening
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  setMaxListeners(0, signal);
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

/** Time as deadlines need it: it is never set back, as the time of day may be. Tests have one of their own. */
export interface Clock {
  /** In milliseconds, from any point on. */
  now(): number;
  /** Returns `ms` milliseconds later; rejects at once when the signal is aborted. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

export const monotonic: Clock = { now: () => performance.now(), pause };

/** Sleeps `ms` milliseconds; rejects at once when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    throwIfAborted(signal);
  }
}

/**
 * Calls `probe` until it returns something other than a string, and returns that. A string says what is still
 * missing; the last one is in the error when `timeoutMs` have passed.
 *
 * @throws HarnessError with `code` at the deadline, or what `probe` throws.
 */
export async function until<T>(
  what: string,
  probe: (signal: AbortSignal) => Promise<T | string>,
  options: {
    timeoutMs: number;
    intervalMs?: number;
    signal: AbortSignal;
    code?: ErrorCode;
    hint?: string;
  },
): Promise<T> {
  const started = performance.now();
  const deadline = started + options.timeoutMs;
  for (;;) {
    throwIfAborted(options.signal);
    const result = await probe(options.signal);
    if (typeof result !== 'string') {
      debug(() => `${what}: after ${Math.round(performance.now() - started)} ms`);
      return result;
    }
    if (performance.now() >= deadline) {
      throw new HarnessError(
        options.code ?? 'E_TIMEOUT',
        `${what} did not happen within ${Math.round(options.timeoutMs / 1000)} s: ${result}`,
        { hint: options.hint },
      );
    }
    await pause(options.intervalMs ?? 200, options.signal);
  }
}

/**
 * A promise that is rejected when the signal is aborted, for what does not always heed its signal: until it is connected,
 * undici does not look at it, and it connects again and again to a proxy that hangs up.
 */
export function endOf(signal: AbortSignal): {
  readonly reached: Promise<never>;
  readonly ignore: () => void;
} {
  let ignore = () => {};
  const reached = new Promise<never>((_, reject) => {
    ignore = onAbort(signal, () => reject(signal.reason));
  });
  // Whoever has lost interest by then need not hear of it.
  reached.catch(() => {});
  return { reached, ignore };
}

/** A signal that is aborted with `signal`, or after `ms` with a timeout error that says what took too long. */
export function within(
  ms: number,
  signal: AbortSignal,
  what: string,
): { signal: AbortSignal; done: () => void } {
  const own = new AbortController();
  const timer = setTimeout(
    () => own.abort(new HarnessError('E_TIMEOUT', `${what} took longer than ${Math.round(ms / 1000)} s`)),
    ms,
  );
  const ignore = onAbort(signal, () => own.abort(signal.reason));
  return {
    signal: own.signal,
    done: () => {
      clearTimeout(timer);
      ignore();
    },
  };
}

/**
 * Works on all items at once, in the order given when there is a limit, and leaves no work behind: when one fails, the
 * others are aborted, and have ended before its error is thrown.
 *
 * @param atOnce how many are worked on at a time
 */
export async function together<T, R>(
  items: readonly T[],
  work: (item: T, signal: AbortSignal) => Promise<R>,
  signal: AbortSignal,
  atOnce = items.length,
): Promise<R[]> {
  const own = new AbortController();
  const ignore = onAbort(signal, () => own.abort(signal.reason));
  const waiting = [...items.entries()];
  const results: R[] = [];
  const failures: unknown[] = [];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined && failures.length === 0; next = waiting.shift()) {
      const [index, item] = next;
      try {
        results[index] = await work(item, own.signal);
      } catch (thrown) {
        failures.push(thrown);
        own.abort(thrown);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  ignore();
  if (failures.length > 0) throw failures[0];
  return results;
}
