/** Which proxies have what an istiod has sent them. */
import { getOk } from './wait-http.ts';

interface SyncStatus {
  readonly proxy: string;
  readonly cluster_sent?: string;
  readonly cluster_acked?: string;
  readonly listener_sent?: string;
  readonly listener_acked?: string;
}

/** Names of the proxies whose clusters and listeners were sent and acknowledged, as `pod.namespace`. */
export async function syncedProxies(httpUrl: string, signal: AbortSignal): Promise<string[]> {
  const all = JSON.parse(await getOk(`${httpUrl}/debug/syncz`, signal)) as SyncStatus[] | null;
  return (all ?? [])
    .filter(
      (each) =>
        each.cluster_sent !== undefined &&
        each.cluster_sent === each.cluster_acked &&
        each.listener_sent === each.listener_acked,
    )
    .map((each) => each.proxy);
}
