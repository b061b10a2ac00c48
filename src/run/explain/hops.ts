/** The proxies that a request passes, and what each of them answers by the model in src/policy. */
import { satisfies } from 'semver';
import type { Verify } from '../../policy/authenticate.ts';
import { decide } from '../../policy/decide.ts';
import { shutAt, shutText } from '../../policy/gateway-ports.ts';
import type { Answer, Mesh, Request } from '../../policy/input.ts';
import { pathAndQuery, withoutQuery } from '../../policy/match/path.ts';
import { meshWith } from '../../policy/read-mesh-config.ts';
import { holdsFor, isWide, policyKinds } from '../../policy/selection.ts';
import { isHttp, protocolOf, type ServiceSpec, selecting, targetPortOf } from '../../policy/service-port.ts';
import type { HttpRequest, KubeObject, MeshPod, Origin, Survey } from '../../target/target.ts';
import { formsOf, hostMatches } from '../proof/host-names.ts';
import { wayOf } from '../proof/way.ts';
import type { Routed } from './http-routes.ts';
import { routed } from './routed.ts';

export interface Sent {
  readonly origin: Origin;
  readonly request: HttpRequest;
  readonly survey: Survey;
  /** Of the ingress gateway, as seen from outside; undefined from a pod. */
  readonly ingressUrl: string | undefined;
  /** Filters of others leave open what will be; what was is explained without them. */
  readonly hasFilters?: boolean;
  /** Of the client, as far as it is known. */
  readonly address?: 'private' | undefined;
  /** Version of the proxies; default: one of today. */
  readonly envoy?: string | undefined;
}

/** A proxy on the way, and what it answers. */
export interface Hop {
  readonly pod: MeshPod;
  readonly answer: Answer;
  /** What was done to the request on its way here. */
  readonly notes: readonly string[];
}

/** The last one: there is none after the first that does not let the request pass. */
export function decidingOf(hops: readonly Hop[]): Hop | undefined {
  return hops.at(-1);
}

export function nameOfPod({ namespace, name }: MeshPod): string {
  return `${namespace}/${name}`;
}

/** What each proxy on the way answers, up to the first that does not let it pass. */
export function hopsOf(asked: Sent, verifies: Verify): Hop[] {
  const { origin, request, survey, address, hasFilters = false } = asked;
  const way = wayOf(origin, request, survey);
  const [client, gateway] = [way.clients[0], way.gateways[0]];
  const mesh = { ...meshWith(survey.objects, survey.rootNamespace), ...ofEnvoy(asked.envoy) };
  const principalOf = ({ namespace, serviceAccount = 'default' }: MeshPod) =>
    `${mesh.trustDomains[0]}/ns/${namespace}/sa/${serviceAccount}`;
  const notes: string[] = [];
  let sent: Request = {
    method: request.method,
    authority: authorityOf(asked),
    path: pathAndQuery(request.url),
    headers: request.headers.filter(([name]) => name.toLowerCase() !== 'host'),
    // A client without a sidecar is known to nobody, and one outside of the mesh neither.
    principal: client?.proxy === undefined ? null : principalOf(client),
    sourceAddress: address,
    remoteAddress: request.headers.some(([name]) => /^x-forwarded-for$/i.test(name)) ? undefined : address,
    at: Date.now() / 1000,
  };
  const hops: Hop[] = [];
  const arrive = (pod: MeshPod, port: Port | undefined): boolean => {
    const answer = decide(
      { ...sent, destinationPort: port?.number },
      {
        mesh,
        workload: pod,
        policies: survey.objects.filter(({ kind }) => hasFilters || policyKinds.includes(kind)),
        verify: verifies,
        isTcp: port?.isTcp ?? false,
      },
    );
    hops.push({ pod, answer, notes: [...notes] });
    if (hasLost(sent, answer))
      notes.push(
        `${nameOfPod(pod)} has taken the token out of the request, as its rule has no forwardOriginalToken`,
      );
    sent = { ...sent, headers: answer.headers, path: answer.path, principal: principalOf(pod) };
    return answer.status === 200;
  };
  const unknownAt = (pod: MeshPod, why: string): Hop[] => {
    const { headers, path } = sent;
    const answer = { status: undefined, unknown: [why], headers, path, tokens: [], policies: [] };
    return [...hops, { pod, answer, notes: [...notes, why] }];
  };
  const first = gateway ?? client ?? way.backends[0];
  if (request.http === '1.0' && first !== undefined)
    return unknownAt(first, 'whether proxies take HTTP/1.0 (PILOT_HTTP10 of istiod) is not known here');
  const shut = gateway?.proxy === undefined ? undefined : shutAt(gateway, survey);
  if (gateway !== undefined && shut !== undefined) return unknownAt(gateway, shutText(shut));
  if (gateway?.proxy !== undefined) {
    if (!arrive(gateway, undefined)) return hops;
    // A gateway says by which scheme it was asked, whatever the client says (use_remote_address).
    const others = sent.headers.filter(([name]) => name.toLowerCase() !== 'x-forwarded-proto');
    const isSecure = /^https:/i.test(asked.ingressUrl ?? '');
    sent = { ...sent, headers: isSecure ? [...others, ['x-forwarded-proto', 'https']] : others };
  }
  const from = gateway ?? origin;
  // The gateway through which it comes is not there.
  if ('kind' in from && from.kind === 'ingress') return hops;
  const route = routed(sent, from, survey);
  const backend = backendOf(route ?? undefined, survey) ?? way.backends[0];
  // A gateway answers what it has no route for by itself, once policies have let it pass.
  const hasNone = route === null || (route === undefined && backend === undefined);
  if (gateway?.proxy !== undefined && hasNone && isServing(gateway, survey))
    return hops.map((hop) => ({ ...hop, answer: { ...hop.answer, status: 404, body: '' } }));
  if (route === null) return hops;
  if (route !== undefined) {
    const { unknown, note } = route;
    if (unknown !== undefined) return backend === undefined ? hops : unknownAt(backend, unknown);
    if (note !== undefined) notes.push(note);
    sent = route.request;
  }
  if (backend?.proxy === undefined) return hops;
  const port = portOf(backend, request, survey, route);
  const mode = mutualTlsOf(backend, port?.number, survey);
  if (mode === 'DISABLE' || speaksPlain(backend, survey)) sent = { ...sent, principal: null };
  const isByHost = gateway === undefined && client?.proxy === 'sidecar' && route === undefined;
  if (isByHost && port?.isTcp !== true && isUnknownHost(sent.authority, asked)) {
    notes.push(
      `no Service has the host ${sent.authority}, so the sidecar of the client sends the request on as it is, without mutual TLS`,
    );
    sent = { ...sent, principal: null };
  }
  if (sent.principal === null && mode === 'STRICT')
    return unknownAt(backend, 'PeerAuthentication wants mutual TLS, and the client sends plain text');
  arrive(backend, port);
  return hops;
}

