/** What a check was answered, without what differs from run to run. */

import type { CheckResult } from '../../base/events.ts';
import { oneLine } from '../../base/harmless.ts';
import { truncate } from '../text.ts';

/** How long an answer may be in reports that are kept and compared. */
const widest = 160;

/**
 * The status code; with the body where the scenario says what the body must be, as far as it is that body or one of an
 * error. For manifests whether they were accepted, for keys who has fetched them. Without keys, addresses, names of pods
 * and how often something was fetched: two runs against the same mesh give the same.
 *
 * @returns undefined when there was no answer
 */
export function answerOf(check: CheckResult): string | undefined {
  const { kind, actual, expected, response } = check;
  if (kind === 'fetched') return actual?.replace(/ \(\d+ \w+\)$/, '');
  if (kind === 'apply') return actual?.split(':')[0];
  if (response === undefined) return actual === undefined ? undefined : short(actual);
  const { status, body } = response;
  if (status === 0) return undefined;
  // Of an answer that was not expected the body may say anything, such as the headers of the request.
  const isAsserted = /^\d+ "/.test(expected) && (expected.startsWith(`${status} `) || status >= 400);
  return isAsserted && body.trim() !== ''
    ? short(`${status} ${JSON.stringify(body.trim())}`)
    : String(status);
}

function short(text: string): string {
  return truncate(oneLine(text), widest);
}
