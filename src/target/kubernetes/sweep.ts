/** Removes what an earlier run left behind when it was killed. Only for a cluster that is this tool's own. */
import { deleteObject, keyOf, listObjects } from '../../kube/objects.ts';
import { type Clients, clientFor } from './clients.ts';

const kinds = [
  ['security.istio.io/v1', 'RequestAuthentication'],
  ['security.istio.io/v1', 'AuthorizationPolicy'],
  ['security.istio.io/v1', 'PeerAuthentication'],
  ['networking.istio.io/v1', 'ServiceEntry'],
  ['networking.istio.io/v1', 'DestinationRule'],
  ['networking.istio.io/v1', 'Sidecar'],
] as const;

/** Deletes every policy and route that changes how a request is judged; returns how many there were. */
export async function sweep(clients: Clients, signal: AbortSignal): Promise<number> {
  const lists = await Promise.all(
    kinds.map(([apiVersion, kind]) =>
      listObjects(clientFor(clients, apiVersion), { apiVersion, kind }, signal),
    ),
  );
  const found = lists.flat();
  await Promise.all(
    found.map((object) => deleteObject(clientFor(clients, object.apiVersion), keyOf(object), signal)),
  );
  return found.length;
}
