/**
 * The pods that a request passes. More of them than it really passes do no harm, as each is only asked for a proof; one
 * too few would be a hole in it. So every route that fits the host counts, whatever it says of paths and headers.
 */

import { opensAt } from '../../policy/gateway-ports.ts';
import { gatewayNameLabel, hasLabels, holdsFor, nameOf } from '../../policy/selection.ts';
import type { HttpRequest, KubeObject, MeshPod, Origin, Survey } from '../../target/target.ts';
import { formsOf, hostMatches } from './host-names.ts';

export interface Way {
  /** Where it starts: pods of the client, with or without a sidecar. */
  readonly clients: readonly MeshPod[];
  readonly gateways: readonly MeshPod[];
  /** Where it ends. */
  readonly backends: readonly MeshPod[];
  /** Why one answer need not be like the next; undefined when nothing is known that leaves it to chance. */
  readonly varies: string | undefined;
  /** It ends in one workload of the scenario itself, of which nothing else is known. */
  readonly isOwn: boolean;
}

interface Destination {
  readonly host?: string;
}
interface HttpRoute {
  readonly route?: readonly { readonly destination?: Destination; readonly weight?: number }[];
  readonly fault?: unknown;
  readonly mirror?: Destination;
}
interface VirtualServiceSpec {
  readonly hosts?: readonly string[];
  readonly gateways?: readonly string[];
  readonly http?: readonly HttpRoute[];
  readonly tcp?: readonly HttpRoute[];
  readonly tls?: readonly HttpRoute[];
}

/** @param request its host is taken from the address and from Host headers: the mesh may go by either */
export function wayOf(origin: Origin, request: Pick<HttpRequest, 'url' | 'headers'>, survey: Survey): Way {
  return new Walk(origin, survey).to(hostsOf(origin, request));
}

function hostsOf(origin: Origin, { url, headers }: Pick<HttpRequest, 'url' | 'headers'>): string[] {
  const named = headers.filter(([name]) => name.toLowerCase() === 'host').map(([, value]) => value);
  if (origin.kind === 'ingress') return named.length > 0 ? named : [''];
  return [...(URL.canParse(url) ? [new URL(url).hostname] : []), ...named];
}

class Walk {
  readonly #survey: Survey;
  readonly #origin: Origin;
  readonly #clients: readonly MeshPod[];
  readonly #gateways = new Set<MeshPod>();
  readonly #backends = new Set<MeshPod>();
  readonly #visited = new Set<string>();
  readonly #varies: string[] = [];

