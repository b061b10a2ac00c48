/**
 * A mesh in memory for tests of the runner: it applies objects, takes policies over into one proxy as istiod and
 * Envoy would, and answers what a test says. Everything that was asked of it is in `calls`.
 */
import { HarnessError } from '../../src/base/errors.ts';
import type { FetchMode, MeshFacts } from '../../src/base/events.ts';
import { nameOfKey } from '../../src/base/names.ts';
import { throwIfAborted } from '../../src/base/wait.ts';
import { declaredFor } from '../../src/policy/selection.ts';
import type { JwtRule } from '../../src/policy/token-locations.ts';
import { providerRule } from '../../src/run/explain/jwt-rules.ts';
import type {
  Applied,
  CapabilityName,
  EvidenceFile,
  FetchLogEntry,
  HttpRequest,
  HttpResponse,
  Intent,
  IstiodStart,
  KeyServerHandle,
  KeyServerStart,
  KeyServerState,
  KubeObject,
  LogPosition,
  MeshPod,
  ObjectKey,
  Origin,
  PodLogs,
  ProxyPolicies,
  ProxyRef,
  SendLimit,
  Survey,
  Target,
} from '../../src/target/target.ts';

const fakeFacts: MeshFacts = {
  id: 'fake mesh',
  target: 'fake',
  reason: 'asked for',
  istio: '1.31.1',
  fetch: 'istiod',
};

/** The pod of httpbin, with a sidecar. */
export const fakePod: MeshPod = {
  namespace: 'foo',
  name: 'httpbin-1',
  labels: { app: 'httpbin' },
  isReady: true,
  proxy: 'sidecar',
  isApp: true,
};

export const fakeProxy: ProxyRef = {
  namespace: 'foo',
  pod: 'httpbin-1',
  labels: { app: 'httpbin' },
  kind: 'sidecar',
};

const gatewayPod: MeshPod = {
  namespace: 'istio-system',
  name: 'gateway-1',
  labels: { istio: 'ingressgateway' },
  isReady: true,
  proxy: 'gateway',
};

/** What is there without any scenario: the Service of httpbin, and a gateway that leads to it. */
const fakeObjects: readonly KubeObject[] = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'httpbin', namespace: 'foo' },
    spec: { selector: { app: 'httpbin' } },
  },
];

/** What one proxy has: the objects of its last push, and the marker among them. */
interface Held {
  readonly objects: readonly KubeObject[];
  readonly marker: string;
}

export type FakeAnswer = number | Partial<HttpResponse>;

export interface FakeKeyServer {
  readonly start: KeyServerStart;
  /** What it was told to do later. */
  readonly states: KeyServerState[];
  stops: number;
  readonly log: FetchLogEntry[];
  /** Why it does not work. */
  broken: string | undefined;
}

export class FakeTarget implements Target {
  readonly name = 'fake';
  /** Set when it is one of several meshes. */
  mesh: string | undefined;
  /** What tells it from the other fakes of a test. */
  facts: Partial<MeshFacts> = {};
  readonly missing = new Map<CapabilityName, string>();
  readonly calls: string[] = [];
  readonly objects = new Map<string, KubeObject>();
  readonly servers: FakeKeyServer[] = [];
  /** Of the key servers in the cluster. */
  readonly podLog: FetchLogEntry[] = [];
  readonly seen: HttpRequest[] = [];
  /** Answers a request; 200 unless a test says otherwise. */
  answer: (request: HttpRequest) => FakeAnswer = () => 200;
  /** Called before every method with its name; may throw or wait. */
  before: (method: keyof Target, signal: AbortSignal | undefined, detail: string) => unknown = () => {};
  pods: MeshPod[] = [fakePod, gatewayPod];
  /** What the proxies refuse, in their own words. */
  rejected: string[] = [];
  /** While true, the proxies do not take anything over. */
  frozen = false;
  /** What proxies are without although everything else has come. */
  without: (object: KubeObject, proxy: ProxyRef) => boolean = () => false;
  warnings: string[] = [];
  mode: FetchMode = 'istiod';
  /** What others have done to the objects of the run. */
  meddled: string[] = [];
  evidenceText = 'the filters';
  #scopes = new Map<string, Map<string, KubeObject | undefined>>();
  #pushed: Held = { objects: [], marker: '' };

