/** Why checks are skipped that would have run, had nothing gone wrong before. */

/** Of scenarios that come after a failed one, with --fail-fast. */
export const skippedForFailFast = 'an earlier scenario failed (--fail-fast)';

/** Of steps that come after one that could not be carried out. */
export function skippedForStep(step: string): string {
  return `step "${step}" could not be carried out`;
}

/** Whether a skipped check was to be run: what went wrong before it says nothing about it. */
export function wasToRun(reason: string | undefined): boolean {
  return reason === skippedForFailFast || /^step ".*" could not be carried out$/s.test(reason ?? '');
}
