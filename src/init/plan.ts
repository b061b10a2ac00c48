/** From the user's objects to what the scenario is about: which namespace, which policies, which places. */
import { HarnessError } from '../errors.ts';
import type { Manifest } from '../scenario/schema.ts';
import { type Place, placesFor } from './places.ts';
import { type LeftOut, nameOf, type Policy, readPolicies } from './policy.ts';

/** Policies in it are for the whole mesh: https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/, rootNamespace. */
const rootNamespace = 'istio-system';

/** Where the scenario has its workloads. */
export const ownNamespace = 'foo';

export interface Plan {
  /** Of the user; undefined when all that was found is for gateways. */
  readonly namespace: string | undefined;
  /** Policies for an ingress gateway, which are tried first and alone. */
  readonly gateway: readonly Policy[];
  /** Policies for workloads. */
  readonly policies: readonly Policy[];
  readonly places: readonly Place[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * @param where what was looked at, in words, such as `the folder policies/`
 * @throws HarnessError E_USAGE when there are no policies, or those of several namespaces
 */
export function planFor(objects: readonly Manifest[], wanted: string | undefined, where: string): Plan {
  const foreign = objects.filter(({ metadata }) => !isOwn(metadata));
  const namespace = wanted === rootNamespace ? undefined : (wanted ?? onlyNamespace(foreign));
  const isNear = ({ metadata }: Manifest) =>
    [namespace, rootNamespace].includes(metadata.namespace ?? 'default');
  const atGateways = new Set(
    readPolicies(foreign).policies.flatMap((policy) =>
      policy.isForGateway && (wanted === undefined || wanted === policy.namespace) ? policy.object : [],
    ),
  );
  const near = foreign.filter((object) => isNear(object) || atGateways.has(object));
  const read = readPolicies(near.map((object) => moved(object, namespace)));
  const { leftOut } = read;
  const policies = read.policies.filter(
    ({ isForGateway, namespace: home }) => !isForGateway || wanted === undefined || wanted === home,
  );
  const gateway = policies.filter(({ isForGateway }) => isForGateway);
  const own = policies.filter((policy) => !policy.isForGateway);
  if (gateway.length + own.length === 0) throw nothing(foreign, wanted, where);
  const places = placesFor(own, near, namespace ?? rootNamespace);
  const used = new Set(places.flatMap((place) => place.policies));
  return {
    namespace,
    gateway,
    policies: own.filter((policy) => used.has(policy)),
    places,
    leftOut: [
      ...leftOut,
      ...own
        .filter((policy) => !used.has(policy))
        .map(({ object }) => ({
          what: nameOf(object),
          why: 'it selects app: sleep, which is the client here',
        })),
      ...routes(near),
    ],
  };
}

/** What this tool has put into a cluster itself. */
function isOwn(metadata: Manifest['metadata']): boolean {
  const { labels } = metadata as { labels?: Record<string, unknown> };
  return labels?.['app.kubernetes.io/managed-by'] === 'istio-jwt-e2e';
}

/** The namespace that has policies, besides the root namespace. */
function onlyNamespace(objects: readonly Manifest[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { object, namespace, isForGateway } of readPolicies(objects).policies) {
    if (namespace === rootNamespace || isForGateway) continue;
    counts.set(object.metadata.namespace ?? 'default', (counts.get(namespace) ?? 0) + 1);
  }
  if (counts.size <= 1) return [...counts.keys()][0];
  const listed = [...counts].map(([namespace, count]) => `${namespace} (${count})`).join(', ');
  throw new HarnessError('E_USAGE', `there are policies in ${counts.size} namespaces: ${listed}`, {
    hint: `Choose one for the scenario, such as --namespace ${[...counts.keys()][0]}.`,
  });
}

/** The same object with the user's namespace replaced where policies name callers by it. */
function moved(object: Manifest, namespace: string | undefined): Manifest {
  if (namespace === undefined || object.kind !== 'AuthorizationPolicy') return object;
  const replace = (key: string, value: string): string => {
    if (/^(not)?namespaces$/i.test(key)) return value === namespace ? ownNamespace : value;
    if (/^(not)?serviceAccounts$/i.test(key)) return value.replace(`${namespace}/`, `${ownNamespace}/`);
    return /^(not)?principals$/i.test(key)
      ? value.replace(`/ns/${namespace}/`, `/ns/${ownNamespace}/`)
      : value;
  };
  const visit = (node: unknown, key: string): unknown => {
    if (typeof node === 'string') return replace(key, node);
    if (Array.isArray(node)) return node.map((each) => visit(each, key));
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, visit(value, name)]));
  };
  return { ...object, spec: visit(object.spec, 'spec') };
}

/** Routes that look into tokens are another matter, and would not be missed otherwise. */
function routes(objects: readonly Manifest[]): LeftOut[] {
  return objects
    .filter(
      ({ kind, spec }) => kind === 'VirtualService' && JSON.stringify(spec ?? {}).includes('@request.auth'),
    )
    .map((object) => ({
      what: nameOf(object),
      why: 'routing by claims is not what policies do; write it yourself',
    }));
}

function nothing(objects: readonly Manifest[], wanted: string | undefined, where: string): HarnessError {
  const { leftOut } = readPolicies(
    objects.filter(({ metadata }) => wanted === undefined || metadata.namespace === wanted),
  );
  const place = wanted === undefined ? where : `namespace ${wanted} of ${where}`;
  const kinds = 'RequestAuthentication or AuthorizationPolicy of security.istio.io';
  if (leftOut.length > 0) {
    return new HarnessError('E_USAGE', `no policy in ${place} can be carried over into a scenario`, {
      hint: 'Write a scenario by hand: docs/writing-scenarios.md',
      details: leftOut.map(({ what, why }) => `${what}: ${why}`).join('\n'),
    });
  }
  const others = [...new Set(objects.map(({ kind }) => kind))].sort();
  return new HarnessError('E_USAGE', `there is no ${kinds} in ${place}`, {
    hint: `${others.length === 0 ? 'It has no Kubernetes objects at all' : `What is there: ${others.join(', ')}`}. Name another place with --from FOLDER, or with --context and --namespace.`,
  });
}
