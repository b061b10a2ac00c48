/** Removes what an earlier run left behind when it was killed, from a cluster or namespaces that are this tool's own. */
import type { KubeClient } from '../../../kube/kube-client.ts';
import { KubeError } from '../../../kube/kube-error.ts';
import { deleteObject, keyOf, listObjects } from '../../../kube/objects.ts';
import type { KubeObject } from '../../target.ts';
import { type Clients, clientFor } from '../client-for.ts';

/** A group with kinds in it, and its versions, newest first. */
type Kinds = readonly [group: string, versions: readonly string[], names: readonly string[]];

/** Those that change how a request is judged or where it goes. */
export const policiesAndRoutes: readonly Kinds[] = [
  [
    'security.istio.io',
    ['v1', 'v1beta1'],
    ['RequestAuthentication', 'AuthorizationPolicy', 'PeerAuthentication'],
  ],
  [
    'networking.istio.io',
    ['v1', 'v1beta1'],
    ['ServiceEntry', 'DestinationRule', 'Sidecar', 'VirtualService', 'Gateway', 'WorkloadEntry'],
  ],
  ['networking.istio.io', ['v1alpha3'], ['EnvoyFilter']],
  ['telemetry.istio.io', ['v1', 'v1alpha1'], ['Telemetry']],
  ['extensions.istio.io', ['v1alpha1'], ['WasmPlugin']],
  ['gateway.networking.k8s.io', ['v1'], ['HTTPRoute', 'Gateway']],
];

/** On what Istio's installer has made: releases before 1.20 come with EnvoyFilters. */
const installed = 'install.operator.istio.io/owning-resource';

/**
 * Deletes every policy and route that changes how a request is judged or where it goes, but for those of Istio's
 * installation; returns how many there were.
 *
 * @param namespaces only in these; everywhere when not given
 */
export async function sweep(
  clients: Clients,
  signal: AbortSignal,
  namespaces: readonly (string | undefined)[] = [undefined],
): Promise<number> {
  const all = await listKinds(
    clients,
    policiesAndRoutes,
    namespaces.map((namespace) => ({ namespace })),
    signal,
  );
  const found = all.filter(({ metadata }) => metadata.labels?.[installed] === undefined);
  await Promise.all(
    found.map((object) => deleteObject(clientFor(clients, object.apiVersion), keyOf(object), signal)),
  );
  return found.length;
}

/** All objects of these kinds that this user may see. */
export async function listKinds(
  clients: Clients,
  kinds: readonly Kinds[],
  queries: readonly { readonly namespace?: string | undefined; readonly labelSelector?: string }[],
  signal: AbortSignal,
): Promise<KubeObject[]> {
  const lists = kinds.map(async ([group, versions, names]) => {
    const plain = group === '' ? '' : `${group}/`;
    const client = clientFor(clients, `${plain}${versions[0]}`);
    const version = await servedVersion(client, group, versions, names[0]!, signal);
    return Promise.all(
      queries.flatMap((query) =>
        names.map((kind) =>
          listVisible(client, { ...query, apiVersion: `${plain}${version}`, kind }, signal),
        ),
      ),
    );
  });
  return (await Promise.all(lists)).flat(2);
}

/**
 * As {@link listObjects}; nothing for a kind that is not there or that this user may not see, and so never made.
 *
 * @param on what is called in these two cases
 */
export async function listVisible(
  client: KubeClient,
  query: Parameters<typeof listObjects>[1],
  signal: AbortSignal,
  on: { readonly hidden?: () => void; readonly absent?: () => void } = {},
): Promise<KubeObject[]> {
  try {
    return await listObjects(client, query, signal);
  } catch (thrown) {
    if (thrown instanceof KubeError) {
      if (thrown.status === 403) on.hidden?.();
      if ([403, 404].includes(thrown.status)) return [];
    } else if (!signal.aborted && !(await serves(client, query.apiVersion, query.kind, signal))) {
      on.absent?.();
      return [];
    }
    throw thrown;
  }
}

/** The apiVersion of one of Istio's groups: v1 since Istio 1.22, v1beta1 before. */
export async function istioVersion(
  client: KubeClient,
  group: string,
  kind: string,
  signal: AbortSignal,
): Promise<string> {
  return `${group}/${await servedVersion(client, group, ['v1', 'v1beta1'], kind, signal)}`;
}

/** The first of the versions in which the API server has the kind, or else the last one. */
async function servedVersion(
  client: KubeClient,
  group: string,
  versions: readonly string[],
  kind: string,
  signal: AbortSignal,
): Promise<string> {
  for (const version of versions.slice(0, -1)) {
    if (await serves(client, `${group}/${version}`, kind, signal)) return version;
  }
  return versions.at(-1)!;
}

/** Whether the API server has the kind. @throws HarnessError E_KUBE when it does not answer */
export async function serves(
  client: KubeClient,
  apiVersion: string,
  kind: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const path = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const { body } = await client.request(path, { signal });
    return (body as { resources: { kind: string }[] }).resources.some((each) => each.kind === kind);
  } catch (thrown) {
    if (thrown instanceof KubeError && thrown.status === 404) return false;
    throw thrown;
  }
}
