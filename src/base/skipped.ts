/** Checks that are skipped: why those are that would have run, and that a mesh that nothing was found out about lets no run pass. */
import { HarnessError } from './errors.ts';
import type { Shard } from './events.ts';

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

/**
 * @param skipped why each check was not made; empty when there was none to make
 * @param shard which part of a run it is
 */
export function nothingTested(skipped: readonly string[], shard?: Shard): HarnessError {
  const reasons = [...new Set(skipped)];
  const because = reasons.length === 1 ? ` (${reasons[0]})` : '';
  const choose = 'choose scenarios that are for this mesh, or a mesh that they are for';
  return new HarnessError(
    'E_NOTHING_TESTED',
    `nothing was tested: ${whatHappened(skipped.length)}${because}`,
    {
      hint:
        shard === undefined || shard.count === 1
          ? `${choose[0]?.toUpperCase()}${choose.slice(1)}; "jwt-e2e list" shows what there is.`
          : `Use fewer shards than ${shard.count}, or ${choose}.`,
      details: reasons.length > 1 ? reasons.join('\n') : undefined,
    },
  );
}

function whatHappened(skipped: number): string {
  if (skipped === 0) return 'there was no check to make';
  return skipped === 1 ? 'the only check was skipped' : `all ${skipped} checks were skipped`;
}
