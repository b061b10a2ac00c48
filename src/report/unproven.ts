/** What a run leaves unproven: the promises of skipped checks, by the reason, which says what would prove them. */
import { type CheckResult, type SourceRef, sourceText } from '../base/events.ts';
import { groupBy } from '../base/group.ts';
import { wasToRun } from '../base/skipped.ts';

export interface Unproven {
  readonly reason: string;
  readonly checks: readonly string[];
  /** Those that a document makes. `inPart`: other checks of the same section have passed. */
  readonly promises: readonly (SourceRef & { readonly inPart: boolean })[];
}

/** @param checks of a run; what was skipped because something went wrong before is left out */
export function unprovenOf(checks: readonly CheckResult[]): Unproven[] {
  const proven = new Set(checks.filter(({ state }) => state === 'passed').map(({ source }) => keyOf(source)));
  const skipped = checks.filter(({ state, message }) => state === 'skipped' && !wasToRun(message));
  return [...groupBy(skipped, reasonOf)].map(([reason, group]) => ({
    reason,
    checks: [...new Set(group.map(({ id }) => id))],
    promises: [...groupBy(group, ({ source }) => keyOf(source))].flatMap(([key, [first]]) =>
      first === undefined || sourceText(first.source) === undefined
        ? []
        : [{ ...first.source, inPart: proven.has(key) }],
    ),
  }));
}

/** `FAQ about JWT authentication, "Sample" (in part)`. */
export function promiseText({ inPart, ...source }: Unproven['promises'][number]): string {
  return `${sourceText(source)}${inPart ? ' (in part)' : ''}`;
}

const keyOf = ({ document, section }: SourceRef) => JSON.stringify([document, section]);

/** What each reason leaves unproven. */
export function promisesByReason(unproven: readonly Unproven[] = []): Map<string, Unproven['promises']> {
  return new Map(unproven.map(({ reason, promises }) => [reason, promises]));
}

export function reasonOf({ message = 'no reason given' }: CheckResult): string {
  return message;
}
