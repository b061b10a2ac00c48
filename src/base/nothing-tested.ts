/** Why a mesh that nothing was found out about does not let a run pass. */
import { HarnessError } from './errors.ts';
import type { Shard } from './events.ts';

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