  async #called(method: keyof Target, signal?: AbortSignal, detail = ''): Promise<void> {
    this.calls.push(`${method} ${detail}`.trim());
    await this.before(method, signal, detail);
    if (signal !== undefined) throwIfAborted(signal);
  }

  async up(signal: AbortSignal): Promise<MeshFacts> {
    await this.#called('up', signal);
    return { ...fakeFacts, ...this.facts };
  }

  async begin(_intent: Intent, signal: AbortSignal): Promise<void> {
    await this.#called('begin', signal);
  }

  async prepare(apps: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#called('prepare', signal, apps.join(','));
  }

  async reload(apps: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#called('reload', signal, apps.join(','));
  }

  async setIstiod({ fetch, variables }: IstiodStart, signal: AbortSignal): Promise<void> {
    const more = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    await this.#called('setIstiod', signal, [fetch, ...more].join(' '));
    this.mode = fetch;
  }

  async setMeshConfig(config: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<void> {
    await this.#called('setMeshConfig', signal, JSON.stringify(config));
  }

  look(proxies: readonly ProxyRef[]): string[] {
    return proxies.map(({ namespace, pod }) => `look at ${namespace}/${pod}`);
  }

  async keysUsed(): Promise<void> {
    await this.#called('keysUsed');
  }

  fetchMode(): FetchMode {
    return this.mode;
  }

  async caCertificate(): Promise<string> {
    return 'the CA';
  }

  async apply(objects: readonly KubeObject[], scope: string, signal: AbortSignal): Promise<Applied[]> {
    const names = objects.map((object) => nameOfKey({ ...object.metadata, kind: object.kind }));
    await this.#called('apply', signal, names.join(', '));
    return objects.map((object): Applied => {
      const { apiVersion, kind, metadata } = object;
      const key = { apiVersion, kind, name: metadata.name, namespace: metadata.namespace };
      const before = this.#change(scope, nameOfKey(key), object);
      const same = JSON.stringify(before) === JSON.stringify(object);
      const change = before === undefined ? 'created' : same ? 'unchanged' : 'changed';
      return { key, change, warnings: this.warnings };
    });
  }

  async delete(keys: readonly ObjectKey[], scope: string, signal: AbortSignal): Promise<Applied[]> {
    if (keys.length > 0) await this.#called('delete', signal, keys.map(nameOfKey).join(', '));
    return keys.map((key): Applied => {
      const before = this.#change(scope, nameOfKey(key), undefined);
      return { key, change: before === undefined ? 'unchanged' : 'deleted', warnings: [] };
    });
  }

  #change(scope: string, name: string, object: KubeObject | undefined): KubeObject | undefined {
    const before = this.objects.get(name);
    const remembered = this.#scopes.get(scope) ?? new Map<string, KubeObject | undefined>();
    this.#scopes.set(scope, remembered);
    if (!remembered.has(name)) remembered.set(name, before);
    if (object === undefined) this.objects.delete(name);
    else this.objects.set(name, structuredClone(object));
    return before;
  }

  async undo(scope: string, signal: AbortSignal): Promise<void> {
    await this.#called('undo', signal, scope);
    for (const [name, before] of this.#scopes.get(scope) ?? []) {
      if (before === undefined) this.objects.delete(name);
      else this.objects.set(name, before);
    }
    this.#scopes.delete(scope);
  }

  async send(
    origin: Origin,
    requests: readonly HttpRequest[],
    rounds: number,
    signal: AbortSignal,
    _limit: SendLimit,
  ): Promise<HttpResponse[][]> {
    await this.#called('send', signal, `${requests.length} x ${rounds} from ${origin.kind}`);
    this.seen.push(...requests);
    return Array.from({ length: rounds }, () => requests.map((request) => this.#respond(request)));
  }

  #respond(request: HttpRequest): HttpResponse {
    const answer = this.answer(request);
    const given = typeof answer === 'number' ? { status: answer } : answer;
    return { status: 200, headers: {}, body: '', at: Date.now(), durationMs: 1, ...given };
  }

  curl(_origin: Origin, request: HttpRequest): string {
    return `curl ${request.headers.map(([name, value]) => `-H '${name}: ${value}'`).join(' ')} '${request.url}'`;
  }

  ingressUrl(): string {
    return 'http://127.0.0.1:31080';
  }

  async survey(signal: AbortSignal): Promise<Survey> {
    await this.#called('survey', signal);
    return {
      rootNamespace: 'istio-system',
      ingress: { namespace: 'istio-system', labels: { istio: 'ingressgateway' } },
      pods: this.pods,
      objects: [...fakeObjects, ...this.objects.values()],
      hidden: [],
    };
  }

  async altered(signal: AbortSignal): Promise<string[]> {
    await this.#called('altered', signal);
    return this.meddled;
  }

  async mark(value: string, _proxies: readonly ProxyRef[], signal: AbortSignal): Promise<void> {
    await this.#called('mark', signal);
    if (this.frozen) return;
    const isTaken = this.rejected.length === 0;
    this.#pushed = { objects: isTaken ? [...this.objects.values()] : this.#pushed.objects, marker: value };
  }

  async proxyPolicies(proxy: ProxyRef, signal: AbortSignal): Promise<ProxyPolicies> {
    await this.#called('proxyPolicies', signal);
    const { objects, marker } = this.#pushed;
    const survey = { ...(await this.survey(signal)), objects };
    const declared = declaredFor(proxy, survey).filter((object) => !this.without(object, proxy));
    return policiesOf(declared, this.rejected.length > 0 ? '' : marker, this.mode, {
      rejected: this.rejected.map((reason) => ({ reason, marker })),
    });
  }

  async startKeyServer(start: KeyServerStart, signal: AbortSignal): Promise<KeyServerHandle> {
    await this.#called('startKeyServer', signal, start.name);
    const server: FakeKeyServer = { start, states: [], stops: 0, log: [], broken: undefined };
    this.servers.push(server);
    return {
      name: start.name,
      host: `${start.name}.external.test`,
      ip: '192.0.2.7',
      set: async (state) => {
        await this.#called('startKeyServer', undefined, `set ${start.name} ${JSON.stringify(state.fault)}`);
        server.states.push(state);
      },
      logEnd: async () => String(server.log.length),
      log: async (after) => {
        await this.before('startKeyServer', undefined, 'log');
        return server.log.slice(Number(after));
      },
      check: async (userAgent) => {
        server.log.push({ at: 0, path: start.path, status: 200, by: 'other', userAgent });
        if (server.broken !== undefined) throw new HarnessError('E_KEY_SERVER', server.broken);
      },
      stop: async () => {
        server.stops += 1;
      },
    };
  }

  async podLogEnd(pods: PodLogs, signal: AbortSignal): Promise<LogPosition> {
    await this.#called('podLogEnd', signal, `${pods.app}.${pods.namespace}`);
    return String(this.podLog.length);
  }

  async podFetches(
    pods: PodLogs,
    path: string,
    after: LogPosition,
    signal: AbortSignal,
  ): Promise<readonly FetchLogEntry[]> {
    await this.#called('podFetches', signal, `${pods.app}.${pods.namespace}`);
    return this.podLog.slice(Number(after)).filter((entry) => entry.path === path);
  }

  async evidence(query: { readonly requestId: string }, signal: AbortSignal): Promise<EvidenceFile[]> {
    await this.#called('evidence', signal, query.requestId);
    return [{ name: 'proxy-filters.json', content: this.evidenceText }];
  }

  async down(signal: AbortSignal): Promise<void> {
    await this.#called('down', signal);
  }
}

