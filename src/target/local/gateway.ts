/** The ingress gateway: an Envoy that every Gateway with Istio's usual selector is for. */
import { applyObject } from '../../kube/objects.ts';
import { portOn } from './addresses.ts';
import { defaultSidecar, gatewayLabels, gatewayName, gatewayObjects } from './base-objects.ts';
import { Envoy } from './envoy.ts';
import { istioNamespace } from './istiod.ts';
import { reportPod } from './pods.ts';
import type { Surroundings } from './workload.ts';
import { podObject, type WorkloadIdentity } from './workload-objects.ts';

export interface RunningGateway {
  readonly identity: WorkloadIdentity;
  readonly envoy: Envoy;
  /** Such as http://127.70.1.10:8080. */
  readonly url: string;
}

/** Starts it and returns once it has got its configuration. @throws HarnessError */
export async function startGateway(around: Surroundings, signal: AbortSignal): Promise<RunningGateway> {
  const { block, client } = around;
  const address = block.next();
  const port = await portOn(address, 8080);
  const identity: WorkloadIdentity = {
    namespace: istioNamespace,
    name: gatewayName,
    deployment: gatewayName,
    address,
    injected: false,
    spec: {
      labels: gatewayLabels,
      annotations: {},
      serviceAccount: gatewayName,
      containers: [{ name: 'istio-proxy', image: 'envoy', ports: [], mounts: [] }],
      proxyMounts: [],
      hash: '',
    },
  };
  const objects = [podObject(identity), defaultSidecar(), ...gatewayObjects(gatewayName, address, port)];
  await Promise.all(objects.map((object) => applyObject(client, object, { signal })));
  const envoy = await Envoy.start({
    ...around,
    program: around.envoy,
    kind: 'router',
    namespace: istioNamespace,
    pod: gatewayName,
    address,
    labels: gatewayLabels,
    serviceAccount: gatewayName,
    id: 'gateway',
  });
  await envoy.listensOn([], signal);
  await reportPod(client, identity, { ready: true }, signal);
  return { identity, envoy, url: `http://${address}:${port}` };
}
