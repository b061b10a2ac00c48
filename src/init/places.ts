/** Where requests of the scenario go: stand-ins for the user's workloads and gateways, in their namespaces, with their labels. */
import { hyphenated } from '../base/names.ts';
import { podsOf } from '../explain/find-workload.ts';
import { gatewayLabels, rootNamespace } from '../explain/world.ts';
import { templatesOf } from '../policy/injected-proxy.ts';
import { rulesOf } from '../policy/rules.ts';
import {
  gatewayNameLabel,
  hasLabels,
  holdsFor,
  nameOf,
  policyKinds,
  targetRefsOf,
} from '../policy/selection.ts';
import { isHttp, protocolOf, type ServiceSpec, selecting, targetPortOf } from '../policy/service-port.ts';
import type { KubeObject } from '../target/target.ts';
import { type Destination, destinationsOf, gatewayRefsOf } from './write/carried-routes.ts';

/** Of the client, and of what has no namespace of the user's. */
export const ownNamespace = 'foo';

type Labels = Readonly<Record<string, string>>;

interface Port {
  readonly name: string;
  readonly port: number;
  /** What the container listens on. */
  readonly targetPort: number;
}

/** A Service of the stand-in. */
interface PlaceService {
  readonly name: string;
  readonly ports: readonly Port[];
}

/** What is the same of a workload of the user's and of its stand-in. */
interface Likeness {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly serviceAccount: string;
  /** The user's workload has none, by its own label. */
  readonly hasSidecar: boolean;
  readonly isGateway: boolean;
}

export interface Place extends Likeness {
  readonly services: readonly PlaceService[];
  /** Names of the user's workloads that are all the same to the policies. */
  readonly workloads: readonly string[];
  /** Policies select it, and among the workloads that were found is none such. */
  readonly isUnknown: boolean;
}

export function isIngress({ namespace, labels }: Pick<Place, 'namespace' | 'labels'>): boolean {
  return namespace === rootNamespace && hasLabels({ labels: gatewayLabels }, labels);
}

const ingressGateway = {
  namespace: rootNamespace,
  name: 'istio-ingressgateway',
  labels: gatewayLabels,
  isGateway: true,
};

interface Found extends Likeness {
  readonly isKnown: boolean;
  readonly ports: ReturnType<typeof podsOf>[number]['ports'];
}

/** @param policies RequestAuthentications and AuthorizationPolicies; `objects` are all, of the same namespaces */
export function placesFor(policies: readonly KubeObject[], objects: readonly KubeObject[]): Place[] {
  const found = foundIn(objects);
  const add = (each: Partial<Found> & Pick<Found, 'namespace' | 'name' | 'labels'>) =>
    found.push({
      serviceAccount: 'default',
      hasSidecar: true,
      isGateway: false,
      isKnown: false,
      ports: [],
      ...each,
    });
  const hasSome = (policy: KubeObject) => found.some((pod) => holdsFor(policy, pod, rootNamespace));
  const home = ({ metadata }: KubeObject) => metadata.namespace ?? 'default';
  // What policies of the root namespace select may be known by then from another one.
  const isRoot = (policy: KubeObject) => home(policy) === rootNamespace;
  for (const policy of [...policies].sort((one, other) => Number(isRoot(one)) - Number(isRoot(other)))) {
    const labels = labelsOf(policy);
    if (labels === undefined || hasSome(policy)) continue;
    const isGateway = isForGateway(policy, objects);
    const namespace = isRoot(policy) && !isGateway ? ownNamespace : home(policy);
    // Istio's own gateway is one, by whichever of its labels policies select it.
    if (isGateway && isIngress({ namespace, labels })) add(ingressGateway);
    else add({ namespace, name: nameFor(labels, policy.metadata.name), labels, isGateway });
  }
  const services = objects.filter(({ kind }) => kind === 'Service');
  const wanted = destinationsOf(objects);
  for (const { name, namespace } of wanted) {
    const isThere = services.some(
      ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
    );
    if (!isThere && !found.some((each) => each.name === name && each.namespace === namespace))
      add({ namespace, name, labels: { app: name } });
  }
  const refs = gatewayRefsOf(objects);
  if (refs.length > 0 && !found.some(({ isGateway }) => isGateway)) add(ingressGateway);
  for (const policy of policies) {
    const namespace = isRoot(policy) ? ownNamespace : home(policy);
    const isAlone = isRoot(policy) && !found.some(({ isGateway }) => !isGateway);
    if (labelsOf(policy) === undefined && (isAlone || !hasSome(policy)))
      add({ namespace, name: 'app', labels: { app: 'app' } });
  }
  // Gateways lead to some workload, also where no policy and no route is about one of those that are there.
  const isAsked = (each: Found) => policiesAt(each, policies).length > 0 || isDestination(each, wanted);
  if (!found.some((each) => !each.isGateway && isAsked(each)))
    add({ namespace: ownNamespace, name: 'app', labels: { app: 'app' } });
  return grouped(found, policies, services, wanted);
}

