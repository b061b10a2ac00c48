/** Whether there is a Gateway API, whose CustomResourceDefinitions come neither with Kubernetes nor with Istio. */

import { type Clients, clientFor } from '../kubernetes/client-for.ts';
import { serves } from '../kubernetes/undo/sweep.ts';
import type { CapabilityName } from '../target.ts';

export const gatewayApiVersion = 'gateway.networking.k8s.io/v1';

/** What a target without it lacks, and why. */
export const noGatewayApi: readonly [CapabilityName, string] = [
  'gateway-api',
  'there is no Gateway API in this mesh: its CustomResourceDefinitions are installed with --gateway-api-crds FILE',
];

export function hasGatewayApi(clients: Clients, signal: AbortSignal): Promise<boolean> {
  return serves(clientFor(clients, gatewayApiVersion), gatewayApiVersion, 'Gateway', signal);
}
