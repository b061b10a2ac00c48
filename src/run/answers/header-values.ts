/** Headers against what a scenario says of them: of responses, and of what an application received. */

import type { Answer } from '../../scenario/format/schema.ts';
import { absent } from '../../scenario/format/schema-answers.ts';
import { fitsPattern } from '../../scenario/pattern.ts';

type Received = NonNullable<NonNullable<Answer['received']>['headers']>[string];
/** What a header must be: a value, `absent`, a pattern, or a list of every value that must come. */
type Wanted = Received | NonNullable<Answer['headers']>[string];
type One = Exclude<Wanted, readonly unknown[]>;

/**
 * What is different, as the end of a sentence about the header; undefined when it is as it must be.
 *
 * @param came its values, one for each time that it came
 */
export function valueDifference(wanted: Wanted, came: readonly string[]): string | undefined {
  const all: readonly One[] = Array.isArray(wanted) ? wanted : isAbsent(wanted) ? [] : [wanted];
  const isRight = all.length === came.length && all.every((each, index) => isLike(came[index] ?? '', each));
  return isRight ? undefined : `is ${cameText(came)} instead of ${wantedText(wanted)}`;
}

/** As reports print it. */
export function wantedText(wanted: Wanted): string {
  if (isAbsent(wanted)) return absent;
  if (typeof wanted === 'string') return JSON.stringify(wanted);
  if (!Array.isArray(wanted)) return `like ${JSON.stringify(wanted.matches)}`;
  return wanted
    .map((each) => (typeof each === 'string' ? JSON.stringify(each) : wantedText(each)))
    .join(' and ');
}

function isLike(value: string, wanted: One): boolean {
  return typeof wanted === 'string' ? value === wanted : fitsPattern(value, wanted.matches);
}

/** In a list it is a value like any other. */
function isAbsent(wanted: Wanted): boolean {
  return wanted === absent;
}

function cameText(came: readonly string[]): string {
  return came.length === 0 ? absent : came.map((each) => JSON.stringify(each)).join(' and ');
}
