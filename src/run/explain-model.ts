/**
 * What the policies in the mesh say about a request that was answered otherwise than expected: at each proxy on its way,
 * by the model in src/policy.
 */
import type { Verify } from '../policy/authenticate.ts';
import { decide, denied } from '../policy/decide.ts';
import { type Answer, defaultMesh, type Request, type Verification } from '../policy/input.ts';
import type { Jwt } from '../policy/jwt.ts';
import { pathAndQuery } from '../policy/path.ts';
import { policyReasons, tokenReasons } from '../policy/reasons.ts';
import { holdsFor, isWide, policyKinds } from '../policy/selection.ts';
import { isHttp, protocolOf, type ServiceSpec, selecting, targetPortOf } from '../policy/service-port.ts';
import type { JwtRule } from '../policy/tokens.ts';
import { verifyWith } from '../policy/verify.ts';
import { ofEnvoy } from '../policy/versions.ts';
import type { HttpRequest, KubeObject, MeshPod, Origin, Survey } from '../target/target.ts';
import type { Explanation } from './explanation.ts';
import { formsOf, hostMatches } from './proof/hosts.ts';
import type { Snapshot } from './proof/prove.ts';
import { wayOf } from './proof/way.ts';

export interface Sent {
  readonly origin: Origin;
  readonly request: HttpRequest;
  readonly survey: Survey;
  /** Of the ingress gateway, as seen from outside; undefined from a pod. */
  readonly ingressUrl: string | undefined;
  /** Version of the proxies; default: one of today. */
  readonly envoy?: string | undefined;
}

export interface Asked extends Sent {
  readonly snapshot: Snapshot;
}

