/** What stands in the API server for a workload: the pod, its endpoint, and what its sidecar is to listen on. */
import type { KubeObject } from '../target.ts';
import type { PodSpec } from './pod-spec.ts';
import type { ServicePort } from './service-ports.ts';

/** On everything that the target makes by itself, so that it is told from what scenarios apply. */
export const ownLabel = { 'jwt-e2e/made-by': 'local' };

/** The name of the pod, for its Sidecar: pods of two Deployments may have the same labels. */
export const workloadLabel = 'jwt-e2e/workload';

export interface WorkloadIdentity {
  readonly namespace: string;
  /** Of the pod. */
  readonly name: string;
  readonly deployment: string;
  readonly address: string;
  readonly spec: PodSpec;
  readonly injected: boolean;
}

export interface PodState {
  readonly ready: boolean;
  /** Why it is not ready, as a kubelet says it: a reason in one word, and a message. */
  readonly waiting?: { readonly reason: string; readonly message: string } | undefined;
}

export function podObject({ namespace, name, spec, injected }: WorkloadIdentity): KubeObject {
  const proxy = { name: 'istio-proxy', image: 'envoy', restartPolicy: 'Always' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      // istiod takes the labels of a proxy from its pod.
      labels: { ...spec.labels, ...ownLabel, [workloadLabel]: name },
      annotations: { ...spec.annotations },
    },
    spec: {
      nodeName: 'local',
      terminationGracePeriodSeconds: 0,
      serviceAccountName: spec.serviceAccount,
      containers: spec.containers.map(({ name: container, image }) => ({
        name: container,
        image: image || 'none',
      })),
      ...(injected ? { initContainers: [proxy] } : {}),
    },
  };
}

export function podStatus(
  { address, spec, injected }: WorkloadIdentity,
  { ready, waiting }: PodState,
): object {
  const now = new Date().toISOString();
  const condition = (type: string, holds: boolean) => ({
    type,
    status: holds ? 'True' : 'False',
    lastTransitionTime: now,
  });
  const container = (name: string, image: string) => ({
    name,
    image,
    imageID: image,
    ready,
    started: ready,
    restartCount: 0,
    state: ready ? { running: { startedAt: now } } : { waiting: waiting ?? { reason: 'ContainerCreating' } },
  });
  return {
    phase: ready ? 'Running' : 'Pending',
    podIP: address,
    podIPs: [{ ip: address }],
    conditions: [
      condition('Ready', ready),
      condition('ContainersReady', ready),
      condition('PodScheduled', true),
    ],
    containerStatuses: spec.containers.map(({ name, image }) => container(name, image)),
    ...(injected ? { initContainerStatuses: [container('istio-proxy', 'envoy')] } : {}),
  };
}

/**
 * The endpoint: Services select it by its labels. EndpointSlices refuse loopback addresses, WorkloadEntries do not.
 *
 * @param real the port that is really listened on for a target port
 */
export function workloadEntry(
  { namespace, name, address, spec, injected }: WorkloadIdentity,
  services: readonly ServicePort[],
  real: (targetPort: number) => number,
): KubeObject {
  const labels = { ...spec.labels, ...(injected ? { 'security.istio.io/tlsMode': 'istio' } : {}) };
  const named = services.filter((port) => port.name !== '');
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'WorkloadEntry',
    metadata: { name, namespace, labels: { ...spec.labels, ...ownLabel } },
    spec: {
      address,
      labels,
      serviceAccount: spec.serviceAccount,
      ports: Object.fromEntries(named.map((port) => [port.name, real(port.targetPort)])),
    },
  };
}

export interface SidecarPorts {
  readonly inbound: readonly {
    readonly port: number;
    readonly protocol: string;
    /** Where the application listens on 127.0.0.1. */
    readonly app: number;
  }[];
  /** The address and ports on which its application finds the Services of the mesh. */
  readonly outbound: { readonly address: string; readonly socket: string; readonly ports: readonly number[] };
}

/** Listeners that nothing need be redirected to. */
export function sidecarObject(
  { namespace, name, address }: WorkloadIdentity,
  { inbound, outbound }: SidecarPorts,
): KubeObject {
  const hosts = ['*/*'];
  const captureMode = 'NONE';
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Sidecar',
    metadata: { name, namespace, labels: { ...ownLabel } },
    spec: {
      workloadSelector: { labels: { [workloadLabel]: name } },
      ...(inbound.length === 0
        ? {}
        : {
            ingress: inbound.map(({ port, protocol, app }) => ({
              port: { number: port, protocol, name: `in-${port}` },
              bind: address,
              captureMode,
              defaultEndpoint: `127.0.0.1:${app}`,
            })),
          }),
      egress: [
        // Serves port 80, on which not everybody may listen: host names need no port in it.
        {
          port: { number: 0, protocol: 'HTTP', name: 'out-80' },
          bind: `unix://${outbound.socket}`,
          captureMode,
          hosts,
        },
        ...outbound.ports.map((port) => ({
          port: { number: port, protocol: 'HTTP', name: `out-${port}` },
          bind: outbound.address,
          captureMode,
          hosts,
        })),
      ],
    },
  };
}
