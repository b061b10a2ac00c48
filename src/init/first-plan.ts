/** From the user's objects to what the scenario has in place, on which ways it sends, and what it leaves out. */
import { HarnessError } from '../base/errors.ts';
import { withoutNulls } from '../base/kube-object.ts';
import { isAmbient } from '../explain/find-workload.ts';
import { rootNamespace, worldOf } from '../explain/world.ts';
import { shutBySpec, shutIn, shutText } from '../policy/gateway-ports.ts';
import { actionOf, rulesOf } from '../policy/rules.ts';
import { holdsFor, isPolicy, nameOf, policyKinds, targetRefsOf } from '../policy/selection.ts';
import { whyRefused } from '../policy/shape/object-shape.ts';
import type { KubeObject } from '../target/target.ts';
import { type IssuerPlan, issuersOf } from './issuers.ts';
import { isIngress, ownNamespace, type Place, placesFor, policiesAt } from './places.ts';
import { noPolicies } from './read-folder.ts';
import { untold } from './requests/echoed.ts';
import { hostFor, otherHost } from './requests/tried-requests.ts';
import type { Way } from './requests/tried-ways.ts';
import { outside, sleep } from './senders.ts';
import { gatewayObject, routeObject } from './stand-in.ts';
import { whyUnusable } from './unusable.ts';
import { boundTo, carriedRoutes, gatewayRefsOf } from './write/carried-routes.ts';
import { plainObject, withoutPrivate } from './write/carry.ts';
import { type Kept, nothingKept } from './write/kept-files.ts';

/** What is not in the scenario, and why. */
interface LeftOut {
  readonly what: string;
  readonly why: string;
}

export interface Plan {
  /** Of the user's policies; the root namespace comes last. */
  readonly namespaces: readonly string[];
  readonly places: readonly Place[];
  readonly issuers: readonly IssuerPlan[];
  /** Policies as they are carried over, and as they are the user's. */
  readonly policies: readonly KubeObject[];
  readonly originals: readonly KubeObject[];
  /** PeerAuthentications, which are applied with the policies. */
  readonly peers: readonly KubeObject[];
  /** What leads requests to workloads: routes and Gateways. */
  readonly around: readonly KubeObject[];
  /** What of the policies stays in the user's files. */
  readonly kept: Kept;
  /** Gateways of the user by which no request comes in, though one comes in by those of the scenario: a line each. */
  readonly shut: readonly string[];
  /** Of the user, what nobody knows the effect of. */
  readonly unknowable: readonly KubeObject[];
  readonly ways: readonly Way[];
  readonly leftOut: readonly LeftOut[];
}

const workloads = /^(Deployment|StatefulSet|DaemonSet|ReplicaSet|Pod|Rollout|Service|Namespace)$/;

/**
 * @param where what was looked at, in words, such as `the folder policies/`
 * @throws HarnessError E_USAGE when there are no policies that can be carried over
 */