/**
 * Before CVE-2026-26308 was fixed, `x-role: user` and `x-role: admin` were compared as `user,admin`, so that a DENY for admin
 * did not see it (runtime feature rbac_match_headers_individually; Istio 1.29.1, 1.28.5, 1.27.8).
 */
const apart = '>=1.37.1 || >=1.36.5 <1.37.0 || >=1.35.8 <1.36.0 || >=1.34.13 <1.35.0';

/**
 * Before CVE-2026-73551 was fixed, `..;a` in a path was not taken for `..` (runtime feature
 * strip_dotdot_segments_with_parameter; Istio 1.30.4, 1.29.7).
 */
const parametersOfDots = '>=1.39.1 || >=1.38.4 <1.39.0 || >=1.37.6 <1.38.0 || >=1.36.10 <1.37.0';

/**
 * In what versions of Envoy answer otherwise.
 *
 * @param envoy its version; undefined or no version: as in those of today
 */
export function ofEnvoy(
  envoy: string | undefined,
): Pick<Mesh, 'takesHeadersApart' | 'ignoresParametersOfDots'> {
  const [version] = /^\d+\.\d+\.\d+/.exec(envoy ?? '') ?? [];
  const isIn = (range: string) => version === undefined || satisfies(version, range);
  return { takesHeadersApart: isIn(apart), ignoresParametersOfDots: isIn(parametersOfDots) };
}

/** Whether a Gateway opens a port at the pods of a gateway, and routes are no secret to this user. */
function isServing(gateway: MeshPod, { objects, hidden, rootNamespace }: Survey): boolean {
  return (
    !hidden.some((kind) => ['VirtualService', 'HTTPRoute'].includes(kind)) &&
    objects.some((object) => object.kind === 'Gateway' && holdsFor(object, gateway, rootNamespace))
  );
}

/** Whether a good token is gone, from the headers or from the query: outputs of its claims may have come in its place. */
function hasLost(sent: Request, { tokens, headers, path }: Answer): boolean {
  const left = headers.map(([name]) => name.toLowerCase());
  return (
    tokens.some(({ status }) => status === 'Ok') &&
    (sent.headers.some(([name]) => !left.includes(name.toLowerCase())) ||
      queryOf(path) !== queryOf(sent.path))
  );
}

function queryOf(path: string): string {
  return path.slice(withoutQuery(path).length);
}

