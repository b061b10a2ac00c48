/** What of the user's VirtualServices and Gateways can be in a scenario: routes by path, method and headers, with rewrites. */
import type { KubeObject } from '../../target/target.ts';

/** A Service that a route leads to. */
export interface Destination {
  readonly name: string;
  readonly namespace: string;
  readonly port: number | undefined;
}

interface RouteDestination {
  readonly destination?: { readonly host?: string; readonly port?: { readonly number?: number } };
}
interface HttpRoute {
  readonly match?: readonly Readonly<Record<string, unknown>>[];
  readonly rewrite?: Readonly<Record<string, unknown>>;
  readonly route?: readonly RouteDestination[];
  readonly [field: string]: unknown;
}
interface Spec {
  readonly hosts?: readonly string[];
  readonly gateways?: readonly string[];
  readonly http?: readonly HttpRoute[];
}

const kept = ['name', 'match', 'rewrite', 'route'];

/** A VirtualService as it can be in a scenario; undefined when nothing of it can. `lost` names what is not. */
export function carriedRoutes(object: KubeObject): { spec: Spec | undefined; lost: readonly string[] } {
  const {
    hosts = [],
    gateways,
    http = [],
    ...others
  } = (object.spec ?? {}) as Spec & Record<string, unknown>;
  if (JSON.stringify(http).includes('@request.auth'))
    return { spec: undefined, lost: ['routing by claims is not what policies do; write it yourself'] };
  const lost = new Set(Object.keys(others).map((field) => `its ${field} is not carried over`));
  const routes = http.flatMap((route): HttpRoute[] => {
    const { match, rewrite, route: to = [] } = route;
    const of = namesOf(to[0]?.destination?.host ?? '', object.metadata.namespace ?? 'default');
    if (of === undefined) {
      lost.add('routes that lead to no Service of the cluster are not carried over');
      return [];
    }
    for (const field of Object.keys(route))
      if (!kept.includes(field)) lost.add(`${field} of its routes is not carried over`);
    if (to.length > 1) lost.add('of several destinations of a route the first is taken');
    const { host = '', port } = to[0]?.destination ?? {};
    const destination = { host, ...(port === undefined ? {} : { port }) };
    return [
      {
        ...(match === undefined ? {} : { match }),
        ...(rewrite === undefined ? {} : { rewrite }),
        route: [{ destination }],
      },
    ];
  });
  const spec =
    routes.length === 0
      ? undefined
      : { hosts, ...(gateways === undefined ? {} : { gateways }), http: routes };
  return { spec, lost: [...lost] };
}

/** The Services that VirtualServices lead to, as far as they are in the cluster. */
export function destinationsOf(objects: readonly KubeObject[]): Destination[] {
  return virtualServices(objects).flatMap((object) =>
    ((carriedRoutes(object).spec?.http ?? []) as readonly HttpRoute[]).flatMap(({ route = [] }) =>
      route.flatMap(({ destination = {} }) => {
        const of = namesOf(destination.host ?? '', object.metadata.namespace ?? 'default');
        return of === undefined ? [] : [{ ...of, port: destination.port?.number }];
      }),
    ),
  );
}

/** `NAMESPACE/NAME` of each Gateway that VirtualServices are bound to. */
export function gatewayRefsOf(objects: readonly KubeObject[]): string[] {
  const refs = virtualServices(objects).flatMap((object) =>
    carriedRoutes(object).spec === undefined ? [] : refsOf(object),
  );
  return [...new Set(refs)];
}

function refsOf({ metadata, spec }: KubeObject): string[] {
  const { gateways = [] } = (spec ?? {}) as Spec;
  return gateways
    .filter((each) => each !== 'mesh')
    .map((each) => (each.includes('/') ? each : `${metadata.namespace ?? 'default'}/${each}`));
}

function virtualServices(objects: readonly KubeObject[]): KubeObject[] {
  return objects.filter(
    ({ kind, apiVersion }) => kind === 'VirtualService' && apiVersion.startsWith('networking.istio.io/'),
  );
}

/** Those that are bound to one of these Gateways. */
export function boundTo(objects: readonly KubeObject[], refs: readonly string[]): KubeObject[] {
  return virtualServices(objects).filter((object) => refsOf(object).some((each) => refs.includes(each)));
}

/** A Service by the host of a destination; undefined for what is none. */
function namesOf(host: string, namespace: string): { name: string; namespace: string } | undefined {
  const [name = '', of = namespace, ...rest] = host.split('.');
  const isService = rest.length === 0 ? host !== '' : /^svc(\.cluster\.local)?$/.test(rest.join('.'));
  return isService && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name) ? { name, namespace: of } : undefined;
}

/** Paths that a rewrite makes into this one, as far as prefixes say so. */
export function beforeRewrite(path: string, services: readonly KubeObject[]): string[] {
  return services.flatMap(({ spec }) =>
    ((spec as Spec).http ?? []).flatMap(({ match = [], rewrite }) => {
      const to = typeof rewrite?.uri === 'string' ? rewrite.uri : undefined;
      return match.flatMap(({ uri }) => {
        const { prefix, exact } = (uri ?? {}) as { prefix?: string; exact?: string };
        if (exact !== undefined) return [exact];
        if (prefix === undefined) return [];
        if (to === undefined) return [path.startsWith(prefix) ? path : `${prefix.replace(/\/$/, '')}${path}`];
        const rest = path.startsWith(to) ? path.slice(to.length) : path.replace(/^\//, '');
        return [`${prefix}${rest}`];
      });
    }),
  );
}
