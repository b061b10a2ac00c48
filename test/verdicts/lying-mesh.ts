/**
 * A mesh in memory that does what real ones do wrong: configuration comes late per proxy, per kind and per rule, within one
 * push listeners come before routes, connections from before give old answers, pods differ, answers are lost, machines stall
 * and clocks are wrong. Time passes only when somebody waits or an answer comes.
 */
import { declaredFor } from '../../src/policy/selection.ts';
import type {
  Applied,
  HttpRequest,
  HttpResponse,
  KubeObject,
  MeshPod,
  ObjectKey,
  Origin,
  ProxyPolicies,
  ProxyRef,
  SendLimit,
  Survey,
} from '../../src/target/target.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { FakeTarget, policiesOf } from '../support/fake-target.ts';

/** What one mesh does; times in milliseconds, lists by proxy: client, gateway, backends. */
export interface Schedule {
  /** From a change until istiod begins to push. */
  readonly debounce: number;
  /** From the beginning of a push until a proxy has its listeners. */
  readonly listeners: readonly number[];
  /** From then on until it has its routes. */
  readonly routes: readonly number[];
  /**
   * How much later than of the marker istiod hears of a RequestAuthentication. Of an AuthorizationPolicy it hears in order:
   * the marker is one, and the API server sends changes of a kind in one stream.
   */
  readonly authenticationLag: number;
  /** As for RequestAuthentications, of routes; it must be less than the debounce. */
  readonly routeLag: number;
  /** A proxy that gets nothing. */
  readonly deaf: number | undefined;
  /** A proxy that rejects every update. */
  readonly rejecting: number | undefined;
  /** How many old answers each proxy gives after a change, over connections that drain. */
  readonly drains: readonly number[];
  /** Of how many answers one is an old one while connections drain. */
  readonly drainEvery: number;
  /** The second backend has no sidecar. */
  readonly bare: boolean;
  /** The numbers of sends in which no answer comes. */
  readonly lost: ReadonlySet<number>;
  /** The number of the send before which the machine stalls, and for how long. */
  readonly stall: { readonly before: number; readonly ms: number };
  /** How wrong the clock of the machine is that stamps answers. */
  readonly clockSkew: number;
  /** From 0 to 1, by chance. */
  readonly roll: () => number;
}

interface Version {
  readonly at: number;
  readonly objects: readonly KubeObject[];
}
interface Push {
  readonly marker: string;
  readonly start: number;
}

export class LyingMesh extends FakeTarget {
  readonly clock = fakeClock();
  readonly #schedule: Schedule;
  /** What the API server had, from when on. */
  readonly #versions: Version[] = [{ at: 0, objects: [] }];
  readonly #pushes: Push[] = [];
  /** Answers that a proxy has given since its policies changed last, and what it had before. */
  readonly #served = new Map<string, { now: string; before: string; left: number; count: number }>();
  #sends = 0;

  constructor(schedule: Schedule) {
    super();
    this.#schedule = schedule;
    const pod = (name: string, more: Partial<MeshPod>): MeshPod => ({
      namespace: 'foo',
      name,
      labels: { app: name },
      isReady: true,
      proxy: 'sidecar',
      isApp: true,
      ...more,
    });
    this.pods = [
      pod('sleep', {}),
      pod('gateway', { namespace: 'istio-system', proxy: 'gateway', labels: { istio: 'ingressgateway' } }),
      pod('httpbin', {}),
      ...(schedule.bare ? [pod('httpbin-bare', { labels: { app: 'httpbin' }, proxy: undefined })] : []),
    ];
  }

  override async apply(
    objects: readonly KubeObject[],
    scope: string,
    signal: AbortSignal,
  ): Promise<Applied[]> {
    return this.#noting(() => super.apply(objects, scope, signal));
  }

  override async delete(keys: readonly ObjectKey[], scope: string, signal: AbortSignal): Promise<Applied[]> {
    return this.#noting(() => super.delete(keys, scope, signal));
  }

