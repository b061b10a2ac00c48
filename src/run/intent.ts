/** What a plan is going to do to a mesh, as the target wants to know it before anything is done. */
import type { PlannedGroup } from '../plan/types.ts';
import type { Intent } from '../target/target.ts';

/** Everything that scenarios apply and delete, without those that are skipped. */
export function intentOf(groups: readonly PlannedGroup[]): Intent {
  const scenarios = groups.flatMap((group) => group.scenarios).filter(({ skip }) => skip === undefined);
  const steps = scenarios.flatMap((scenario) => scenario.steps);
  const origins = steps.flatMap(({ origin }) => (origin?.kind === 'ingress' ? [origin] : []));
  return {
    apps: [...new Set(scenarios.flatMap(({ apps }) => apps))].sort(),
    keyServers: scenarios.some(({ keyServers, ownServers }) =>
      Object.entries(keyServers).some(
        ([name, { where }]) => where === 'external' && !ownServers.includes(name),
      ),
    ),
    throughIngress: origins.some(({ kind, gateway }) => kind === 'ingress' && gateway === undefined),
    gatewayNamespaces: [...new Set(origins.flatMap(({ gateway }) => gateway?.namespace ?? []))].sort(),
    apply: steps.flatMap(({ apply }) => apply.map(({ manifest }) => manifest)),
    delete: steps.flatMap((step) => step.delete),
  };
}
