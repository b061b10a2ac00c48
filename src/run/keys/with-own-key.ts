/** The key of the user's own key server, for the scenarios that it serves. */
import { HarnessError } from '../../base/errors.ts';
import type { PlannedScenario } from '../../plan/types.ts';
import type { IssuerKey, IssuerKeys } from '../../token/issuer-keys.ts';
import { issuerWith } from '../../token/own-key.ts';

/** The keys of a scenario, with this one in place of those of each issuer whose keys a server of the user's own serves. */
export function withOwnKey(
  issuers: ReadonlyMap<string, IssuerKeys>,
  { ownServers, keyServers }: PlannedScenario,
  key: IssuerKey | undefined,
): ReadonlyMap<string, IssuerKeys> {
  const served = new Set(ownServers.map((name) => keyServers[name]?.serves));
  if (served.size === 0) return issuers;
  if (key === undefined) throw new HarnessError('E_INTERNAL', 'there is no key for the server of the user');
  return new Map(
    [...issuers].map(([name, made]) => [name, served.has(name) ? issuerWith(key, name, made.issuer) : made]),
  );
}
