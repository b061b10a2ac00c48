/**
 * Which API server has what. A managed mesh such as ASM keeps Istio's resources behind the mesh instance's own API
 * server and the workloads in the data-plane cluster; elsewhere both are one.
 */
import type { KubeClient } from '../../kube/kube-client.ts';

export interface Clients {
  /** Workloads, Services, Namespaces, ConfigMaps. */
  readonly data: KubeClient;
  /** Kinds of the *.istio.io API groups. */
  readonly mesh: KubeClient;
}

/** The client for objects of this apiVersion. */
export function clientFor(clients: Clients, apiVersion: string): KubeClient {
  return apiVersion.includes('.istio.io/') ? clients.mesh : clients.data;
}
