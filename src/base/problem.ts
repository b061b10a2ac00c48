import type { HarnessError } from './errors.ts';
import type { Problem } from './events.ts';

/** The parts of an error that events carry. */
export function problemOf(error: HarnessError): Problem {
  const { code, message, hint, place, details } = error;
  return { code, message, hint, place, details };
}
