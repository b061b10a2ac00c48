/** The rule of an HTTPRoute that a request takes at a gateway of the Gateway API. */
import type { Request } from '../../policy/input.ts';
import { withoutQuery } from '../../policy/match/path.ts';
import { allOf, type Truth } from '../../policy/match/truth.ts';
import { gatewayNameLabel, nameOf } from '../../policy/selection.ts';
import type { KubeObject, MeshPod, Survey } from '../../target/target.ts';
import { formsOf, hostMatches } from '../proof/host-names.ts';

/** Where a request goes, by a route of either API. */
export interface Routed {
  /** As it goes on. */
  readonly request: Request;
  /** What was done to it. */
  readonly note: string | undefined;
  /** Where it goes, and in which namespace that is to be understood; undefined: the route does not say so. */
  readonly host: string | undefined;
  readonly namespace: string;
  /** Of the Service. */
  readonly port: number | undefined;
  /** Why it is not known which route it takes, or what becomes of it there. */
  readonly unknown: string | undefined;
}

interface Match {
  readonly path?: { readonly type?: string; readonly value?: string };
  readonly method?: string;
  readonly headers?: readonly { readonly type?: string; readonly name: string; readonly value: string }[];
  readonly queryParams?: readonly unknown[];
}
interface Rule {
  readonly matches?: readonly Match[];
  readonly filters?: readonly { readonly type: string }[];
  readonly backendRefs?: readonly {
    readonly name: string;
    readonly namespace?: string;
    readonly port?: number;
  }[];
}
interface Spec {
  readonly parentRefs?: readonly { readonly name: string; readonly namespace?: string }[];
  readonly hostnames?: readonly string[];
  readonly rules?: readonly Rule[];
}

/** A match that may be the one, and what it leads to. */
interface Candidate {
  readonly route: KubeObject;
  readonly rule: Rule;
  readonly match: Match;
  readonly fit: Truth;
}

/**
 * Routes with the most specific host count alone, as each host is a virtual host of Envoy. Of their matches the first counts
 * in the order of the Gateway API (HTTPRouteRule.matches): exact paths, long prefixes, methods, headers, parameters.
 *
 * @returns undefined when no HTTPRoute is for the host; null when none of their rules fits, which is answered 404
 */
export function routedByHttpRoute(
  request: Request,
  gateway: MeshPod,
  survey: Survey,
): Routed | undefined | null {
  const forms = formsOf(request.authority, '');
  const attached = survey.objects
    .filter((object) => object.kind === 'HTTPRoute' && isFor(object, gateway))
    .map((route) => ({ route, host: hostOf(route, forms) }));
  const best = Math.max(...attached.map(({ host }) => host));
  if (best < 0) return undefined;
  const candidates = attached
    .filter(({ host }) => host === best)
    .flatMap(({ route }) => candidatesOf(route, request))
    .filter(({ fit }) => fit !== false)
    .toSorted((one, other) => compare(rankOf(other.match), rankOf(one.match)));
  const [first] = candidates;
  return first === undefined ? null : along(first, request);
}

function isFor({ metadata, spec }: KubeObject, { namespace, labels }: MeshPod): boolean {
  return ((spec as Spec).parentRefs ?? []).some(
    (ref) =>
      ref.name === labels[gatewayNameLabel] &&
      (ref.namespace ?? metadata.namespace ?? 'default') === namespace,
  );
}

/** How specific the host is by which a route is for the request: -1 when it is not for it. */
function hostOf({ spec }: KubeObject, forms: readonly string[]): number {
  const { hostnames = ['*'] } = spec as Spec;
  const fitting = hostnames.filter((pattern) => hostMatches(pattern, '', forms));
  const specific = (pattern: string) =>
    pattern === '*' ? 0 : pattern.startsWith('*') ? pattern.length : 1000 + pattern.length;
  return Math.max(-1, ...fitting.map(specific));
}

function candidatesOf(route: KubeObject, request: Request): Candidate[] {
  return ((route.spec as Spec).rules ?? []).flatMap((rule) =>
    (rule.matches ?? [{}]).map((match) => ({ route, rule, match, fit: fits(match, request) })),
  );
}

function fits({ path = {}, method, headers = [], queryParams = [] }: Match, request: Request): Truth {
  const { type = 'PathPrefix', value = '/' } = path;
  const plain = withoutQuery(request.path);
  const prefix = value.replace(/\/+$/, '');
  const byType: Readonly<Record<string, Truth>> = {
    Exact: plain === value,
    PathPrefix: plain === prefix || plain.startsWith(`${prefix}/`),
  };
  return allOf([
    byType[type],
    method === undefined || method === request.method,
    ...headers.map((wanted) => {
      const has = request.headers.find(([name]) => name.toLowerCase() === wanted.name.toLowerCase())?.[1];
      return (wanted.type ?? 'Exact') === 'Exact' ? has === wanted.value : undefined;
    }),
    queryParams.length === 0 || undefined,
  ]);
}

function rankOf({ path = {}, method, headers = [], queryParams = [] }: Match): number[] {
  const { type = 'PathPrefix', value = '/' } = path;
  const kinds = ['RegularExpression', 'PathPrefix', 'Exact'];
  return [
    kinds.indexOf(type),
    value.length,
    method === undefined ? 0 : 1,
    headers.length,
    queryParams.length,
  ];
}

function compare(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((each, index) => each !== other[index]);
  return at < 0 ? 0 : (one[at] ?? 0) - (other[at] ?? 0);
}

/** Filters that change nothing of the request. */
const harmless = ['ResponseHeaderModifier', 'RequestMirror'];

function along({ route, rule, fit }: Candidate, request: Request): Routed {
  const namespace = route.metadata.namespace ?? 'default';
  const [backend] = rule.backendRefs ?? [];
  const odd = rule.filters?.find(({ type }) => !harmless.includes(type))?.type;
  const unknown =
    fit === undefined
      ? `which rule of ${nameOf(route)} it takes is not known here`
      : odd === undefined
        ? undefined
        : `what ${odd} of ${nameOf(route)} makes of it is not known here`;
  return {
    request,
    note: undefined,
    host: backend && `${backend.name}.${backend.namespace ?? namespace}.svc.cluster.local`,
    namespace,
    port: backend?.port,
    unknown,
  };
}