export function planFor(read: readonly KubeObject[], wanted: string | undefined, where: string): Plan {
  const foreign = read.filter((object) => !isOwn(object)).map(inNamespace);
  const near = foreign.filter(({ kind, metadata: { name, namespace } }) =>
    wanted === undefined
      ? true
      : [wanted, rootNamespace].includes(namespace ?? (kind === 'Namespace' ? name : '')),
  );
  const leftOut: LeftOut[] = [];
  const objects = once(near, leftOut).filter((object) => {
    const why = whyRefused(object);
    if (why !== undefined) leftOut.push({ what: nameOf(object), why: `the API server refuses it: ${why}` });
    return why === undefined;
  });
  const given = objects.filter(isPolicy);
  const usable = given.filter((policy) => {
    const why = whyUnusable(policy, objects);
    if (why !== undefined) leftOut.push({ what: nameOf(policy), why });
    return why === undefined;
  });
  if (usable.length === 0) throw nothing(foreign, wanted, where, leftOut);
  const all = placesFor(usable.map(plainObject), objects);
  // What is for gateways of the root namespace is not for the one that was chosen.
  const places =
    wanted === undefined ? all : all.filter((each) => !each.isGateway || each.namespace === wanted);
  const originals = usable.map(plainObject).filter((policy) => {
    const isHeld = places.some((place) => place.hasSidecar && holdsFor(policy, place, rootNamespace));
    if (!isHeld) leftOut.push({ what: nameOf(policy), why: whyIdle(policy, all) });
    return isHeld;
  });
  if (originals.length === 0) throw nothing(foreign, wanted, where, leftOut);
  const policies = originals.map(withoutPrivate);
  leftOut.push(
    ...originals.flatMap((policy) => untold(policy).map((why) => ({ what: nameOf(policy), why }))),
  );
  leftOut.push(...ambientAmong(objects, places));
  const gateways = places.filter(({ isGateway }) => isGateway);
  const { peers, around } = besides(objects, places, gateways, leftOut);
  const unknowable = objects.filter(
    (object) => /^(EnvoyFilter|WasmPlugin)$/.test(object.kind) || actionOf(object) === 'CUSTOM',
  );
  return {
    namespaces: [
      ...new Set([...originals.flatMap(({ metadata }) => metadata.namespace ?? [])].sort(rootLast)),
    ],
    places,
    issuers: issuersOf(policies),
    policies,
    originals,
    peers,
    around,
    kept: nothingKept,
    shut: shutGateways(objects),
    unknowable,
    ways: waysOf(places, gateways, around, policies),
    leftOut,
  };
}

/** Namespaces whose workloads have no sidecars in the user's mesh, and have some here. */
function ambientAmong(objects: readonly KubeObject[], places: readonly Place[]): LeftOut[] {
  const namespaces = [...new Set(places.map(({ namespace }) => namespace))];
  return namespaces
    .filter((namespace) => isAmbient(namespace, objects))
    .map((namespace) => ({
      what: `ambient mode of Namespace ${namespace}`,
      why: 'workloads have sidecars here, which compare methods, paths and tokens; a ztunnel compares none of them',
    }));
}

function rootLast(one: string, other: string): number {
  return Number(one === rootNamespace) - Number(other === rootNamespace);
}

/** Objects without a namespace are in `default`, unless they are of the whole cluster. */
function inNamespace(object: KubeObject): KubeObject {
  const { namespace = 'default' } = object.metadata;
  if (object.kind === 'Namespace') return object;
  return { ...withoutNulls(object), metadata: { ...object.metadata, namespace } };
}

/** What this tool has put into a cluster itself. */
function isOwn({ metadata: { labels } }: KubeObject): boolean {
  return labels?.['app.kubernetes.io/managed-by'] === 'istio-jwt-e2e';
}

function once(objects: readonly KubeObject[], leftOut: LeftOut[]): KubeObject[] {
  const seen = new Set<string>();
  return objects.filter((object) => {
    const what = nameOf(object);
    const isNew = !seen.has(what);
    if (!isNew && policyKinds.includes(object.kind))
      leftOut.push({ what, why: 'it is there more than once; the first one was taken' });
    seen.add(what);
    return isNew;
  });
}

function whyIdle(policy: KubeObject, places: readonly Place[]): string {
  const place = places.find((each) => holdsFor(policy, each, rootNamespace));
  if (place?.hasSidecar === false)
    return `${place.namespace}/${place.name}, which it is for, has no sidecar, so it holds for nobody`;
  if (place !== undefined) return 'it is for a gateway of another namespace than the one that was chosen';
  return targetRefsOf(policy.spec).length > 0
    ? 'no gateway is in its namespace'
    : 'it selects app: sleep, which is the client here';
}