/** What came. */
export interface Came {
  readonly expected: number;
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A proxy on the way, and what it answers. */
export interface Hop {
  readonly pod: MeshPod;
  readonly answer: Answer;
  /** What was done to the request on its way here. */
  readonly notes: readonly string[];
}

const remedy = 'Correct the policy, the token, or what the scenario expects.';
/** More lines than these nobody reads in a message; the policies stand in the report as well. */
const most = 3;

/** Undefined when the model says nothing about it, or something else than what came. */
export function explainByModel(asked: Asked, came: Came): Explanation | undefined {
  const hops = hopsOf(asked, (jwt, rule) => verify(jwt, rule, asked));
  const deciding = decidingOf(hops);
  if (deciding === undefined) return undefined;
  const { answer } = deciding;
  const isGrpc = asked.request.headers.some(
    ([name, value]) => name.toLowerCase() === 'content-type' && value.startsWith('application/grpc'),
  );
  const grpc = isGrpc ? { '7': 403, '16': 401 }[came.headers['grpc-status'] ?? ''] : undefined;
  const status = grpc ?? came.status;
  const own = grpc === undefined ? `${status} ${came.body}` : `${status} ${answer.body}`;
  const isUnknown = answer.status === undefined && status === 403 && came.body === denied;
  const isRefusal = isUnknown || answer.status === 401 || answer.status === 403;
  if (isRefusal && !isUnknown && own !== `${answer.status} ${answer.body}`) return undefined;
  const lines = isRefusal ? refusalLines(deciding) : passedLines(hops, came, status);
  if (lines.length === 0) return undefined;
  const where = hops.length > 1 && isRefusal ? `${nameOf(deciding.pod)} refuses it: ` : '';
  const told = [...deciding.notes, ...lines.slice(0, most)];
  if (grpc !== undefined)
    told.push(
      `Envoy answers a gRPC call that it refuses with 200 and grpc-status ${came.headers['grpc-status']}`,
    );
  return { cause: `${where}${[...new Set(told)].join('; ')}`, remedy };
}

/** The first that does not let the request pass, or the last one. */
export function decidingOf(hops: readonly Hop[]): Hop | undefined {
  return hops.find(({ answer }) => answer.status !== 200) ?? hops.at(-1);
}

function refusalLines({ answer }: Hop): string[] {
  if (answer.status !== undefined && answer.body !== denied)
    return tokenReasons(answer).filter((line) => line.includes('refused'));
  const isDenied = answer.policies.some(
    ({ action, dryRun, matched }) => action === 'DENY' && dryRun !== true && matched === true,
  );
  return policyReasons({
    ...answer,
    policies: answer.policies.filter(({ action, matched }) =>
      isDenied
        ? action === 'DENY' && matched === true
        : action === 'ALLOW' || (action === 'DENY' && matched === undefined),
    ),
  });
}

/** It was let through, and should not have been. */
function passedLines(hops: readonly Hop[], { expected }: Came, status: number): string[] {
  if (status === 401 || status === 403 || hops.some(({ answer }) => answer.status !== 200)) return [];
  if (expected === 403) return hops.flatMap(({ answer }) => policyReasons(answer));
  if (expected !== 401) return [];
  const tokens = hops.flatMap(
    ({ answer }) => answer.tokens.filter(({ place }) => place === undefined).length,
  );
  if (tokens.every((count) => count === 0)) return [];
  const asks =
    'RequestAuthentication lets a request without a token pass, and no AuthorizationPolicy asks for one';
  return [...hops.flatMap(({ answer }) => tokenReasons(answer)), asks];
}

/** What each proxy on the way answers, up to the first that does not let it pass. */
export function hopsOf(asked: Sent, verifies: Verify): Hop[] {
  const { origin, request, survey } = asked;
  const way = wayOf(origin, request, survey);
  const [client, gateway, backend] = [way.clients[0], way.gateways[0], way.backends[0]];
  const notes: string[] = [];
  let sent: Request = {
    method: request.method,
    authority: authorityOf(asked),
    path: pathAndQuery(request.url),
    headers: request.headers.filter(([name]) => name.toLowerCase() !== 'host'),
    // A client without a sidecar is known to nobody.
    principal: origin.kind === 'ingress' ? null : client?.proxy === undefined ? null : principalOf(client),
    at: Date.now() / 1000,
  };
  const hops: Hop[] = [];
  const arrive = (pod: MeshPod, port: Port | undefined): boolean => {
    const answer = decide(
      { ...sent, destinationPort: port?.number },
      {
        mesh: { ...defaultMesh, ...ofEnvoy(asked.envoy), rootNamespace: survey.rootNamespace },
        workload: pod,
        // What filters of others do cannot be known; where the answer is that of the policies, they explain it.
        policies: survey.objects.filter(({ kind }) => policyKinds.includes(kind)),
        verify: verifies,
        isTcp: port?.isTcp ?? false,
      },
    );
    hops.push({ pod, answer, notes: [...notes] });
    if (answer.tokens.some(({ status }) => status === 'Ok') && answer.headers.length < sent.headers.length)
      notes.push(
        `${nameOf(pod)} has taken the token out of the request, as its rule has no forwardOriginalToken`,
      );
    sent = { ...sent, headers: answer.headers, path: answer.path, principal: principalOf(pod) };
    return answer.status === 200;
  };
  if (origin.kind === 'ingress' && gateway?.proxy !== undefined && !arrive(gateway, undefined)) return hops;
  const routed = rewritten(sent, origin, survey);
  if (routed !== undefined) {
    sent = { ...sent, path: routed.path };
    notes.push(routed.note);
  }
  if (backend?.proxy === undefined) return hops;
  if (speaksPlain(backend, survey)) sent = { ...sent, principal: null };
  if (sent.principal === null && wantsMutualTls(backend, survey)) {
    const unknown = ['PeerAuthentication wants mutual TLS, and the client sends plain text'];
    const { headers, path } = sent;
    const answer = { status: undefined, unknown, headers, path, tokens: [], policies: [] };
    return [...hops, { pod: backend, answer, notes: [...notes, ...unknown] }];
  }
  arrive(backend, portOf(backend, origin, request, survey));
  return hops;
}

function principalOf({ namespace, serviceAccount = 'default' }: MeshPod): string {
  return `${defaultMesh.trustDomains[0]}/ns/${namespace}/sa/${serviceAccount}`;
}

function nameOf({ namespace, name }: MeshPod): string {
  return `${namespace}/${name}`;
}

function authorityOf({ origin, request, ingressUrl }: Sent): string {
  const host = request.headers.findLast(([name]) => name.toLowerCase() === 'host')?.[1];
  const url = origin.kind === 'ingress' ? ingressUrl : request.url;
  return host ?? (url !== undefined && URL.canParse(url) ? new URL(url).host : '');
}

/** By the keys in the rule, or those that the proxy has for its issuer. What is not known is taken for good. */
function verify(jwt: Jwt, rule: JwtRule, { snapshot }: Asked): Verification {
  if (rule.jwks !== undefined && rule.jwks !== '') return verifyWith(rule.jwks, jwt);
  const providers = [...snapshot.values()].flatMap(({ policies }) => policies.providers);
  const keys = providers.find(({ issuer }) => issuer === (rule.issuer ?? ''))?.keys;
  return keys === undefined ? 'Ok' : verifyWith(JSON.stringify({ keys }), jwt);
}

interface Port {
  readonly number: number | undefined;
  readonly isTcp: boolean;
}

function servicesOf({ namespace, labels }: MeshPod, survey: Survey): KubeObject[] {
  const services = survey.objects.filter(({ kind }) => kind === 'Service');
  return selecting(services, namespace, labels);
}

/** A DestinationRule takes mutual TLS away, which sidecars do without being told. */
function speaksPlain(pod: MeshPod, survey: Survey): boolean {
  const hosts = servicesOf(pod, survey).map(
    ({ metadata }) => `${metadata.name}.${metadata.namespace}.svc.cluster.local`,
  );
  return survey.objects.some(({ kind, metadata, spec }) => {
    if (kind !== 'DestinationRule') return false;
    const { host = '', trafficPolicy } = spec as {
      host?: string;
      trafficPolicy?: { tls?: { mode?: string } };
    };
    const mode = trafficPolicy?.tls?.mode;
    const isPlain = mode !== undefined && mode !== 'ISTIO_MUTUAL';
    return (
      isPlain && hosts.some((each) => hostMatches(host, metadata.namespace ?? 'default', formsOf(each, '')))
    );
  });
}

/** Of the workload's own PeerAuthentication, that of its namespace, and that of the mesh the first that says a mode counts. */
function wantsMutualTls(pod: MeshPod, survey: Survey): boolean {
  const { rootNamespace } = survey;
  const narrow = (object: KubeObject) =>
    !isWide(object) ? 0 : object.metadata.namespace === rootNamespace ? 2 : 1;
  const modes = survey.objects
    .filter((object) => object.kind === 'PeerAuthentication' && holdsFor(object, pod, rootNamespace))
    .sort((a, b) => narrow(a) - narrow(b))
    .flatMap(({ spec }) => (spec as { mtls?: { mode?: string } } | undefined)?.mtls?.mode ?? []);
  return modes.find((mode) => mode !== 'UNSET') === 'STRICT';
}

/** The port of the container that the Service leads to, and whether Istio takes it for HTTP (by name or appProtocol). */
function portOf(pod: MeshPod, origin: Origin, request: HttpRequest, survey: Survey): Port | undefined {
  const ports = servicesOf(pod, survey).flatMap(({ spec }) => (spec as ServiceSpec).ports ?? []);
  const asked =
    origin.kind === 'pod' && URL.canParse(request.url) ? Number(new URL(request.url).port || 80) : undefined;
  const only = ports.length === 1 ? ports[0] : undefined;
  const of = asked === undefined ? only : ports.find(({ port }) => port === asked);
  return of && { number: targetPortOf(of), isTcp: !isHttp(protocolOf(of)) };
}

interface HttpMatch {
  readonly uri?: { readonly exact?: string; readonly prefix?: string; readonly regex?: string };
}

/** The path that the first fitting route of a VirtualService makes of it; undefined when it stays. */
function rewritten(
  { path, authority }: Request,
  origin: Origin,
  survey: Survey,
): { path: string; note: string } | undefined {
  const forms = formsOf(authority, origin.kind === 'pod' ? origin.namespace : '');
  for (const { kind, metadata, spec } of survey.objects) {
    if (kind !== 'VirtualService') continue;
    const { hosts = [], http = [] } = spec as {
      hosts?: string[];
      http?: { match?: HttpMatch[]; rewrite?: { uri?: string } }[];
    };
    if (!hosts.some((host) => hostMatches(host, metadata.namespace ?? 'default', forms))) continue;
    for (const { match = [{}], rewrite } of http) {
      const fitting = match.find(({ uri }) => fits(uri, path));
      if (fitting === undefined) continue;
      if (rewrite?.uri === undefined) return undefined;
      const prefix = fitting.uri?.prefix;
      const result = prefix === undefined ? rewrite.uri : `${rewrite.uri}${path.slice(prefix.length)}`;
      const seen = result.replace(/^\/{2,}/, '/');
      return {
        path: seen,
        note: `VirtualService ${metadata.namespace}/${metadata.name} rewrites ${path} to ${seen}, and the workload sees that`,
      };
    }
  }
  return undefined;
}

function fits(uri: HttpMatch['uri'], path: string): boolean {
  const plain = path.split('?')[0] ?? '';
  if (uri === undefined) return true;
  if (uri.exact !== undefined) return plain === uri.exact;
  return uri.prefix === undefined || plain.startsWith(uri.prefix);
}
