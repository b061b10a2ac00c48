/** Which manifests are in force at each step. */
import type { StepResult } from '../../result.ts';
import type { Anchors } from '../anchors.ts';

interface Policy {
  /** `Kind namespace/name`. */
  readonly object: string;
  readonly yaml: string;
  /** The step that applied it. */
  readonly step: string;
  /** Where it stands in the page. */
  readonly anchor: string;
}

export interface StepPolicies {
  /** What the step has applied. */
  readonly policies: readonly Policy[];
  /** What is in force when its checks are made, from this step and those before. */
  readonly inForce: readonly Policy[];
  /** Something was applied whose text is not in the result. */
  readonly isUnknown: boolean;
}

/** Kinds in the order in which a reader asks for them: who gets in, what way a request takes, all the rest. */
const order: readonly (readonly string[])[] = [
  ['RequestAuthentication'],
  ['AuthorizationPolicy'],
  ['PeerAuthentication'],
  ['Gateway', 'VirtualService', 'HTTPRoute', 'GRPCRoute', 'DestinationRule', 'ServiceEntry', 'Sidecar'],
];

/** Policies first, then routing, then the rest; within these as they were. @param nameOf `Kind namespace/name`, or more */
export function policiesFirst<T>(list: readonly T[], nameOf: (each: T) => string): T[] {
  const rank = (each: T) => {
    const [kind = ''] = nameOf(each).split(' ');
    const index = order.findIndex((kinds) => kinds.includes(kind));
    return index < 0 ? order.length : index;
  };
  return list.toSorted((one, other) => rank(one) - rank(other));
}

/** For each step by its name, what it applied, and what is in force after it: a later manifest replaces an earlier one. */
export function policiesOf(steps: readonly StepResult[], anchors: Anchors): Map<string, StepPolicies> {
  const current = new Map<string, Policy>();
  let isUnknown = false;
  const byStep = new Map<string, StepPolicies>();
  for (const { name, objects, manifests } of steps) {
    for (const object of [...current.keys()]) {
      if (objects.includes(`${object} deleted`)) current.delete(object);
    }
    const policies = (manifests ?? []).map(
      ({ object, yaml }): Policy => ({
        object,
        yaml,
        step: name,
        anchor: anchors.make('policy', name, object),
      }),
    );
    for (const policy of policies) current.set(policy.object, policy);
    isUnknown ||= manifests === undefined && objects.length > 0;
    const sorted = (list: readonly Policy[]) => policiesFirst(list, ({ object }) => object);
    byStep.set(name, { policies: sorted(policies), inForce: sorted([...current.values()]), isUnknown });
  }
  return byStep;
}