/** What else of the user's is applied; what is not, is named. */
function besides(
  objects: readonly KubeObject[],
  places: readonly Place[],
  gateways: readonly Place[],
  leftOut: LeftOut[],
): Pick<Plan, 'peers' | 'around'> {
  const peers: KubeObject[] = [];
  const around: KubeObject[] = [];
  const others = new Set<string>();
  for (const object of objects) {
    const { kind, apiVersion } = object;
    const what = nameOf(object);
    if (policyKinds.includes(kind) && apiVersion.startsWith('security.istio.io/')) continue;
    if (kind === 'PeerAuthentication') {
      if (places.some((place) => holdsFor(object, place, rootNamespace))) peers.push(plainObject(object));
      else leftOut.push({ what, why: 'it is for no workload that policies are for' });
    } else if (kind === 'VirtualService') {
      const { spec, lost } = carriedRoutes(object);
      for (const why of lost) leftOut.push({ what, why });
      if (spec !== undefined) around.push({ ...plainObject(object), spec });
    } else if (/^(EnvoyFilter|WasmPlugin)$/.test(kind)) {
      leftOut.push({ what, why: 'it may change every answer, and nobody knows how' });
    } else if (kind === 'Gateway' && apiVersion.startsWith('networking.istio.io/')) {
      // Made anew below, without certificates.
    } else if (/\.istio\.io\/|^gateway\.networking/.test(apiVersion)) {
      leftOut.push({ what, why: `a ${kind} is not carried over` });
    } else if (!workloads.test(kind)) others.add(kind);
  }
  if (others.size > 0)
    leftOut.push({ what: [...others].sort().join(', '), why: 'policies do not look at these kinds' });
  const refs = gatewayRefsOf(around);
  const made = refs.flatMap((ref) => {
    const gateway = gatewayFor(ref, objects, gateways);
    return gateway === undefined ? [] : [gatewayObject(ref, gateway)];
  });
  return { peers, around: [...made, ...around] };
}

/** Of a Gateway whose workload is not among the objects nobody knows the Service. */
function shutGateways(objects: readonly KubeObject[]): string[] {
  const world = worldOf(objects);
  return objects.flatMap((object) => {
    const isFound = world.pods.some((pod) => holdsFor(object, pod, rootNamespace));
    const shut = object.kind !== 'Gateway' ? undefined : isFound ? shutIn(object, world) : shutBySpec(object);
    return shut === undefined
      ? []
      : [`no request comes in by a Gateway of yours, and one does here, by port 80: ${shutText(shut)}`];
  });
}

/** The stand-in that a Gateway is for: by its selector, or the only one, or the first. */
function gatewayFor(
  ref: string,
  objects: readonly KubeObject[],
  gateways: readonly Place[],
): Place | undefined {
  const found = objects.find((object) => object.kind === 'Gateway' && nameOf(object) === `Gateway ${ref}`);
  const isFor = (gateway: Place) => found !== undefined && holdsFor(found, gateway, rootNamespace);
  return (
    gateways.find(isFor) ?? gateways.find(({ namespace }) => ref.startsWith(`${namespace}/`)) ?? gateways[0]
  );
}

function waysOf(
  places: readonly Place[],
  gateways: readonly Place[],
  around: readonly KubeObject[],
  policies: readonly KubeObject[],
): Way[] {
  const targets = places.filter(
    ({ isGateway, hasSidecar, services }) =>
      !isGateway && hasSidecar && services.some(({ ports }) => ports.length > 0),
  );
  const withPolicies = targets.filter((place) => policiesAt(place, policies).length > 0);
  const direct = targets.map((place): Way => {
    const addresses = place.services.flatMap(({ name, ports }) =>
      ports.map(({ port, targetPort }) => ({ url: `http://${name}.${place.namespace}:${port}`, targetPort })),
    );
    return {
      name: titleOf(place),
      place,
      gateway: undefined,
      routes: [],
      isOwnRoute: false,
      addresses,
      client: sleep,
      host: undefined,
      isSpare: !withPolicies.includes(place),
    };
  });
  const through = gateways.flatMap((gateway): Way[] => {
    const isBoundHere = around.filter(
      (object) => object.kind === 'Gateway' && holdsFor(object, gateway, rootNamespace),
    );
    const services = boundTo(
      around,
      isBoundHere.map((object) => nameOf(object).replace('Gateway ', '')),
    );
    const routed = targets.filter((place) => services.some((service) => leadsTo(service, place)));
    const some = routed.length > 0 ? routed : withPolicies.length > 0 ? withPolicies : targets.slice(0, 1);
    return some.map((place) =>
      wayThrough(
        gateway,
        place,
        routed.length > 0 ? services.filter((service) => leadsTo(service, place)) : undefined,
        policies,
      ),
    );
  });
  // Hosts are those of the outside, and so they are tried from there.
  const ingress: Place = {
    ...(targets[0] as Place),
    namespace: rootNamespace,
    name: 'istio-ingressgateway',
    labels: { istio: 'ingressgateway' },
    isGateway: true,
    services: [],
  };
  const byHost = withPolicies
    .filter(
      (place) =>
        hostsAt(policiesAt(place, policies)).length > 0 && !through.some((way) => way.place === place),
    )
    .map((place) => wayThrough(ingress, place, undefined, policies));
  return [...direct, ...through, ...byHost];
}

