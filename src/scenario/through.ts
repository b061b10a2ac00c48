/** The way by which requests from outside enter the mesh, as a step says it. */
import type { CertificateSpec, StepSpec } from './format/schema.ts';

/** A Gateway, and how it is entered. */
export interface ThroughGateway {
  readonly namespace: string;
  readonly name: string;
  readonly port?: number | undefined;
  readonly https?: ThroughHttps | undefined;
}

interface ThroughHttps {
  /** Name of the certificate whose CA is trusted. */
  readonly certificate: string;
  /** Server name that the client asks for. Undefined: the host of the request. */
  readonly sni?: string | undefined;
  /** The host of requests that have none. */
  readonly host: string;
}

/** Undefined: the ingress gateway of the mesh. */
export function throughGateway(
  through: NonNullable<StepSpec['through']>,
  certificates: Readonly<Record<string, CertificateSpec>>,
): ThroughGateway | undefined {
  if (through === 'ingress') return undefined;
  const { gateway, port, https, sni }: Exclude<typeof through, string> =
    typeof through === 'string' ? { gateway: through } : through;
  const [namespace = '', name = ''] = gateway.replace(/^gateway /, '').split('/');
  const host = sni ?? certificates[https ?? '']?.hosts[0] ?? '';
  return {
    namespace,
    name,
    ...(port === undefined ? {} : { port }),
    ...(https === undefined
      ? {}
      : { https: { certificate: https, host, ...(sni === undefined ? {} : { sni }) } }),
  };
}