  override async undo(scope: string, signal: AbortSignal): Promise<void> {
    await this.#noting(() => super.undo(scope, signal));
  }

  /** Somebody else changes what the API server has, at the next request. */
  meddle: ((objects: Map<string, KubeObject>) => void) | undefined;

  async #noting<T>(change: () => Promise<T>): Promise<T> {
    const result = await change();
    this.clock.pass(5);
    this.#versions.push({ at: this.clock.now(), objects: [...this.objects.values()] });
    return result;
  }

  override async mark(value: string, _proxies: readonly ProxyRef[]): Promise<void> {
    this.clock.pass(5);
    const start = this.clock.now() + this.#schedule.debounce;
    // One that has not begun waits for this change, too, and takes it along.
    if ((this.#pushes.at(-1)?.start ?? 0) > this.clock.now()) this.#pushes.pop();
    this.#pushes.push({ marker: value, start });
  }

  override async survey(): Promise<Survey> {
    return {
      rootNamespace: 'istio-system',
      ingress: { namespace: 'istio-system', labels: { istio: 'ingressgateway' } },
      pods: this.pods,
      objects: [
        service('httpbin', { app: 'httpbin' }),
        {
          apiVersion: 'networking.istio.io/v1',
          kind: 'Gateway',
          metadata: { name: 'g', namespace: 'foo' },
          spec: {
            selector: { istio: 'ingressgateway' },
            servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
          },
        },
        {
          apiVersion: 'networking.istio.io/v1',
          kind: 'VirtualService',
          metadata: { name: 'to-httpbin', namespace: 'foo' },
          spec: { hosts: ['*'], gateways: ['g'], http: [{ route: [{ destination: { host: 'httpbin' } }] }] },
        },
        ...this.objects.values(),
      ],
      hidden: [],
    };
  }

  #index({ pod }: Pick<ProxyRef, 'pod'>): number {
    return ['sleep', 'gateway', 'httpbin'].indexOf(pod);
  }

  /** When the listeners and routes of a push are there; pushes to one proxy come one after the other. */
  #arrivals(index: number): { readonly push: Push; readonly listeners: number; readonly routes: number }[] {
    const { listeners, routes } = this.#schedule;
    let free = 0;
    return this.#pushes.map((push) => {
      const first = Math.max(free, push.start) + (listeners[index] ?? 0);
      free = first + (routes[index] ?? 0);
      return { push, listeners: first, routes: free };
    });
  }

  /** What a proxy has now of policies or of routes, and the marker among its listeners. */
  #has(index: number, what: 'listeners' | 'routes'): { objects: readonly KubeObject[]; marker: string } {
    const { deaf, rejecting, authenticationLag, routeLag } = this.#schedule;
    if (index === deaf || index === rejecting) return { objects: [], marker: '' };
    const come = this.#arrivals(index).filter((each) => each[what] <= this.clock.now());
    const last = come.at(-1);
    if (last === undefined) return { objects: [], marker: '' };
    const marker = last.push.marker;
    const known = (lag: number, kinds: readonly string[]) =>
      this.#known(last.push.start - lag).filter(({ kind }) => kinds.includes(kind));
    if (what === 'routes') return { objects: known(routeLag, ['VirtualService']), marker };
    const policies = [
      ...known(0, ['AuthorizationPolicy']),
      ...known(authenticationLag, ['RequestAuthentication']),
    ];
    return { objects: policies, marker };
  }

  /** What istiod knows that hears of everything so much later. */
  #known(time: number): readonly KubeObject[] {
    return this.#versions.findLast(({ at }) => at <= time)?.objects ?? [];
  }

  override async proxyPolicies(proxy: ProxyRef): Promise<ProxyPolicies> {
    const index = this.#index(proxy);
    const { objects, marker } = this.#has(index, 'listeners');
    const declared = declaredFor(proxy, { ...(await this.survey()), objects });
    const isRejecting = index === this.#schedule.rejecting;
    const refused = this.#arrivals(index).filter(({ listeners }) => listeners <= this.clock.now());
    return policiesOf(declared, marker, 'istiod', {
      rejected: isRejecting
        ? refused.slice(-1).map(({ push }) => ({ reason: 'no', marker: push.marker }))
        : [],
    });
  }

  override async send(
    origin: Origin,
    requests: readonly HttpRequest[],
    rounds: number,
    _signal: AbortSignal,
    limit: SendLimit,
  ): Promise<HttpResponse[][]> {
    const { lost, stall, clockSkew } = this.#schedule;
    const { meddle } = this;
    this.meddle = undefined;
    if (meddle !== undefined) await this.#noting(async () => meddle(this.objects));
    const isLost = lost.has(this.#sends);
    if (stall.before === this.#sends) this.clock.pass(stall.ms);
    this.#sends += 1;
    return Array.from({ length: rounds }, (_, round) =>
      requests.map((request) => {
        const none = isLost && round === 0;
        this.clock.pass(none ? limit.requestMs : 3);
        const status = none ? 0 : this.#answer(origin, request);
        const at = Math.max(1, this.clock.now() + clockSkew);
        return { status, headers: {}, body: '', at, durationMs: 3 };
      }),
    );
  }

  #answer(origin: Origin, { url }: HttpRequest): number {
    const isBare = this.#schedule.bare && this.#schedule.roll() < 0.5;
    const hops = origin.kind === 'ingress' ? [1, 2] : [0, 2];
    for (const index of hops) {
      // What a client sends is not judged by the policies of its own inbound side.
      if (index === 2 && isBare) return 200;
      const status = this.#passes(index, url);
      if (status !== 200) return status;
    }
    return 200;
  }

  /** What a proxy says, over a connection from before or a new one. */
  #passes(index: number, url: string): number {
    const now = this.#decides(index, url);
    const id = `${index} ${url}`;
    const { drains, drainEvery } = this.#schedule;
    const seen = this.#served.get(id) ?? { now: String(now), before: String(now), left: 0, count: 0 };
    if (seen.now !== String(now))
      Object.assign(seen, { before: seen.now, now: String(now), left: drains[index] ?? 0, count: 0 });
    this.#served.set(id, seen);
    seen.count += 1;
    if (seen.left === 0 || seen.count % drainEvery !== 0) return now;
    seen.left -= 1;
    return Number(seen.before);
  }

  #decides(index: number, url: string): number {
    // What a client sends is not judged by the policies of its own inbound side, and is routed by its routes.
    if (index === 0) return this.#has(index, 'routes').objects.some(isFault) ? 418 : 200;
    return denies(this.pods[index], this.#has(index, 'listeners').objects, pathOf(url)) ? 403 : 200;
  }

  /** What is answered when everything has come; undefined when it is now so, now so. */
  settled(origin: Origin, path: string): number | undefined {
    const objects = [...this.objects.values()];
    if (origin.kind === 'pod' && objects.some(isFault)) return 418;
    if (origin.kind === 'ingress' && denies(this.pods[1], objects, path)) return 403;
    if (!denies(this.pods[2], objects, path)) return 200;
    return this.#schedule.bare ? undefined : 403;
  }
}

const isFault = ({ kind, spec }: KubeObject) =>
  kind === 'VirtualService' && JSON.stringify(spec).includes('"fault"');

/** Whether a policy among the objects holds for the pod and denies the path; which kind it is makes no difference here. */
function denies(pod: MeshPod | undefined, objects: readonly KubeObject[], path: string): boolean {
  if (pod === undefined) return false;
  const survey = { rootNamespace: 'istio-system', objects } as unknown as Survey;
  return declaredFor(pod, survey).some(({ spec }) => JSON.stringify(spec).includes(`"${path}"`));
}

function service(name: string, selector: Record<string, string>): KubeObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'foo' }, spec: { selector } };
}

function pathOf(url: string): string {
  return url.replace(/^https?:\/\/[^/]+/, '');
}