/** The error with which an API server refuses an object. */
export function refusal(name: string, reason: string): HarnessError {
  return new HarnessError('E_REFUSED', `${name} was refused: ${reason}`);
}

/** What istiod makes of policies that hold for a proxy. */
export function policiesOf(
  declared: readonly KubeObject[],
  marker: string,
  mode: FetchMode = 'istiod',
  more: Partial<ProxyPolicies> = {},
): ProxyPolicies {
  const of = (kind: string) => declared.filter((object) => object.kind === kind);
  const rules = of('RequestAuthentication').flatMap(
    ({ spec }) => (spec as { jwtRules?: JwtRule[] }).jwtRules ?? [],
  );
  return {
    providers: rules.map(({ issuer = '', jwks, jwksUri, ...more }) => ({
      issuer,
      keys: mode === 'envoy' && jwks === undefined ? undefined : keysOf(jwks ?? '{"keys":[]}'),
      uri: mode === 'envoy' ? jwksUri : undefined,
      rule: providerRule(more),
    })),
    rbac: of('AuthorizationPolicy').flatMap(({ metadata, spec }) => {
      const { action = 'ALLOW', rules = [] } = (spec ?? {}) as { action?: string; rules?: unknown[] };
      return Array.from({ length: Math.max(1, rules.length) }, (_, index) => ({
        name: `ns[${metadata.namespace}]-policy[${metadata.name}]-rule[${index}]`,
        action,
        rules: '{}',
      }));
    }),
    markers: [marker],
    rejected: [],
    ...more,
  };
}

function keysOf(jwks: string): Record<string, unknown>[] {
  return (JSON.parse(jwks) as { keys: Record<string, unknown>[] }).keys;
}
