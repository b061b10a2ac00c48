/** The ingress gateway: an Envoy that every Gateway with Istio's usual selector is for. */
import { applyObject } from '../../../kube/objects.ts';
import { defaultSidecar, gatewayLabels, gatewayName, gatewayService } from '../control-plane/base-objects.ts';
import { istioNamespace } from '../control-plane/istiod.ts';
import type { Envoy } from '../envoy/envoy.ts';
import { proxyName } from './injection.ts';
import { Mounts } from './mounts.ts';
import type { PodSpec } from './pod-spec.ts';
import { servicePorts } from './service-ports.ts';
import { type Surroundings, Workload } from './workload.ts';
import type { WorkloadIdentity } from './workload-objects.ts';

export interface RunningGateway {
  readonly identity: WorkloadIdentity;
  readonly envoy: Envoy | undefined;
  /** The real port of a target port. */
  realPort(targetPort: number): number;
  /** Such as http://127.70.1.10:8080. */
  readonly url: string;
}

/** Starts it and returns once it has got its configuration. @throws HarnessError */
export async function startGateway(around: Surroundings, signal: AbortSignal): Promise<RunningGateway> {
  const spec: PodSpec = {
    labels: gatewayLabels,
    annotations: {},
    serviceAccount: gatewayName,
    containers: [{ name: proxyName, image: 'auto', ports: [], mounts: [] }],
    proxyMounts: [],
    hash: '',
  };
  const address = around.block.next();
  const identity = {
    namespace: istioNamespace,
    name: gatewayName,
    address,
    proxy: 'gateway' as const,
    spec,
  };
  const service = gatewayService();
  await Promise.all(
    [defaultSidecar(), service].map((object) => applyObject(around.client, object, { signal })),
  );
  const workload = new Workload(identity, 'gateway', { ...around, signal });
  const error = await workload.start(servicePorts(service, spec), [], new Mounts());
  if (error !== undefined) throw error;
  const { envoy } = workload;
  const realPort = (port: number) => workload.realPort(port);
  return { identity, envoy, realPort, url: `http://${address}:${workload.realPort(8080)}` };
}