/** Whether a route leads there. */
function isDestination({ namespace, name }: Found, wanted: readonly Destination[]): boolean {
  return wanted.some((each) => each.namespace === namespace && each.name === name);
}

/** Those that are the same to all policies are one, but for what routes lead to. */
function grouped(
  found: readonly Found[],
  policies: readonly KubeObject[],
  services: readonly KubeObject[],
  wanted: readonly Destination[],
): Place[] {
  const groups = new Map<string, Found[]>();
  const hasKnown = found.some(({ isKnown }) => isKnown);
  for (const each of found) {
    const held = policiesAt(each, policies);
    // The client of scenarios.
    if (each.namespace === ownNamespace && each.labels.app === 'sleep') continue;
    const isFallback = !each.isKnown && each.name === 'app';
    if (held.length === 0 && !each.isGateway && !isDestination(each, wanted) && !isFallback) continue;
    const own = isDestination(each, wanted) || each.isGateway ? each.name : '';
    const key = JSON.stringify([each.namespace, each.isGateway, each.hasSidecar, own, held.map(nameOf)]);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  const names = [...['httpbin', 'sleep'].map((name) => `${ownNamespace}/${name}`)];
  return [...groups.values()].map((group) => {
    const first = group[0] as Found;
    const name = uniqueName(dnsName(first.name), names, first.namespace);
    const ports = portsOf(policiesAt(first, policies));
    const ofFolder = selecting(services, first.namespace, first.labels);
    const ofRoutes = wanted.filter(
      ({ namespace, name: of }) => namespace === first.namespace && of === first.name,
    );
    const { isKnown, ports: _, ...likeness } = first;
    return {
      ...likeness,
      name,
      isUnknown: hasKnown && !isKnown,
      workloads: [...new Set(group.map((each) => each.name))],
      services:
        ofFolder.length > 0 && !first.isGateway
          ? ofFolder.map((service) => serviceFrom(service, first, ports, ofRoutes))
          : [{ name, ports: first.isGateway ? [gatewayPort] : invented(ports, ofRoutes) }],
    };
  });
}

const gatewayPort: Port = { name: 'http', port: 80, targetPort: 8080 };

function foundIn(objects: readonly KubeObject[]): Found[] {
  const isOff = ({ kind, metadata }: KubeObject, namespace: string) =>
    kind === 'Namespace' &&
    metadata.name === namespace &&
    metadata.labels?.['istio-injection'] === 'disabled';
  return objects
    .filter(({ kind }) => !/Job$/.test(kind))
    .flatMap(podsOf)
    .map((pod): Found => {
      const { namespace, labels, annotations, ports, serviceAccount } = pod;
      const isGateway = templatesOf(pod).includes('gateway') || isGatewayLabels(labels, objects);
      const inject = labels['sidecar.istio.io/inject'] ?? annotations['sidecar.istio.io/inject'];
      const hasSidecar =
        inject !== 'false' && (inject === 'true' || !objects.some((each) => isOff(each, namespace)));
      const service = selecting(
        objects.filter(({ kind }) => kind === 'Service'),
        namespace,
        labels,
      )[0];
      const name = service?.metadata.name ?? pod.name;
      return { namespace, name, labels, serviceAccount, hasSidecar, isGateway, isKnown: true, ports };
    })
    .sort((one, other) => one.name.localeCompare(other.name, 'en'));
}

/** What a policy selects by; undefined: all of its namespace. */
function labelsOf({ spec }: KubeObject): Labels | undefined {
  const { selector } = (spec ?? {}) as { selector?: { matchLabels?: Labels } };
  const [ref] = targetRefsOf(spec);
  if (ref !== undefined) return { [gatewayNameLabel]: ref.name };
  const labels = selector?.matchLabels ?? {};
  return Object.keys(labels).length === 0 ? undefined : labels;
}

function isForGateway(policy: KubeObject, objects: readonly KubeObject[]): boolean {
  return isGatewayLabels(labelsOf(policy) ?? {}, objects);
}

/** Labels that gateways have by convention, or that a Gateway of Istio's API selects by. */
function isGatewayLabels(labels: Labels, objects: readonly KubeObject[]): boolean {
  const isConventional = Object.entries(labels).some(
    ([name, value]) =>
      /gateway-name$/.test(name) ||
      (/^(istio|app)$/.test(name) && /^ingress$|(ingress|egress|istio)-?gateway/.test(value)),
  );
  return (
    isConventional ||
    objects.some(({ kind, apiVersion, spec }) => {
      if (kind !== 'Gateway' || !apiVersion.startsWith('networking.istio.io/')) return false;
      const entries = Object.entries((spec as { selector?: Labels } | undefined)?.selector ?? {});
      return entries.length > 0 && entries.some(([name, value]) => labels[name] === value);
    })
  );
}

function nameFor(labels: Labels, otherwise: string): string {
  const named = labels.app ?? labels['app.kubernetes.io/name'] ?? labels[gatewayNameLabel];
  return named ?? Object.values(labels)[0] ?? otherwise;
}

/** Ports of containers that rules of the policies name. */
function portsOf(policies: readonly KubeObject[]): number[] {
  const rules = policies.flatMap(rulesOf);
  const named = rules.flatMap(({ to = [], when = [] }) => [
    ...to.flatMap(({ operation = {} }) => [...(operation.ports ?? []), ...(operation.notPorts ?? [])]),
    ...when.flatMap(({ key, values = [], notValues = [] }) =>
      key === 'destination.port' ? [...values, ...notValues] : [],
    ),
  ]);
  return [...new Set(named.map(Number))].filter(
    (port) => Number.isInteger(port) && port > 0 && port < 65_536,
  );
}

/** A user's Service, with what of its ports is HTTP to Istio. Low ports may not be listened on everywhere. */
function serviceFrom(
  { metadata, spec }: KubeObject,
  { ports: ofPod }: Found,
  named: readonly number[],
  wanted: readonly Destination[],
): PlaceService {
  const { ports } = (spec ?? {}) as ServiceSpec;
  if (ports === undefined) return { name: metadata.name, ports: invented(named, wanted) };
  return {
    name: metadata.name,
    ports: ports
      .filter((port) => isHttp(protocolOf(port)) && (port.protocol ?? 'TCP') === 'TCP')
      .map((port) => {
        const target = targetPortOf(port, ofPod) ?? 8080;
        return {
          name: `http-${port.port}`,
          port: port.port,
          targetPort: target < 1024 && !named.includes(target) ? 8080 : target,
        };
      }),
  };
}

/** Where no Service is known: a port of it for each that rules name, or that routes lead to. */
function invented(named: readonly number[], wanted: readonly Destination[]): Port[] {
  const targets = named.filter((port) => port >= 1024);
  const ofRoutes = [...new Set(wanted.map(({ port }) => port ?? 8000))];
  if (ofRoutes.length > 0)
    return ofRoutes.map((port) => ({ name: `http-${port}`, port, targetPort: targets[0] ?? 8080 }));
  return (targets.length === 0 ? [8080] : targets).map((targetPort, index) => {
    const port = 8000 + index;
    return { name: `http-${port}`, port, targetPort };
  });
}

/** What may be the name of a Service: RFC 1035, short enough for what Kubernetes appends. */
export function dnsName(text: string): string {
  const name = hyphenated(text)
    .replace(/^[^a-z]+/, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return name === '' ? 'app' : name;
}

/** The name, or with a number behind it when it is taken in its namespace; and takes it. */
export function uniqueName(name: string, taken: string[], namespace = ''): string {
  let unique = name;
  for (let number = 2; taken.includes(`${namespace}/${unique}`); number++) unique = `${name}-${number}`;
  taken.push(`${namespace}/${unique}`);
  return unique;
}

/** Whether policies that need tokens or look at requests hold there. */
export function policiesAt(
  place: Pick<Place, 'namespace' | 'labels'>,
  objects: readonly KubeObject[],
): KubeObject[] {
  return objects
    .filter(({ kind }) => policyKinds.includes(kind))
    .filter((policy) => holdsFor(policy, place, rootNamespace));
}
