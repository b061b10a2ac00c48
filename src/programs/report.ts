/** What is told while programs are looked for and fetched. */
import type { Work } from '../base/events.ts';

/**
 * Receives what is worth knowing, a line at a time.
 *
 * @param kind what is no warning: a step that was to be expected, or how far it is
 */
export type Report = (message: string, kind?: 'step' | Work) => void;

/** The same, with a name before each message. */
export function named(name: string, report: Report): Report {
  return (message, kind) => report(`${name}: ${message}`, kind);
}
