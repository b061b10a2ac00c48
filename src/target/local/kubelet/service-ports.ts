/** Which ports of a workload Services lead to. */
import { isHttp, protocolOf, type ServiceSpec } from '../../../policy/service-port.ts';
import type { KubeObject } from '../../target.ts';
import type { PodSpec } from './pod-spec.ts';

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly targetPort: number;
  /** What the Service calls it, when it names it. */
  readonly targetName?: string;
  readonly protocol: string;
}

/**
 * The ports of a Service, with target ports as the containers of the pod name them. A pod is no endpoint of a port whose
 * name it does not know.
 */
export function servicePorts(service: KubeObject, pod: PodSpec): ServicePort[] {
  return tcpPorts(service).flatMap((declared) => {
    const { name = '', port, targetPort = port } = declared;
    const protocol = protocolOf(declared);
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

/** What a Service speaks on a port that clients use; undefined when it has no such port. */
export function protocolAt(service: KubeObject, port: number): string | undefined {
  const found = tcpPorts(service).find((each) => each.port === port);
  return found && protocolOf(found);
}

/** Every port on which a Service of the mesh speaks HTTP: a client's sidecar listens on each. */
export function httpPorts(services: Iterable<KubeObject>): number[] {
  const found = [...services].flatMap((service) =>
    portsOf(service).filter((port) => isHttp(protocolAt(service, port) ?? '')),
  );
  return [...new Set(found)].sort((one, other) => one - other);
}
