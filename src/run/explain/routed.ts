/** The route of a VirtualService or HTTPRoute that a request takes, and what it makes of the request. */
import { opensAt } from '../../policy/gateway-ports.ts';
import type { Header, Request } from '../../policy/input.ts';
import { withoutQuery } from '../../policy/match/path.ts';
import { allOf, type Truth } from '../../policy/match/truth.ts';
import { gatewayNameLabel } from '../../policy/selection.ts';
import type { KubeObject, MeshPod, Origin, Survey } from '../../target/target.ts';
import { formsOf, hostMatches } from '../proof/host-names.ts';
import { isBound, isOfMesh } from '../proof/way.ts';
import { type Routed, routedByHttpRoute } from './http-routes.ts';

type Client = Extract<Origin, { readonly kind: 'pod' }>;

interface Match {
  readonly exact?: string;
  readonly prefix?: string;
  readonly regex?: string;
}

interface HttpMatch {
  readonly uri?: Match;
  readonly ignoreUriCase?: boolean;
  readonly method?: Match;
  readonly authority?: Match;
  readonly headers?: Readonly<Record<string, Match>>;
}

interface HttpRoute {
  readonly match?: readonly HttpMatch[];
  readonly rewrite?: {
    readonly uri?: string;
    readonly authority?: string;
    readonly uriRegexRewrite?: unknown;
  };
  readonly route?: readonly {
    readonly destination?: { readonly host?: string; readonly port?: { readonly number?: number } };
  }[];
}

/** What of a match is understood here; `name` is no condition. */
const conditions = ['name', 'uri', 'ignoreUriCase', 'method', 'authority', 'headers'];
/** Routes that do not lead on, or not always, or lead to what nobody knows here. */
const notFollowed = ['redirect', 'directResponse', 'delegate', 'fault', 'headers'];

/**
 * The first route that fits, of the HTTPRoutes and VirtualServices for the host at this gateway, or at the sidecars of the
 * mesh.
 *
 * @returns undefined when there is none for the host; null when none of its routes fits, which is answered 404
 */
export function routed(request: Request, at: MeshPod | Client, survey: Survey): Routed | undefined | null {
  const gateway = 'labels' in at ? at : undefined;
  if (gateway?.labels[gatewayNameLabel] !== undefined) {
    const found = routedByHttpRoute(request, gateway, survey);
    if (found !== undefined) return found;
  }
  // At a gateway a short name is short for nothing.
  const forms = formsOf(request.authority, gateway === undefined ? at.namespace : '');
  let hasHost = false;
  for (const service of survey.objects) {
    if (service.kind !== 'VirtualService') continue;
    const { metadata, spec } = service;
    const { hosts = [], http = [] } = spec as { hosts?: string[]; http?: HttpRoute[] };
    const isHere = gateway === undefined ? isOfMesh(service) : isBoundAt(gateway, service, survey);
    if (!isHere || !hosts.some((host) => hostMatches(host, metadata.namespace ?? 'default', forms))) continue;
    hasHost = true;
    for (const route of http) {
      const { match = [{}] } = route;
      const fitting = match
        .map((each) => [each, fits(each, request)] as const)
        .find(([, fit]) => fit !== false);
      if (fitting !== undefined) return along(service, route, fitting, request);
    }
  }
  return hasHost ? null : undefined;
}

/** Whether a VirtualService is for a gateway, by one of the Gateways that this pod serves. */
function isBoundAt(pod: MeshPod, service: KubeObject, { objects, rootNamespace }: Survey): boolean {
  return objects.some((object) => opensAt(object, pod, rootNamespace) && isBound(service, object));
}

function along(
  { metadata }: KubeObject,
  route: HttpRoute,
  [match, fit]: readonly [HttpMatch, Truth],
  request: Request,
): Routed {
  const { namespace = 'default', name } = metadata;
  const { host, port } = route.route?.[0]?.destination ?? {};
  const { uri, authority = request.authority, uriRegexRewrite } = route.rewrite ?? {};
  const odd =
    notFollowed.find((field) => field in route) ??
    (uriRegexRewrite === undefined ? undefined : 'uriRegexRewrite');
  const what = `VirtualService ${namespace}/${name}`;
  const unknown =
    fit === undefined
      ? `which route of ${what} it takes is not known here`
      : odd === undefined
        ? undefined
        : `what ${odd} of ${what} makes of it is not known here`;
  const { path } = request;
  // Envoy puts it in the place of the prefix, which is "/" where nothing is said of paths, or of all but the query.
  const { prefix } = match.uri ?? { prefix: '/' };
  const gone = prefix?.length ?? withoutQuery(path).length;
  const seen = uri === undefined ? path : `${uri}${path.slice(gone)}`;
  const note =
    uri === undefined ? undefined : `${what} rewrites ${path} to ${seen}, and the workload sees that`;
  const sent = { ...request, path: seen, authority };
  return { request: sent, note, host, namespace, port: port?.number, unknown };
}

function fits(match: HttpMatch, { path, method, authority, headers }: Request): Truth {
  const plain = withoutQuery(path);
  const isAnyCase = match.ignoreUriCase === true;
  const text = (wanted: Match | undefined, has: string | undefined) =>
    wanted === undefined || fitsText(wanted, has);
  return allOf([
    Object.keys(match).every((field) => conditions.includes(field)) || undefined,
    isAnyCase && match.uri?.regex === undefined
      ? text(lower(match.uri), plain.toLowerCase())
      : text(match.uri, plain),
    text(match.method, method),
    text(match.authority, authority),
    ...Object.entries(match.headers ?? {}).map(([name, wanted]) =>
      // Claims of a token that a gateway has accepted.
      name.startsWith('@') ? undefined : fitsText(wanted, headerOf(headers, name)),
    ),
  ]);
}

function lower(match: Match | undefined): Match | undefined {
  return match && Object.fromEntries(Object.entries(match).map(([key, value]) => [key, value.toLowerCase()]));
}

function headerOf(headers: readonly Header[], name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1];
}

function fitsText({ exact, prefix, regex }: Match, text: string | undefined): Truth {
  if (text === undefined) return false;
  if (exact !== undefined) return text === exact;
  if (prefix !== undefined) return text.startsWith(prefix);
  if (regex === undefined) return true;
  try {
    return new RegExp(`^(?:${regex})$`).test(text);
  } catch {
    // What RE2 knows and Node does not.
    return undefined;
  }
}