function titleOf({ namespace, name }: Place): string {
  return `to ${namespace}/${name}`;
}

function leadsTo({ metadata, spec }: KubeObject, { namespace, services }: Place): boolean {
  const hosts = services.flatMap(({ name }) => [
    `${name}.${namespace}`,
    `${name}.${namespace}.svc`,
    `${name}.${namespace}.svc.cluster.local`,
    ...(metadata.namespace === namespace ? [name] : []),
  ]);
  return hosts.some((host) => JSON.stringify(spec).includes(`"host":"${host}"`));
}

/** Hosts that rules name. */
function hostsAt(policies: readonly KubeObject[]): string[] {
  return policies
    .flatMap(rulesOf)
    .flatMap(({ to = [] }) => to.flatMap(({ operation = {} }) => operation.hosts ?? []));
}

function wayThrough(
  gateway: Place,
  place: Place,
  services: readonly KubeObject[] | undefined,
  policies: readonly KubeObject[],
): Way {
  const named = hostsAt([...policiesAt(gateway, policies), ...policiesAt(place, policies)]);
  const ofRoutes = (services ?? []).flatMap(({ spec }) => (spec as { hosts: string[] }).hosts);
  const hosts = [...(services === undefined ? named : ofRoutes)].filter((host) => host !== '*');
  const host = hosts[0] === undefined ? 'gateway.example.com' : hostFor(hosts[0]).replace(/:\d+$/, '');
  const isInside = !isIngress(gateway);
  const ref = `${ownNamespace}/stand-in-${gateway.name}`;
  const own = [...new Set([host, otherHost, ...named.map((each) => hostFor(each).replace(/:\d+$/, ''))])];
  const isNamed = own.every((each) => /^[-a-z0-9.]+\.[a-z]+$/.test(each));
  const routes = services ?? [gatewayObject(ref, gateway), routeObject(ref, isNamed ? own : ['*'], place)];
  const [service] = gateway.services;
  return {
    name: `${titleOf(place)} through ${gateway.namespace}/${gateway.name}`,
    place,
    gateway,
    routes,
    isOwnRoute: services === undefined,
    addresses: [{ url: isInside ? `http://${service?.name}.${gateway.namespace}` : '', targetPort: 0 }],
    client: isInside ? outside : sleep,
    host,
    isSpare: false,
  };
}

function nothing(
  objects: readonly KubeObject[],
  wanted: string | undefined,
  where: string,
  leftOut: readonly LeftOut[],
): HarnessError {
  const place = wanted === undefined ? where : `namespace ${wanted} of ${where}`;
  if (leftOut.length > 0) {
    return new HarnessError('E_USAGE', `no policy in ${place} can be carried over into a scenario`, {
      hint: 'Write a scenario by hand: docs/writing-scenarios.md',
      details: leftOut.map(({ what, why }) => `${what}: ${why}`).join('\n'),
    });
  }
  const elsewhere = objects
    .filter(({ kind }) => policyKinds.includes(kind))
    .map(({ metadata }) => metadata.namespace ?? '');
  if (wanted !== undefined && elsewhere.length > 0)
    return noPolicies(objects, place, {
      hint: `Those that are there are of namespace ${[...new Set(elsewhere)].sort().join(', ')}; one that says no namespace counts for default.`,
    });
  return noPolicies(objects, place);
}
