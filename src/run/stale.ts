/**
 * Finds keys of an earlier run in a proxy. istiod keeps the keys of a jwksUri for 20 minutes and more (JwksResolver in
 * pilot/pkg/model), by issuer and address, which are the same in every run. A target that may not restart istiod can
 * only say that there is no verdict.
 */
import { HarnessError } from '../errors.ts';
import type { Snapshot } from './hold.ts';

/** How the key IDs end that {@link KeyRing} has made: with the run and a number. */
const endOfKid = /-([0-9a-f]{6})-\d+$/;

/** @throws HarnessError E_UNPROVEN when a proxy verifies with keys that another run of this tool has made */
export function refuseStaleKeys(snapshot: Snapshot, runId: string): void {
  for (const [proxy, { policies }] of snapshot) {
    for (const { issuer, keys = [] } of policies.providers) {
      const runs = keys.map(({ kid }) => endOfKid.exec(String(kid))?.[1]);
      const other = runs.find((run) => run !== undefined && run !== runId);
      if (other === undefined) continue;
      throw new HarnessError(
        'E_UNPROVEN',
        `${proxy} has keys of run ${other} for issuer ${issuer}: istiod has not fetched those of this run`,
        {
          hint: 'istiod keeps the keys that it has fetched for 20 minutes and more. Wait, or restart it: kubectl rollout restart -n istio-system deployment/istiod',
        },
      );
    }
  }
}
