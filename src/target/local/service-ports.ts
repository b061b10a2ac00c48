/** Which ports of a workload Services lead to, and how Istio names their protocols. */
import type { KubeObject } from '../target.ts';
import type { PodSpec } from './pod-spec.ts';

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly targetPort: number;
  /** What the Service calls it, when it names it. */
  readonly targetName?: string;
  readonly protocol: string;
}

interface ServiceSpec {
  readonly selector?: Record<string, string>;
  readonly ports?: readonly {
    readonly name?: string;
    readonly port: number;
    readonly targetPort?: number | string;
    readonly protocol?: string;
    readonly appProtocol?: string;
  }[];
}

/** Those of the Services that select the labels. A Service without a selector selects nothing. */
export function selecting(
  services: Iterable<KubeObject>,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): KubeObject[] {
  return [...services].filter((service) => {
    const selector = Object.entries((service.spec as ServiceSpec | undefined)?.selector ?? {});
    const matches = selector.every(([name, value]) => labels[name] === value);
    return service.metadata.namespace === namespace && selector.length > 0 && matches;
  });
}

/**
 * The ports of a Service, with target ports as the containers of the pod name them. A pod is no endpoint of a port whose
 * name it does not know.
 */
export function servicePorts(service: KubeObject, pod: PodSpec): ServicePort[] {
  return tcpPorts(service).flatMap(({ name = '', port, targetPort = port, appProtocol }) => {
    const protocol = protocolOf(name, appProtocol, port);
    if (typeof targetPort === 'number') return [{ name, port, targetPort, protocol }];
    const target = namedPort(targetPort, pod);
    return target === undefined ? [] : [{ name, port, targetPort: target, targetName: targetPort, protocol }];
  });
}

/** The ports that clients use. */
export function portsOf(service: KubeObject): number[] {
  return tcpPorts(service).map(({ port }) => port);
}

function tcpPorts(service: KubeObject) {
  const { ports = [] } = (service.spec ?? {}) as ServiceSpec;
  return ports.filter(({ protocol = 'TCP' }) => protocol === 'TCP');
}

function namedPort(name: string, pod: PodSpec): number | undefined {
  const ports = pod.containers.flatMap((container) => container.ports);
  return ports.find((each) => each.name === name)?.containerPort;
}

/** Those that Kubernetes defines for `appProtocol` (KEP-3726), as Istio takes them. */
const standard: Readonly<Record<string, string>> = {
  'kubernetes.io/h2c': 'HTTP2',
  'kubernetes.io/ws': 'HTTP',
  'kubernetes.io/wss': 'HTTPS',
};

const protocols = ['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB', 'HTTPS', 'TLS', 'TCP', 'MONGO', 'MYSQL', 'REDIS'];

/**
 * A port whose name says nothing is sniffed by Istio; every stand-in here speaks HTTP, so that is what it would find.
 * https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
 */
function protocolOf(name: string, appProtocol: string | undefined, port: number): string {
  if (appProtocol !== undefined && Object.hasOwn(standard, appProtocol))
    return standard[appProtocol] ?? 'HTTP';
  const said = (appProtocol ?? name).toUpperCase();
  const protocol = said.startsWith('GRPC-WEB') ? 'GRPC-WEB' : (said.split('-')[0] ?? '');
  if (protocols.includes(protocol)) return protocol;
  return port === 443 ? 'HTTPS' : 'HTTP';
}

/** Whether Istio takes a protocol for HTTP, with filters and routes of it. */
export function isHttp(protocol: string): boolean {
  return /^(HTTP|HTTP2|GRPC|GRPC-WEB)$/.test(protocol);
}

/** What a Service speaks on a port that clients use; undefined when it has no such port. */
export function protocolAt(service: KubeObject, port: number): string | undefined {
  const found = tcpPorts(service).find((each) => each.port === port);
  return found && protocolOf(found.name ?? '', found.appProtocol, port);
}

/** Every port on which a Service of the mesh speaks HTTP: a client's sidecar listens on each. */
export function httpPorts(services: Iterable<KubeObject>): number[] {
  const found = [...services].flatMap((service) =>
    portsOf(service).filter((port) => isHttp(protocolAt(service, port) ?? '')),
  );
  return [...new Set(found)].sort((one, other) => one - other);
}
