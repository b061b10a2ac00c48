/** Where the requests of a scenario can go: from where it sends, to whatever answers there. */
import { distinct } from '../../base/group.ts';
import { podsOf } from '../../explain/find-workload.ts';
import { hasLabels } from '../../policy/selection.ts';
import { nameOfPod } from '../../run/explain/hops.ts';
import type { ModelStep } from '../../run/explain/predict.ts';
import { wayOf } from '../../run/proof/way.ts';
import type { KubeObject, MeshPod, Origin, Survey } from '../../target/target.ts';

/** A way for requests, of which only what is asked for may differ. */
export interface Way {
  readonly origin: Origin;
  /** In front of the path; empty through the gateway. */
  readonly url: string;
  /** The header Host, where the request needs one. */
  readonly host: string | undefined;
}

/**
 * The ways of the scenario's own requests first, then to each other workload that a Service leads to and that says it has a
 * port, or through the gateway to each host that has a route.
 *
 * @param steps all of the scenario: what one of them can do, each can
 * @param survey the mesh as it is in one step
 */
export function waysOf(steps: readonly ModelStep[], survey: Survey): Way[] {
  const own = steps.flatMap(({ asked }) =>
    asked.map(({ request, origin }): Way => {
      const host = request.headers.findLast(([name]) => name.toLowerCase() === 'host')?.[1];
      return { origin, url: /^[a-z]+:\/\/[^/?#]*/i.exec(request.url)?.[0] ?? '', host };
    }),
  );
  const origins = distinct(steps.flatMap(({ asked }) => asked.map(({ origin }) => origin)));
  const others = origins.flatMap((origin) =>
    origin.kind === 'pod'
      ? servicesOf(survey).map((url): Way => ({ origin, url, host: undefined }))
      : routedHosts(survey).map((host): Way => ({ origin, url: '', host })),
  );
  const known = new Map<string, Way>();
  for (const way of [...own, ...others]) {
    const { origin, url, host } = way;
    const key = JSON.stringify([
      origin,
      passed(way, survey).map(nameOfPod),
      new URL(url || 'http://gateway').port,
    ]);
    const isNew = host === undefined ? !known.has(key) : !known.has(`${key} ${host}`);
    if (isNew) known.set(host === undefined ? key : `${key} ${host}`, way);
  }
  return [...known.values()];
}

/** By survey and way: every mistake asks for the same again. */
const known = new WeakMap<Survey, Map<string, readonly MeshPod[]>>();

/** The workloads and gateways that requests pass, whatever their path and other headers are. */
export function passed({ origin, url, host }: Way, survey: Survey): readonly MeshPod[] {
  const ofSurvey = known.get(survey) ?? new Map<string, readonly MeshPod[]>();
  known.set(survey, ofSurvey);
  const key = JSON.stringify([origin, url, host]);
  const found = ofSurvey.get(key);
  if (found !== undefined) return found;
  const headers = host === undefined ? [] : [['Host', host] as const];
  const { gateways, backends } = wayOf(origin, { url, headers }, survey);
  const pods = [...gateways, ...backends];
  ofSurvey.set(key, pods);
  return pods;
}

/** Addresses of Services whose workloads say that they have a port. */
function servicesOf({ objects }: Survey): string[] {
  const listening = objects.flatMap(podsOf).filter(({ ports }) => ports.length > 0);
  return objects
    .filter(({ kind }) => kind === 'Service')
    .flatMap(({ metadata, spec }) => {
      const { selector = {}, ports = [] } = (spec ?? {}) as {
        selector?: Record<string, string>;
        ports?: { port: number }[];
      };
      const { name, namespace = 'default' } = metadata;
      const isServed =
        Object.keys(selector).length > 0 &&
        listening.some((pod) => pod.namespace === namespace && hasLabels(pod, selector));
      if (!isServed) return [];
      return ports.map(({ port }) => `http://${name}.${namespace}${port === 80 ? '' : `:${port}`}`);
    });
}

/** Hosts with a route, without those that are patterns. */
function routedHosts({ objects }: Survey): string[] {
  const hosts = objects.flatMap(({ kind, spec }: KubeObject) => {
    const { hosts = [], hostnames = [] } = (spec ?? {}) as { hosts?: string[]; hostnames?: string[] };
    return kind === 'VirtualService' ? hosts : kind === 'HTTPRoute' ? hostnames : [];
  });
  return [...new Set(hosts)].filter((host) => !host.includes('*'));
}
