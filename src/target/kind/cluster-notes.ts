/** Notes on the cluster itself, in a ConfigMap: what the next run that uses it must know. */
import type { KubeClient } from '../../kube/kube-client.ts';
import { applyObject, getObject } from '../../kube/objects.ts';

export interface Notes {
  /** Tag of the Istio that was installed to the end. */
  readonly istio: string;
  readonly hub: string;
  readonly nodeImage: string;
  /** Images that were loaded from the local engine, separated by blanks. */
  readonly loaded: string;
  /** Whether no scenario has had keys fetched since istiod has started, so that its cache has none. */
  readonly fresh: 'yes' | 'no';
}

const key = { apiVersion: 'v1', kind: 'ConfigMap', name: 'istio-jwt-e2e', namespace: 'kube-system' };

/** Undefined for a cluster that this tool has not set up to the end. */
export async function readNotes(client: KubeClient, signal: AbortSignal): Promise<Notes | undefined> {
  const found = await getObject(client, key, signal);
  return found?.data as Notes | undefined;
}

export async function writeNotes(client: KubeClient, notes: Notes, signal: AbortSignal): Promise<void> {
  const { apiVersion, kind, name, namespace } = key;
  await applyObject(client, { apiVersion, kind, metadata: { name, namespace }, data: notes }, { signal });
}
