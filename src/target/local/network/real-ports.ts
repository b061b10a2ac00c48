/** Tells Istio the real ports of servers outside the mesh, where an ordinary user cannot listen on those of the manifest. */
import type { KubeObject } from '../../target.ts';
import type { ExternalHost } from './resolver.ts';

interface Endpoint {
  readonly address?: string;
  readonly ports?: Readonly<Record<string, number>>;
}
interface Spec {
  readonly ports?: readonly {
    readonly name: string;
    readonly number: number;
    readonly targetPort?: number;
  }[];
  readonly endpoints?: readonly Endpoint[];
}

/**
 * A ServiceEntry whose endpoint is such a server gets the server's real ports at the endpoint, as the field `ports` is for
 * (networking.istio.io, WorkloadEntry). Everything else stays as it is.
 */
export function withRealPorts(
  object: KubeObject,
  serverAt: (ip: string) => ExternalHost | undefined,
): KubeObject {
  if (object.kind !== 'ServiceEntry') return object;
  const spec = (object.spec ?? {}) as Spec;
  const endpoints = spec.endpoints?.map((endpoint) => {
    const server = serverAt(endpoint.address ?? '');
    if (server === undefined) return endpoint;
    const moved = (spec.ports ?? []).flatMap(({ name, number, targetPort = number }): [string, number][] => {
      const real = server.ports[targetPort] ?? targetPort;
      return real === targetPort ? [] : [[name, real]];
    });
    return moved.length === 0
      ? endpoint
      : { ...endpoint, ports: { ...Object.fromEntries(moved), ...endpoint.ports } };
  });
  return endpoints === undefined ? object : { ...object, spec: { ...spec, endpoints } };
}