  constructor(origin: Origin, survey: Survey) {
    this.#origin = origin;
    this.#survey = survey;
    this.#clients = survey.pods.filter(
      ({ namespace, labels }) =>
        origin.kind === 'pod' && namespace === origin.namespace && labels.app === origin.app,
    );
  }

  to(hosts: readonly string[]): Way {
    if (this.#origin.kind === 'ingress') {
      this.#through(entryOf(this.#origin, this.#survey), hosts);
    } else {
      const { namespace } = this.#origin;
      for (const host of hosts) this.#towards(host, namespace, hosts);
    }
    return {
      clients: this.#clients,
      gateways: [...this.#gateways],
      backends: [...this.#backends],
      varies: this.#chance(),
      isOwn: [...this.#backends].some(({ isApp }) => isApp !== true),
    };
  }

  /** A host as a sidecar takes it: by a VirtualService of the mesh, or as it is. */
  #towards(host: string, namespace: string, hosts: readonly string[]): void {
    const forms = formsOf(host, namespace);
    for (const service of this.#virtualServices(forms)) if (isOfMesh(service)) this.#along(service, hosts);
    this.#direct(host, namespace, hosts);
  }

  #virtualServices(forms: readonly string[]): KubeObject[] {
    return this.#of('VirtualService').filter(({ metadata, spec }) =>
      ((spec as VirtualServiceSpec).hosts ?? []).some((pattern) =>
        hostMatches(pattern, metadata.namespace ?? 'default', forms),
      ),
    );
  }

  #along(service: KubeObject, hosts: readonly string[]): void {
    const spec = service.spec as VirtualServiceSpec;
    const routes = [spec.http, spec.tcp, spec.tls].flatMap((each) => each ?? []);
    const chance = routes.map(chanceOf).find((why) => why !== undefined);
    if (chance !== undefined) this.#varies.push(`${nameOf(service)} ${chance}`);
    for (const { route = [] } of routes) {
      for (const { destination } of route) {
        if (destination?.host !== undefined)
          this.#direct(destination.host, service.metadata.namespace ?? 'default', hosts);
      }
    }
  }

  /** A host without regard to VirtualServices: a Service, a ServiceEntry, or the address of a pod. */
  #direct(host: string, namespace: string, hosts: readonly string[]): void {
    const id = `${host} ${namespace}`;
    if (this.#visited.has(id)) return;
    this.#visited.add(id);
    const { pods } = this.#survey;
    const forms = formsOf(host, namespace);
    for (const service of this.#of('Service')) {
      const { name, namespace: of = 'default' } = service.metadata;
      const spec = (service.spec ?? {}) as {
        selector?: Record<string, string>;
        clusterIP?: string;
        clusterIPs?: string[];
        externalName?: string;
      };
      const isIt =
        forms.includes(`${name}.${of}.svc.cluster.local`) ||
        [spec.clusterIP, spec.clusterIPs].flat().includes(forms[0]);
      if (!isIt) continue;
      const { selector = {}, externalName } = spec;
      if (externalName !== undefined) this.#towards(externalName, of, hosts);
      if (Object.keys(selector).length > 0)
        this.#arrive(
          pods.filter((pod) => pod.namespace === of && hasLabels(pod, selector)),
          hosts,
        );
    }
    for (const entry of this.#of('ServiceEntry')) this.#enter(entry, forms, hosts);
    this.#arrive(
      pods.filter(({ ip }) => ip === forms[0]),
      hosts,
    );
  }

  #enter({ metadata, spec }: KubeObject, forms: readonly string[], hosts: readonly string[]): void {
    const { namespace = 'default' } = metadata;
    const entry = (spec ?? {}) as {
      hosts?: string[];
      addresses?: string[];
      endpoints?: { address?: string }[];
      workloadSelector?: { labels?: Record<string, string> };
    };
    const isIt =
      (entry.hosts ?? []).some((pattern) => hostMatches(pattern, namespace, forms)) ||
      (entry.addresses ?? []).some((address) => [forms[0], `${forms[0]}/32`].includes(address));
    if (!isIt) return;
    const { labels } = entry.workloadSelector ?? {};
    if (labels !== undefined)
      this.#arrive(
        this.#survey.pods.filter((pod) => pod.namespace === namespace && hasLabels(pod, labels)),
        hosts,
      );
    for (const { address } of entry.endpoints ?? []) {
      if (address !== undefined) this.#direct(address, namespace, hosts);
    }
  }

  /** Pods that a route leads to: gateways lead on. */
  #arrive(pods: readonly MeshPod[], hosts: readonly string[]): void {
    const gateways = pods.filter(({ proxy }) => proxy === 'gateway');
    for (const pod of pods) if (pod.proxy !== 'gateway') this.#backends.add(pod);
    this.#through(gateways, hosts);
  }

  #through(gateways: readonly MeshPod[], hosts: readonly string[]): void {
    for (const pod of gateways) this.#gateways.add(pod);
    const { rootNamespace } = this.#survey;
    // By a port that carries no HTTP no request comes so far.
    const bound = this.#of('Gateway').filter((gateway) =>
      gateways.some((pod) => opensAt(gateway, pod, rootNamespace)),
    );
    for (const host of hosts) {
      const forms = formsOf(host, '');
      for (const service of this.#virtualServices(forms)) {
        if (bound.some((gateway) => isBound(service, gateway))) this.#along(service, hosts);
      }
      for (const route of this.#of('HTTPRoute')) this.#followHttpRoute(route, gateways, forms, hosts);
    }
  }

  #followHttpRoute(
    { metadata, spec }: KubeObject,
    gateways: readonly MeshPod[],
    forms: readonly string[],
    hosts: readonly string[],
  ): void {
    const { namespace = 'default' } = metadata;
    const route = (spec ?? {}) as {
      hostnames?: string[];
      parentRefs?: { name: string; namespace?: string }[];
      rules?: { backendRefs?: { name: string; namespace?: string }[] }[];
    };
    const isFor = (route.parentRefs ?? []).some((ref) =>
      gateways.some(
        (pod) => pod.labels[gatewayNameLabel] === ref.name && pod.namespace === (ref.namespace ?? namespace),
      ),
    );
    if (!isFor) return;
    const { hostnames = ['*'] } = route;
    if (!hostnames.some((pattern) => hostMatches(pattern, namespace, forms))) return;
    for (const { backendRefs = [] } of route.rules ?? []) {
      if (backendRefs.length > 1)
        this.#varies.push(`HTTPRoute ${namespace}/${metadata.name} has several backends`);
      for (const ref of backendRefs) {
        const of = ref.namespace ?? namespace;
        this.#direct(`${ref.name}.${of}.svc.cluster.local`, of, hosts);
      }
    }
  }

  #of(kind: string): KubeObject[] {
    return this.#survey.objects.filter((object) => object.kind === kind);
  }

  /** What may make one answer differ from the next. */
  #chance(): string | undefined {
    const { hidden, rootNamespace } = this.#survey;
    const [written] = this.#varies;
    if (written !== undefined) return written;
    const backends = [...this.#backends];
    const gateways = [...this.#gateways];
    if (backends.length === 0) return 'it is not known who answers';
    for (const [what, pods] of [
      ['pods answer', backends],
      ['gateways pass requests on', gateways],
      ['clients send', this.#clients],
    ] as const) {
      if (pods.length > 1) return `${pods.length} ${what}`;
    }
    const [unseen] = hidden.filter((kind) => ['EnvoyFilter', 'WasmPlugin', 'VirtualService'].includes(kind));
    if (unseen !== undefined) return `this user may not see whether there is a ${unseen}`;
    const filter = [...this.#of('EnvoyFilter'), ...this.#of('WasmPlugin')].find(
      (object) =>
        object.metadata.labels?.['jwt-e2e/made-by'] === undefined &&
        [...backends, ...gateways, ...this.#clients].some((pod) => holdsFor(object, pod, rootNamespace)),
    );
    return filter === undefined ? undefined : `${nameOf(filter)} changes a proxy on the way`;
  }
}

/** The pods of the gateway that requests from outside go through. */
function entryOf(
  { gateway }: Extract<Origin, { kind: 'ingress' }>,
  { objects, pods, ingress, rootNamespace }: Survey,
): MeshPod[] {
  if (gateway === undefined)
    return pods.filter((pod) => pod.namespace === ingress.namespace && hasLabels(pod, ingress.labels));
  const named = objects.filter(
    ({ kind, metadata: { name, namespace } }) =>
      kind === 'Gateway' && name === gateway.name && namespace === gateway.namespace,
  );
  return pods.filter((pod) => named.some((each) => holdsFor(each, pod, rootNamespace)));
}

/** Whether sidecars follow a VirtualService: one that names gateways only is for these (Istio, VirtualService.gateways). */
export function isOfMesh({ spec }: KubeObject): boolean {
  const { gateways = [] } = spec as VirtualServiceSpec;
  return gateways.length === 0 || gateways.includes('mesh');
}

/** Whether a VirtualService names this Gateway, as `name` of its own namespace or `namespace/name`. */
export function isBound({ metadata, spec }: KubeObject, gateway: KubeObject): boolean {
  const { gateways = [] } = spec as VirtualServiceSpec;
  const { name, namespace = 'default' } = gateway.metadata;
  return gateways.some((each) => {
    const [of, own] = each.includes('/') ? each.split('/') : [metadata.namespace ?? 'default', each];
    return own === name && of === namespace;
  });
}

/** What a route leaves to chance. */
function chanceOf({ route = [], fault }: HttpRoute): string | undefined {
  if (route.length > 1) return 'divides requests among several destinations';
  const percentages = [
    ...JSON.stringify(fault ?? {}).matchAll(/"(?:percentage":\{"value"|percent"):([\d.]+)/g),
  ];
  const isPartial = percentages.some(([, value]) => Number(value) > 0 && Number(value) < 100);
  return isPartial ? 'has a fault for a share of the requests' : undefined;
}
