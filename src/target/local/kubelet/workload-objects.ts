/** What stands in the API server for a workload: the pod, its endpoint, and where its proxy is to listen. */

import type { ProxyKind } from '../../../policy/injected-proxy.ts';
import type { KubeObject } from '../../target.ts';
import { applicationsOf, proxyName } from './injection.ts';
import type { PodSpec } from './pod-spec.ts';
import type { ServicePort } from './service-ports.ts';

/** On everything that the target makes by itself, so that it is told from what scenarios apply. */
export const ownLabel = { 'jwt-e2e/made-by': 'local' };

/** The name of the pod, for its Sidecar or EnvoyFilter: pods of two Deployments may have the same labels. */
export const workloadLabel = 'jwt-e2e/workload';

export interface WorkloadIdentity {
  readonly namespace: string;
  /** Of the pod. */
  readonly name: string;
  readonly address: string;
  readonly spec: PodSpec;
  readonly proxy: ProxyKind;
}

export interface PodState {
  readonly ready: boolean;
  /** Why it is not ready, as a kubelet says it: a reason in one word, and a message. */
  readonly waiting?: { readonly reason: string; readonly message: string } | undefined;
}

/** The containers that the API server has of a pod. A sidecar is an init container, unless the template names it. */
function containersOf({ spec, proxy }: WorkloadIdentity) {
  const own = { name: proxyName, image: 'envoy' };
  const isNamed = spec.containers.some(({ name }) => name === proxyName);
  const isAmong = proxy === 'gateway' || (proxy === 'sidecar' && isNamed);
  const applications = applicationsOf(spec, proxy).map(({ name, image }) => ({
    name,
    image: image || 'none',
  }));
  return {
    containers: isAmong ? [own, ...applications] : applications,
    initContainers: proxy === 'sidecar' && !isNamed ? [own] : [],
  };
}

export function podObject(identity: WorkloadIdentity): KubeObject {
  const { namespace, name, spec } = identity;
  const { containers, initContainers } = containersOf(identity);
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
      containers,
      ...(initContainers.length === 0
        ? {}
        : { initContainers: initContainers.map((each) => ({ ...each, restartPolicy: 'Always' })) }),
    },
  };
}

export function podStatus(identity: WorkloadIdentity, { ready, waiting }: PodState): object {
  const { address } = identity;
  const { containers, initContainers } = containersOf(identity);
  const now = new Date().toISOString();
  const condition = (type: string, holds: boolean) => ({
    type,
    status: holds ? 'True' : 'False',
    lastTransitionTime: now,
  });
  const container = ({ name, image }: { name: string; image: string }) => ({
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
    containerStatuses: containers.map(container),
    ...(initContainers.length === 0 ? {} : { initContainerStatuses: initContainers.map(container) }),
  };
}

/**
 * The endpoint: Services select it by its labels. EndpointSlices refuse loopback addresses, WorkloadEntries do not.
 *
 * @param real the port that is really listened on for a target port
 */
export function workloadEntry(
  { namespace, name, address, spec, proxy }: WorkloadIdentity,
  services: readonly ServicePort[],
  real: (targetPort: number) => number,
): KubeObject {
  // istiod finds a target port that has a name here; any other one is taken as it is, unless the port is here by its name.
  const ports = services.flatMap(({ name: port, targetName, targetPort }): [string, number][] => {
    if (targetName !== undefined) return [[targetName, real(targetPort)]];
    return port === '' || real(targetPort) === targetPort ? [] : [[port, real(targetPort)]];
  });
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'WorkloadEntry',
    metadata: { name, namespace, labels: { ...spec.labels, ...ownLabel } },
    spec: {
      address,
      // Without it istiod takes whoever has a service account for a sidecar. The injector gives it to sidecars only.
      labels: { 'security.istio.io/tlsMode': proxy === 'sidecar' ? 'istio' : 'disabled', ...spec.labels },
      serviceAccount: spec.serviceAccount,
      // An empty map that was not empty before becomes null in the API server, and is refused.
      ...(ports.length === 0 ? {} : { ports: Object.fromEntries(ports) }),
    },
  };
}

/** Istio binds the listeners of a gateway to all addresses; these are bound to its own. */
export function gatewayFilter({ namespace, name, address }: WorkloadIdentity): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name, namespace, labels: { ...ownLabel } },
    spec: {
      workloadSelector: { labels: { [workloadLabel]: name } },
      configPatches: [
        {
          applyTo: 'LISTENER',
          match: { context: 'GATEWAY' },
          patch: { operation: 'MERGE', value: { address: { socket_address: { address } } } },
        },
      ],
    },
  };
}

export interface SidecarPorts {
  /** At least one: an empty list is refused. */
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
      ingress: inbound.map(({ port, protocol, app }) => ({
        port: { number: port, protocol, name: `in-${port}` },
        bind: address,
        captureMode,
        defaultEndpoint: `127.0.0.1:${app}`,
      })),
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
