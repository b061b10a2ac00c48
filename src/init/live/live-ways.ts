/** Where requests of a live scenario can go: Services that policies hold for, from a pod that is there, and hosts of the ingress. */
import { holdsFor, policyKinds } from '../../policy/selection.ts';
import { isHttp, protocolOf, type ServiceSpec } from '../../policy/service-port.ts';
import { wayOf } from '../../run/proof/way.ts';
import type { KubeObject, MeshPod, Origin, Survey } from '../../target/target.ts';
import type { Place } from '../places.ts';
import type { Way } from '../requests/tried-ways.ts';
import { type Client, outside } from '../senders.ts';

export interface LiveWays {
  readonly ways: readonly Way[];
  /** What is not sent, and why. */
  readonly notes: readonly string[];
}

/** More would be a file that nobody reads. */
const most = 20;
/** Pods that people send from by hand. */
const handy = /sleep|curl|client|debug|toolbox|netshoot/;

/** @param namespace only Services and routes of this one */
export function liveWays(survey: Survey, namespace: string | undefined): LiveWays {
  const services = survey.objects.filter(
    ({ kind, metadata }) => kind === 'Service' && (namespace ?? metadata.namespace) === metadata.namespace,
  );
  const sender = senderIn(survey, namespace);
  const direct = sender === undefined ? [] : services.flatMap((each) => wayTo(each, sender, survey) ?? []);
  const ways = [...direct, ...routedWays(survey, namespace)];
  const from = sender === undefined ? 'no pod with a label app can send' : undefined;
  return {
    ways: ways.slice(0, most),
    notes: [
      ...(from === undefined ? [] : [`${from}, so requests come through the ingress gateway only`]),
      ...(sender === undefined || direct.length === 0
        ? []
        : [
            `requests come from ${sender.name}.${sender.namespace}, which must have curl, sh and head: name another pod by its label app where it has not`,
          ]),
      ...(ways.length <= most
        ? []
        : [`of ${ways.length} ways the first ${most} are here: choose with --namespace NAME`]),
    ],
  };
}

/** A pod with a sidecar, before one without; one that is there for it, before an application. */
function senderIn({ pods }: Survey, namespace: string | undefined): Client | undefined {
  const usable = pods.filter(
    ({ labels, isReady, proxy }) => labels.app !== undefined && isReady && proxy !== 'gateway',
  );
  const rank = ({ labels, proxy, namespace: own }: MeshPod) =>
    Number(proxy === undefined) * 4 + Number(!handy.test(labels.app ?? '')) * 2 + Number(own !== namespace);
  const [first] = [...usable].sort((one, other) => rank(one) - rank(other));
  if (first === undefined) return undefined;
  const { labels, namespace: home, serviceAccount = 'default', proxy } = first;
  return { name: labels.app ?? '', namespace: home, serviceAccount, hasSidecar: proxy === 'sidecar' };
}

function wayTo({ metadata, spec }: KubeObject, sender: Client, survey: Survey): Way | undefined {
  const { name, namespace = 'default' } = metadata;
  const port = ((spec ?? {}) as ServiceSpec).ports?.find((each) => isHttp(protocolOf(each)));
  if (port === undefined || (name === sender.name && namespace === sender.namespace)) return undefined;
  const url = `http://${name}.${namespace}${port.port === 80 ? '' : `:${port.port}`}`;
  const origin: Origin = { kind: 'pod', app: sender.name, namespace: sender.namespace };
  const { backends, gateways } = wayOf(origin, { url, headers: [] }, survey);
  const [pod] = backends;
  if (pod?.proxy !== 'sidecar' || gateways.length > 0 || !isHeld(pod, survey)) return undefined;
  const place = placeOf(pod);
  const addresses = [{ url, targetPort: 0 }];
  const common = { place, gateway: undefined, routes: [], isOwnRoute: false, isSpare: false };
  return { ...common, name: `to ${namespace}/${name}`, addresses, client: sender, host: undefined };
}

/** Along VirtualServices of the ingress gateway, for hosts that are no patterns. */
function routedWays(survey: Survey, namespace: string | undefined): Way[] {
  const hosts = survey.objects.flatMap(({ kind, metadata, spec }) =>
    kind === 'VirtualService' && (namespace ?? metadata.namespace) === metadata.namespace
      ? ((spec as { hosts?: string[] } | undefined)?.hosts ?? [])
      : [],
  );
  return [...new Set(hosts)].flatMap((host): Way[] => {
    if (host.includes('*')) return [];
    const { gateways, backends } = wayOf({ kind: 'ingress' }, { url: '', headers: [['Host', host]] }, survey);
    const [gateway, pod] = [gateways[0], backends[0]];
    if (gateway === undefined || pod === undefined) return [];
    if (!isHeld(gateway, survey) && !isHeld(pod, survey)) return [];
    const ingress = {
      ...placeOf(gateway),
      namespace: survey.rootNamespace,
      labels: survey.ingress.labels,
      isGateway: true,
    };
    const addresses = [{ url: '', targetPort: 0 }];
    const common = { place: placeOf(pod), gateway: ingress, routes: [], isOwnRoute: false, isSpare: false };
    return [{ ...common, name: `to ${host} through the ingress gateway`, addresses, client: outside, host }];
  });
}

function isHeld(pod: MeshPod, { objects, rootNamespace }: Survey): boolean {
  return objects.some((object) => policyKinds.includes(object.kind) && holdsFor(object, pod, rootNamespace));
}

function placeOf({ namespace, name, labels, serviceAccount = 'default', proxy }: MeshPod): Place {
  return {
    namespace,
    name,
    labels,
    serviceAccount,
    hasSidecar: proxy === 'sidecar',
    isGateway: proxy === 'gateway',
    services: [],
    workloads: [name],
    isUnknown: false,
  };
}
