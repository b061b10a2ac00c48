/** Policies that were applied and hold for none of the proxies that decide, and why. */

import { nameOf, policyKinds, targetRefsOf } from '../policy/selection.ts';
import type { KubeObject, ProxyRef } from '../target/target.ts';
import type { Explanation } from './explanation.ts';

/** @returns undefined when all of them hold for some of the proxies */
export function selectsNothing(
  applied: readonly KubeObject[],
  declared: readonly KubeObject[],
  proxies: readonly ProxyRef[],
): Explanation | undefined {
  const names = new Set(declared.map(nameOf));
  const lost = applied.filter(
    (policy) =>
      policyKinds.includes(policy.kind) &&
      targetRefsOf(policy.spec).length === 0 &&
      !names.has(nameOf(policy)),
  );
  if (lost.length === 0) return undefined;
  const verb = lost.length === 1 ? 'selects' : 'select';
  const reasons = [...new Set(lost.flatMap((policy) => reason(policy, proxies) ?? []))];
  const whose = lost.length === 1 ? 'its' : 'their';
  const why =
    reasons.length > 0
      ? reasons.map((each) => `${whose} ${each}`).join(', and ')
      : 'see namespace and selector';
  return {
    cause: `${lost.map(nameOf).join(' and ')} ${verb} none of the proxies that decide about this request: ${why}`,
    remedy:
      'Correct metadata.namespace or spec.selector.matchLabels of the policy, or the labels of the pods.',
  };
}

/** A policy holds in its namespace, for workloads with all labels of its selector (Istio, "Policy target" of both kinds). */
function reason({ metadata, spec }: KubeObject, proxies: readonly ProxyRef[]): string | undefined {
  const namespaces = [...new Set(proxies.map((proxy) => proxy.namespace))];
  if (!namespaces.includes(metadata.namespace ?? '')) {
    return `namespace is ${metadata.namespace}, and that of the proxies is ${namespaces.join(' or ')}`;
  }
  const { matchLabels = {} } =
    (spec as { selector?: { matchLabels?: Record<string, string> } }).selector ?? {};
  const near = proxies.filter(({ namespace }) => namespace === metadata.namespace);
  const wrong = Object.entries(matchLabels).filter(([name, value]) =>
    near.every(({ labels }) => labels[name] !== value),
  );
  const have = wrong.flatMap(([name]) =>
    near.map(({ labels }) => (labels[name] === undefined ? `no ${name}` : `${name}=${labels[name]}`)),
  );
  if (wrong.length === 0) return undefined;
  const wanted = wrong.map(([name, value]) => `${name}=${value}`).join(', ');
  return `selector wants ${wanted}, and the proxies have ${[...new Set(have)].join(', ')}`;
}
