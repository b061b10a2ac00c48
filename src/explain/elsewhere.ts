/** Policies that were probably meant for a workload, and do not hold for it. */
import type { KubeObject } from '../base/kube-object.ts';
import { nearest } from '../base/suggest.ts';
import type { Workload } from '../policy/input.ts';
import { holdsFor, isPolicy, nameOf, selectedLabels, targetRefsOf } from '../policy/selection.ts';

/** A line about each, with why. */
export function elsewhere(
  objects: readonly KubeObject[],
  workload: Workload,
  rootNamespace: string,
): string[] {
  return objects.flatMap((policy) => {
    if (!isPolicy(policy) || holdsFor(policy, workload, rootNamespace)) return [];
    const why = whyNot(policy, workload);
    return why === undefined ? [] : `${nameOf(policy)}: ${why}`;
  });
}

/** Undefined for one that is about something else. */
function whyNot({ metadata, spec }: KubeObject, { namespace, labels }: Workload): string | undefined {
  const { namespace: own } = metadata;
  const of = new Map(Object.entries(labels));
  const [ref] = targetRefsOf(spec);
  const wanted = Object.entries(selectedLabels(spec)).map(([name, value]) => [name, String(value)] as const);
  const missing = wanted.filter(([name, value]) => of.get(name) !== value);
  const isHere = (own ?? 'default') === namespace;
  if (ref !== undefined)
    return isHere
      ? `it is for ${ref.kind} ${ref.name} by targetRefs, which hold for waypoints and for Gateways of the Gateway API, and for no sidecar`
      : undefined;
  if (!isHere) {
    if (own === undefined)
      return `it says no namespace, so it is one of namespace default, and the workload is in ${namespace}`;
    return wanted.length > 0 && missing.length === 0
      ? `it is in namespace ${own}, and the workload is in ${namespace}: a policy holds for its own namespace alone`
      : undefined;
  }
  const isNear = missing.every(
    ([name, value]) =>
      missing.length < wanted.length ||
      nearest(value, [of.get(name) ?? '']) !== undefined ||
      Object.values(labels).includes(value),
  );
  if (!isNear) return undefined;
  const shown = missing.map(([name, value]) => {
    const has = of.get(name);
    return `${name}=${value}, and the workload has ${has === undefined ? `no label ${name}` : `${name}=${has}`}`;
  });
  return `it selects ${shown.join('; ')}`;
}
