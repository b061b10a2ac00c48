/** Finds what a name means in the mesh, as the DNS of a cluster and its Services would. */
import { selecting } from '../../../policy/service-port.ts';
import type { KubeObject } from '../../target.ts';
import { portsOf, servicePorts } from '../kubelet/service-ports.ts';
import type { Workload } from '../kubelet/workload.ts';

export type Destination =
  | { readonly kind: 'address'; readonly host: string; readonly port: number }
  /** There is the name, and nobody who answers. */
  | { readonly kind: 'refused'; readonly why: string }
  /** No name of the mesh. */
  | { readonly kind: 'unknown' };

/** A server outside the mesh. */
export interface ExternalHost {
  readonly ip: string;
  /** Real port by the port that clients use. */
  readonly ports: Readonly<Record<number, number>>;
}

/** What there is in the mesh now. */
interface Known {
  readonly services: readonly KubeObject[];
  readonly workloads: readonly Pick<Workload, 'identity' | 'ready' | 'realPort'>[];
}

const domain = 'cluster.local';

export class Resolver {
  readonly #known: Known;
  readonly #external = new Map<string, ExternalHost>();

  constructor(known: Known) {
    this.#known = known;
  }

  addExternal(host: string, external: ExternalHost): void {
    this.#external.set(host.toLowerCase(), external);
    this.#external.set(external.ip, external);
  }

  removeExternal(host: string): void {
    const found = this.#external.get(host.toLowerCase());
    this.#external.delete(host.toLowerCase());
    if (found !== undefined) this.#external.delete(found.ip);
  }

  /** The server outside the mesh with this address. */
  externalAt(ip: string): ExternalHost | undefined {
    return this.#external.get(ip);
  }

  /** @param namespace of the pod that asks: names are searched from there */
  resolve(host: string, port: number, namespace: string): Destination {
    const service = this.serviceFor(host, namespace);
    if (service !== undefined) return this.#endpoint(service, port);
    const external = this.#external.get(host.toLowerCase().replace(/\.$/, ''));
    if (external === undefined) return { kind: 'unknown' };
    return { kind: 'address', host: external.ip, port: external.ports[port] ?? port };
  }

  /**
   * The Service that a name means to a pod, with the search list of its resolv.conf.
   * https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#namespaces-of-services
   */
  serviceFor(name: string, namespace: string): KubeObject | undefined {
    // RFC 4343: names are the same in upper and lower case.
    const host = name.toLowerCase();
    const search = [`${namespace}.svc.${domain}`, `svc.${domain}`, domain];
    const names = host.endsWith('.')
      ? [host.slice(0, -1)]
      : [...search.map((suffix) => `${host}.${suffix}`), host];
    for (const each of names) {
      const [, service, of] = each.match(/^([^.]+)\.([^.]+)\.svc\.cluster\.local$/) ?? [];
      const found = this.#known.services.find(
        ({ metadata }) => metadata.name === service && metadata.namespace === of,
      );
      if (found !== undefined) return found;
    }
    // By its address: clusterIP.
    return this.#known.services.find(
      ({ spec }) => host !== 'None' && (spec as { clusterIP?: string }).clusterIP === host,
    );
  }

  #endpoint(service: KubeObject, port: number): Destination {
    const { name, namespace = 'default' } = service.metadata;
    if (!portsOf(service).includes(port)) {
      return { kind: 'refused', why: `Service ${namespace}/${name} has no port ${port}` };
    }
    for (const workload of this.#known.workloads) {
      const { spec, address, namespace: of } = workload.identity;
      if (!workload.ready || selecting([service], of, spec.labels).length === 0) continue;
      const found = servicePorts(service, spec).find((each) => each.port === port);
      if (found !== undefined)
        return { kind: 'address', host: address, port: workload.realPort(found.targetPort) };
    }
    return { kind: 'refused', why: `Service ${namespace}/${name} has no endpoints` };
  }
}
