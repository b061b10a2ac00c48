/** Services that select a workload, and what Istio takes their ports for. */
import type { KubeObject } from '../target/target.ts';
import { hasLabels } from './selection.ts';

/** As the spec of a Service has it. */
export interface DeclaredPort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly protocol?: string;
  readonly appProtocol?: string;
}

export interface ServiceSpec {
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly DeclaredPort[];
}

/** Those of the Services that select the labels. A Service without a selector selects nothing. */
export function selecting(
  services: Iterable<KubeObject>,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): KubeObject[] {
  return [...services].filter((service) => {
    const { selector = {} } = (service.spec ?? {}) as ServiceSpec;
    const isAny = Object.keys(selector).length > 0;
    return service.metadata.namespace === namespace && isAny && hasLabels({ labels }, selector);
  });
}

/** Those that Kubernetes defines for `appProtocol` (KEP-3726), as Istio takes them. */
const standard: Readonly<Record<string, string>> = {
  'kubernetes.io/h2c': 'HTTP2',
  'kubernetes.io/ws': 'HTTP',
  'kubernetes.io/wss': 'HTTPS',
};

const protocols = 'HTTP HTTP2 GRPC GRPC-WEB HTTPS TLS TCP UDP MONGO MYSQL REDIS'.split(' ');

/** Of SMTP, DNS, MySQL and MongoDB, where servers may speak first: Istio does not sniff there. */
const wellKnown = [25, 53, 3306, 27017];

/**
 * A port whose name says nothing is sniffed by Istio; here it is taken for what it would find where HTTP is spoken.
 * https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/, ConvertProtocol in
 * pkg/config/kube/conversion.go
 */
export function protocolOf({ name = '', appProtocol, port, protocol: transport }: DeclaredPort): string {
  if (transport === 'UDP') return 'UDP';
  if (appProtocol !== undefined && Object.hasOwn(standard, appProtocol))
    return standard[appProtocol] ?? 'HTTP';
  const said = (appProtocol ?? name).toUpperCase();
  const protocol = said.startsWith('GRPC-WEB') ? 'GRPC-WEB' : (said.split('-')[0] ?? '');
  if (protocols.includes(protocol)) return protocol;
  if (wellKnown.includes(port)) return 'TCP';
  return port === 443 ? 'HTTPS' : 'HTTP';
}

/** Whether Istio takes a protocol for HTTP, with filters and routes of it. */
export function isHttp(protocol: string): boolean {
  return /^(HTTP|HTTP2|GRPC|GRPC-WEB)$/.test(protocol);
}

/** Of the container; undefined for a name that none of its ports has. */
export function targetPortOf(
  { port, targetPort = port }: DeclaredPort,
  ports: readonly { readonly name?: string; readonly containerPort: number }[] = [],
): number | undefined {
  if (typeof targetPort === 'number') return targetPort;
  return ports.find(({ name }) => name === targetPort)?.containerPort;
}
