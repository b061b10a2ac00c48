/**
 * Finds keys of an earlier run in a proxy. istiod keeps the keys of a jwksUri for 20 minutes and more (JwksResolver in
 * pilot/pkg/model), by issuer and address, which are the same in every run. A target that may not restart istiod can
 * only say that there is no verdict.
 */
import { HarnessError } from '../../base/errors.ts';
import { jwtRulesOf } from '../../policy/token-locations.ts';
import type { Snapshot } from '../proof/prove.ts';

/** How the key IDs end that {@link KeyRing} has made: with the run and a number. */
const endOfKid = /-([0-9a-f]{6})-\d+$/;

/** What to do when istiod has keys of another time. */
export const whenCached =
  'istiod keeps the keys that it has fetched for 20 minutes and more. Wait, or restart it: kubectl rollout restart -n istio-system deployment/istiod';

/**
 * @param own the key IDs of the scenario that runs
 * @param isServed whether a server of the user's own serves its keys: the issuer then has one of them, or the placeholder,
 * which has no key ID
 * @throws HarnessError E_UNPROVEN when a proxy verifies with keys that another run of this tool has made, or that were
 * made for a scenario that is no longer there: another one, or the same before it was changed
 */
export function refuseStaleKeys(
  snapshot: Snapshot,
  runId: string,
  own: ReadonlySet<string>,
  isServed = false,
): void {
  for (const [proxy, { declared, policies }] of snapshot) {
    // Keys that stand in the policy itself come with it, and are compared when the proxy is looked at.
    const fetched = new Set(
      declared
        .flatMap(jwtRulesOf)
        .filter(({ jwks = '' }) => jwks === '')
        // A rule may leave it out, and the provider then has an empty one.
        .map(({ issuer = '' }) => issuer),
    );
    for (const { issuer, keys = [] } of policies.providers.filter((each) => fetched.has(each.issuer))) {
      const isOther = keys.length > 0 && keys.every(({ kid }) => typeof kid === 'string' && !own.has(kid));
      if (isServed && isOther) {
        throw new HarnessError(
          'E_UNPROVEN',
          `${proxy} has keys for issuer ${issuer}, and not the one of --external-jwks-key: istiod has not fetched it`,
          { hint: whenCached },
        );
      }
      for (const kid of keys.map((key) => String(key.kid))) {
        const run = endOfKid.exec(kid)?.[1];
        if (run === undefined || own.has(kid)) continue;
        const whose = run === runId ? 'earlier in this run' : `by run ${run}`;
        throw new HarnessError(
          'E_UNPROVEN',
          `${proxy} has keys for issuer ${issuer} that were made ${whose}: istiod has not fetched those of this scenario`,
          { hint: whenCached },
        );
      }
    }
  }
}
