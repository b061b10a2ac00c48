/** The proxies whose configuration counts for a step: those on the way of requests, and those that policies hold for. */

import { opensAt, shutAt, shutBySpec } from '../../policy/gateway-ports.ts';
import { holdsFor, nameOf, policyKinds, whyIdle } from '../../policy/selection.ts';
import type { HttpRequest, KubeObject, MeshPod, Origin, ProxyRef, Survey } from '../../target/target.ts';
import { type Way, wayOf } from './way.ts';

export interface Sent {
  readonly origin: Origin;
  readonly request: Pick<HttpRequest, 'url' | 'headers'>;
  /** It is sent before or after, with something else applied: its gateway need not be there now. */
  readonly isElsewhen?: boolean;
}

/** What a proxy has to do with the requests. */
export type Role =
  /** It is the first whose policies decide: the gateway, or what a pod calls. */
  | 'decides'
  /** It passes them on, or is behind a gateway. */
  | 'passes'
  /** A policy of the scenario holds for it. */
  | 'selected';

export interface Concerned {
  readonly proxies: readonly { readonly proxy: ProxyRef; readonly role: Role }[];
  /** Policies of the scenario that hold for no proxy, and why. */
  readonly idle: readonly { readonly policy: KubeObject; readonly why: string }[];
  /** Why it cannot be known which proxies these are; undefined when it is known. */
  readonly unknown: { readonly message: string; readonly hint: string } | undefined;
}

/**
 * @param sent the requests of the scenario
 * @param inPlace what the scenario has applied and not deleted
 */
export function concernedBy(
  sent: readonly Sent[],
  inPlace: readonly KubeObject[],
  survey: Survey,
): Concerned {
  const found = new Map<string, { proxy: ProxyRef; role: Role }>();
  const add = (pods: readonly MeshPod[], role: Role) => {
    for (const pod of pods) {
      const id = `${pod.namespace}/${pod.name}`;
      const proxy = refOf(pod, survey);
      if (proxy !== undefined && !found.has(id)) found.set(id, { proxy, role });
    }
  };
  const ways = sent.map((each) => ({ ...each, way: wayOf(each.origin, each.request, survey) }));
  for (const { origin, way } of ways) add(deciders(origin, way), 'decides');
  for (const { way } of ways) add([...way.gateways, ...way.backends, ...way.clients], 'passes');
  for (const object of inPlace)
    add(
      survey.pods.filter((pod) => holdsFor(object, pod, survey.rootNamespace)),
      'selected',
    );
  // As the API server has them: defaults are filled in.
  const names = new Set(inPlace.map(nameOf));
  const policies = survey.objects.filter(
    (object) => policyKinds.includes(object.kind) && names.has(nameOf(object)),
  );
  const idle = policies.flatMap((policy) => {
    const why = whyIdle(policy, survey);
    return why === undefined ? [] : [{ policy, why }];
  });
  return { proxies: [...found.values()], idle, unknown: whyUnknown(ways, survey) };
}

/** Without the pods that requests pass, an answer proves nothing, whatever it is. */
function whyUnknown(ways: readonly (Sent & { readonly way: Way })[], survey: Survey): Concerned['unknown'] {
  if (survey.hidden.includes('Pod'))
    return {
      message: 'this user may not list pods, so nobody knows which proxies decide about the requests',
      hint: 'Give the user the role in docs/rbac/data-plane.yaml; "jwt-e2e doctor" says what is missing.',
    };
  const shut = shutOnTheWay(ways, survey);
  if (shut !== undefined) return shut;
  const { hidden, ingress } = survey;
  const { namespace, labels } = ingress;
  const lost = ways.find(
    ({ origin, way, isElsewhen = false }) =>
      origin.kind === 'ingress' && !isElsewhen && way.gateways.length === 0,
  );
  if (lost === undefined || lost.origin.kind !== 'ingress') return undefined;
  const { gateway } = lost.origin;
  if (gateway !== undefined && hidden.includes('Gateway'))
    return {
      message: `this user may not list Gateways, so nobody knows which proxies are those of ${gateway.namespace}/${gateway.name}`,
      hint: 'Give the user the role in docs/rbac/data-plane.yaml; "jwt-e2e doctor" says what is missing.',
    };
  if (gateway !== undefined)
    return {
      message: `no pod runs for Gateway ${gateway.namespace}/${gateway.name}, so its proxies cannot be asked`,
      hint: 'Apply it in a step, and see that its selector, or its class, is one for which there are pods.',
    };
  const selector = Object.entries(labels).map((label) => label.join('='));
  return {
    message: `no pod of namespace ${namespace} has ${selector.join(', ')}, so the proxies of the ingress gateway cannot be asked`,
    hint: 'Name the Service of the gateway that requests go through with --gateway NAMESPACE/NAME.',
  };
}

/** A proxy without a port for HTTP has nothing that policies could be seen in, and whoever answers is not asked by it. */
function shutOnTheWay(ways: readonly (Sent & { readonly way: Way })[], survey: Survey): Concerned['unknown'] {
  for (const { origin, way, isElsewhen = false } of ways) {
    if (isElsewhen) continue;
    const named = origin.kind === 'ingress' ? origin.gateway : undefined;
    const own = survey.objects.filter(
      ({ kind, metadata: { name, namespace } }) =>
        kind === 'Gateway' && name === named?.name && namespace === named?.namespace,
    );
    const [shut] = [...own.map(shutBySpec), ...way.gateways.map((pod) => shutAt(pod, survey))].flatMap(
      (each) => each ?? [],
    );
    if (shut !== undefined)
      return {
        message: `${nameOf(shut.gateway)} ${shut.why}, and requests are sent through it`,
        hint: `${shut.hint}.`,
      };
  }
  return undefined;
}

/** The proxies that are the first to decide about a request. */
export function decidersOf({ origin, request }: Sent, survey: Survey): ProxyRef[] {
  return deciders(origin, wayOf(origin, request, survey)).flatMap((pod) => refOf(pod, survey) ?? []);
}

/** The proxy of a pod; undefined for one that answers nobody: it does not run yet, or has no port open. */
function refOf(pod: MeshPod, survey: Survey): ProxyRef | undefined {
  const { namespace, name, labels, proxy: kind, isReady } = pod;
  if (kind === undefined || !isReady || (kind === 'gateway' && !isOpen(pod, survey))) return undefined;
  return { namespace, pod: name, labels, kind };
}

function deciders(origin: Origin, { gateways, backends }: Way): readonly MeshPod[] {
  return origin.kind === 'ingress' ? gateways : backends;
}

/** A gateway that no Gateway opens a port for HTTP on has nothing in it that policies could be seen in. */
function isOpen(pod: MeshPod, { objects, rootNamespace }: Survey): boolean {
  return objects.some((object) => opensAt(object, pod, rootNamespace));
}