function authorityOf({ origin, request, ingressUrl }: Sent): string {
  const host = request.headers.findLast(([name]) => name.toLowerCase() === 'host')?.[1];
  const url = origin.kind === 'ingress' ? ingressUrl : request.url;
  // Beside a whole address in the request line, a Host says nothing (RFC 9112, section 3.2.2).
  if (request.absoluteForm && origin.kind === 'pod') return new URL(request.url).host;
  return host ?? (url !== undefined && URL.canParse(url) ? new URL(url).host : '');
}

interface Port {
  readonly number: number | undefined;
  readonly isTcp: boolean;
}

function servicesOf({ namespace, labels }: MeshPod, survey: Survey): KubeObject[] {
  const services = survey.objects.filter(({ kind }) => kind === 'Service');
  return selecting(services, namespace, labels);
}

function nameInFull({ metadata }: KubeObject): string {
  return `${metadata.name}.${metadata.namespace}.svc.cluster.local`;
}

/** A pod of the Service that a route leads to. */
function backendOf(route: Routed | undefined, survey: Survey): MeshPod | undefined {
  if (route?.host === undefined) return undefined;
  const forms = formsOf(route.host, route.namespace);
  return survey.pods.find((pod) =>
    servicesOf(pod, survey).some((service) => forms.includes(nameInFull(service))),
  );
}

/** A DestinationRule takes mutual TLS away, which sidecars do without being told. */
function speaksPlain(pod: MeshPod, survey: Survey): boolean {
  const hosts = servicesOf(pod, survey).map(nameInFull);
  return survey.objects.some(({ kind, metadata, spec }) => {
    if (kind !== 'DestinationRule') return false;
    const { host = '', trafficPolicy } = spec as {
      host?: string;
      trafficPolicy?: { tls?: { mode?: string } };
    };
    const mode = trafficPolicy?.tls?.mode;
    const isPlain = mode !== undefined && mode !== 'ISTIO_MUTUAL';
    return isPlain && hostMatches(host, metadata.namespace ?? 'default', hosts);
  });
}

/**
 * Whether a sidecar has no route for the host of a request, which it passes on in plain text to the address it was sent to
 * (PassthroughCluster; outboundTrafficPolicy ALLOW_ANY).
 */
function isUnknownHost(authority: string, asked: Sent): boolean {
  const { origin, request, survey } = asked;
  // To the host of its address it has found the way already.
  if (authority === authorityOf({ ...asked, request: { ...request, headers: [] } })) return false;
  const { backends, gateways } = wayOf(origin, { url: `http://${authority}`, headers: [] }, survey);
  return backends.length + gateways.length === 0;
}

/** Of the workload's own PeerAuthentication, that of its namespace, and that of the mesh the first that says a mode counts. */
function mutualTlsOf(pod: MeshPod, port: number | undefined, survey: Survey): string | undefined {
  const { rootNamespace } = survey;
  const narrow = (object: KubeObject) =>
    !isWide(object) ? 0 : object.metadata.namespace === rootNamespace ? 2 : 1;
  const modes = survey.objects
    .filter((object) => object.kind === 'PeerAuthentication' && holdsFor(object, pod, rootNamespace))
    .sort((a, b) => narrow(a) - narrow(b))
    .flatMap(({ spec }) => {
      type Mode = { mode?: string };
      const { mtls, portLevelMtls = {} } = (spec ?? {}) as {
        mtls?: Mode;
        portLevelMtls?: Record<string, Mode>;
      };
      return [portLevelMtls[String(port)]?.mode ?? [], mtls?.mode ?? []].flat();
    });
  return modes.find((mode) => mode !== 'UNSET');
}

/** The port of the container that the Service leads to, and whether Istio takes it for HTTP (by name or appProtocol). */
function portOf(
  pod: MeshPod,
  request: HttpRequest,
  survey: Survey,
  route: Routed | undefined,
): Port | undefined {
  const ports = servicesOf(pod, survey).flatMap(({ spec }) => (spec as ServiceSpec).ports ?? []);
  const asked = route === undefined ? writtenPort(request.url) : route.port;
  const only = ports.length === 1 ? ports[0] : undefined;
  const of = asked === undefined ? only : ports.find(({ port }) => port === asked);
  return of && { number: targetPortOf(of), isTcp: !isHttp(protocolOf(of)) };
}

/** Undefined for a path, which is what is sent to a gateway. */
function writtenPort(address: string): number | undefined {
  if (!URL.canParse(address)) return undefined;
  const { port, protocol } = new URL(address);
  return Number(port) || (protocol === 'https:' ? 443 : 80);
}
