/** Policies that cannot be in a scenario, and why. */
import type { KubeObject } from '../base/kube-object.ts';
import { isOfGatewayApi, isWaypoint } from '../explain/world.ts';
import { actionOf } from '../policy/rules.ts';
import { gatewayNameLabel, selectedLabels, targetRefsOf } from '../policy/selection.ts';
import { shapeProblems } from '../policy/shape/object-shape.ts';

/** Why a policy cannot be in a scenario; undefined when it can. @param objects all that there are */
export function whyUnusable(policy: KubeObject, objects: readonly KubeObject[]): string | undefined {
  const problem = shapeProblems(policy).find(({ isNewer }) => !isNewer);
  if (problem !== undefined) return problem.text;
  const other = targetRefsOf(policy.spec).find((ref) => ref.kind !== 'Gateway');
  if (other !== undefined)
    return `it is attached to a ${other.kind}, which is for waypoints; meshes of scenarios have sidecars`;
  const waypoint = waypointOf(policy, objects);
  if (waypoint !== undefined)
    return targetRefsOf(policy.spec).length > 0
      ? `it is for ${waypoint}, which is a waypoint; meshes of scenarios have sidecars`
      : `it selects ${waypoint} by its labels, and a waypoint takes policies with targetRefs alone`;
  return actionOf(policy) === 'CUSTOM'
    ? 'action CUSTOM asks an authorization server of yours, which a scenario does not have'
    : undefined;
}

/** The waypoint that a policy names, by a Gateway that is there or else by the name that istioctl gives each waypoint. */
function waypointOf({ metadata, spec }: KubeObject, objects: readonly KubeObject[]): string | undefined {
  const { namespace } = metadata;
  const labels = selectedLabels(spec);
  const names = [...targetRefsOf(spec).map(({ name }) => name), labels[gatewayNameLabel] ?? []].flat();
  const found = names.find((name) => {
    const gateway = objects.find(
      (object) =>
        isOfGatewayApi(object) && object.metadata.name === name && object.metadata.namespace === namespace,
    );
    return gateway === undefined ? name === 'waypoint' : isWaypoint(gateway);
  });
  return found === undefined ? undefined : `Gateway ${namespace}/${found}`;
}
