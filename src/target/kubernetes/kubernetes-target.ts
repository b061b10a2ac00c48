/** What the targets kind and cluster share: everything that goes through an API server. */

import { HarnessError } from '../../base/errors.ts';
import type { FetchMode, MeshFacts } from '../../base/events.ts';
import { limits } from '../../base/files/limits.ts';
import { shellQuote } from '../../base/names.ts';
import { timeouts } from '../../base/timeouts.ts';
import { together } from '../../base/wait.ts';
import { exec } from '../../kube/exec.ts';
import { getObject, keyOf, listObjects, patchObject } from '../../kube/objects.ts';
import { isReady, listPods, type Pod, waitUntilReady } from '../../kube/workloads.ts';
import type { MeshConfig } from '../../policy/read-mesh-config.ts';
import { curlBatch, curlLine } from '../curl-batch.ts';
import { type Entrance, findEntrance } from '../gateways/gateway-entrance.ts';
import { gatewayId, urlOf } from '../gateways/gateway-urls.ts';
import { markerPolicy } from '../marker.ts';
import { changedForLater } from '../mesh-config.ts';
import { inRounds } from '../rounds.ts';
import { curlOverTls, sendThroughIngress } from '../send-through-ingress.ts';
import type {
  Applied,
  CapabilityName,
  EvidenceFile,
  EvidenceQuery,
  FetchLogEntry,
  GatewayEntry,
  HttpRequest,
  HttpResponse,
  IstiodStart,
  KeyServerHandle,
  KeyServerStart,
  KubeObject,
  LogPosition,
  ObjectKey,
  Origin,
  PodLogs,
  ProxyPolicies,
  ProxyRef,
  SendLimit,
  Survey,
  Target,
} from '../target.ts';
import type { Clients } from './client-for.ts';
import { waitForEndpoints, workloadsAmong } from './endpoints.ts';
import { forwardedPort } from './forwarded-port.ts';
import { loadApp } from './load-apps.ts';
import { collectEvidence } from './mesh-evidence.ts';
import { podFetches, podLogEnd } from './pod-fetches.ts';
import { adminGet, ingressProxies, listenersPath, proxyPolicies, versionsIn } from './proxy-admin.ts';
import { declaredMeshConfig, overlaidMeshConfig } from './settings/mesh-config-overlay.ts';
import {
  noteMeshSettings,
  type SettingsTaken,
  type TakeMeshSettings,
  takenByIstiod,
} from './settings/mesh-settings.ts';
import { proxyContainer, surveyMesh } from './survey-mesh.ts';
import { Ledger } from './undo/ledger.ts';

export interface KubernetesOptions {
  readonly appsFolder: string;
  readonly images: Readonly<Record<string, string>>;
  /** Istio's root namespace. */
  readonly istioNamespace: string;
  readonly gateway: Survey['ingress'];
}

/** What {@link KubernetesTarget.prepare} has applied. */
export const appsScope = 'apps';
/** Followed by the name of an application: its routes through gateways. */
const routesScope = 'routes of ';
/** What {@link KubernetesTarget.mark} has applied. */
const markerScope = 'marker';
/** What {@link KubernetesTarget.setMeshConfig} has applied. */
export const meshConfigScope = 'mesh config';

export abstract class KubernetesTarget implements Target {
  abstract readonly name: string;
  abstract readonly missing: ReadonlyMap<CapabilityName, string>;
  /** How often to look whether a workload is ready, in milliseconds. */
  protected readonly readyPollMs: number = 100;
  protected readonly options: KubernetesOptions;
  readonly marksAll: boolean = true;
  /** The pods of the ingress gateway. */
  protected gateway: Survey['ingress'];
  #clients: Clients | undefined;
  #ledger: Ledger | undefined;
  readonly #ready = new Set<string>();
  /** Where Gateways were found, by what {@link gatewayId} makes of them. */
  readonly #gatewayUrls = new Map<string, string>();
  /** In which container of a pod curl was started, by `APP.NAMESPACE`. */
  readonly #containers = new Map<string, string>();
  /** Kinds that the API server was seen not to have. */
  readonly #absent = new Set<string>();
  /** Mesh settings for which something is to start anew: some stay when that has failed. */
  readonly #due = new Set<string>();
  /** Changed since the last {@link survey}, which waits until controllers have caught up with them. */
  #unsettled: ObjectKey[] = [];

  constructor(options: KubernetesOptions) {
    this.options = options;
    this.gateway = options.gateway;
  }

  abstract up(signal: AbortSignal): Promise<MeshFacts>;
  abstract setIstiod(start: IstiodStart, signal: AbortSignal): Promise<void>;
  abstract fetchMode(): FetchMode;
  abstract caCertificate(): Promise<string>;
  /** Of the ingress gateway. */
  protected abstract ownIngressUrl(): string;
  abstract startKeyServer(start: KeyServerStart, signal: AbortSignal): Promise<KeyServerHandle>;
  abstract down(signal: AbortSignal): Promise<void>;
  /** The part of a kubectl line that selects the cluster, such as `--context kind-jwt-e2e`. */
  protected abstract kubectlFlags(): string[];

  /** @param warn told what cannot be put back because somebody else has changed it */
  protected connect(clients: Clients, warn?: (message: string) => void): void {
    this.#clients = clients;
    this.#ledger = new Ledger(clients, warn);
  }

  protected get connected(): boolean {
    return this.#clients !== undefined;
  }

  protected get clients(): Clients {
    if (this.#clients === undefined) throw new HarnessError('E_INTERNAL', 'the target is not up');
    return this.#clients;
  }

  protected get ledger(): Ledger {
    if (this.#ledger === undefined) throw new HarnessError('E_INTERNAL', 'the target is not up');
    return this.#ledger;
  }

  async prepare(apps: readonly string[], signal: AbortSignal): Promise<void> {
    await this.startApps(apps, signal);
    await this.#route(apps, signal);
  }

  /** Starts applications, without the routes that lead to them. */
  protected async startApps(apps: readonly string[], signal: AbortSignal): Promise<void> {
    const wanted = apps.filter((app) => !this.#ready.has(app));
    const objects = wanted
      .flatMap((app) => loadApp(this.options.appsFolder, app, this.options.images))
      .filter((object) => !isRoute(object));
    // Namespaces first; the rest in any order, together.
    const isNamespace = (object: KubeObject) => object.kind === 'Namespace';
    const namespaces = new Map(objects.filter(isNamespace).map((object) => [object.metadata.name, object]));
    await this.apply([...namespaces.values()], appsScope, signal);
    const others = objects.filter((object) => !isNamespace(object));
    await together(others, (object, own) => this.apply([object], appsScope, own), signal);
    for (const app of wanted) this.#ready.add(app);
  }

  /** Has the routes of these applications in place, and those of no others: they would answer for whoever asks a gateway. */
  async #route(apps: readonly string[], signal: AbortSignal): Promise<void> {
    const scopes = new Map(apps.map((app) => [`${routesScope}${app}`, app]));
    for (const scope of this.ledger.scopes()) {
      if (scope.startsWith(routesScope) && !scopes.has(scope)) await this.undo(scope, signal);
    }
    const there = this.ledger.scopes();
    for (const [scope, app] of scopes) {
      if (there.includes(scope)) continue;
      const routes = loadApp(this.options.appsFolder, app, this.options.images).filter(isRoute);
      if (routes.length > 0) await this.apply(routes, scope, signal);
    }
  }

  /** The next {@link prepare} looks at all applications: others may have changed or deleted them. */
  protected forgetApps(): void {
    this.#ready.clear();
  }

  async reload(apps: readonly string[], signal: AbortSignal): Promise<void> {
    const running = apps.filter((app) => this.#ready.delete(app));
    // Scenarios apply the routes as they are now.
    for (const app of running) await this.undo(`${routesScope}${app}`, signal);
    await this.startApps(running, signal);
  }

  async apply(objects: readonly KubeObject[], scope: string, signal: AbortSignal): Promise<Applied[]> {
    if (objects.some(({ kind }) => kind === 'CustomResourceDefinition')) this.#absent.clear();
    const applied: Applied[] = [];
    this.#unsettled.push(...workloadsAmong(objects.map(keyOf)));
    for (const object of objects) {
      const settled = await this.#noteMeshSettings([keyOf(object)], signal);
      const { object: after, ...result } = await this.ledger.apply(object, scope, signal);
      if (result.change !== 'unchanged' && ['ConfigMap', 'Secret'].includes(object.kind)) {
        await this.#refreshMounts(after, signal);
      }
      applied.push({ ...result, warnings: [...result.warnings, ...(await settled(signal))] });
    }
    await waitUntilReady(this.clients.data, objects, signal, timeouts.workloads, this.readyPollMs);
    return applied;
  }

  async delete(keys: readonly ObjectKey[], scope: string, signal: AbortSignal): Promise<Applied[]> {
    const deleted: Applied[] = [];
    this.#unsettled.push(...workloadsAmong(keys));
    for (const key of keys) {
      const settled = await this.#noteMeshSettings([key], signal);
      const result = await this.ledger.delete(key, scope, signal);
      deleted.push({ ...result, warnings: [...result.warnings, ...(await settled(signal))] });
    }
    return deleted;
  }

  async undo(scope: string, signal: AbortSignal): Promise<void> {
    const keys = this.ledger.keys(scope);
    this.#unsettled.push(...workloadsAmong(keys));
    const settled = await this.#noteMeshSettings(keys, signal);
    await this.ledger.undo(scope, signal);
    await settled(signal);
  }

  /** Makes changed mesh settings hold: returns once istiod has taken them, with warnings about what needs a restart. */
  protected readonly takeMeshSettings: TakeMeshSettings = (...change) =>
    takenByIstiod(this.clients, ...change);

  async setMeshConfig(config: MeshConfig, signal: AbortSignal): Promise<void> {
    const { istioNamespace } = this.options;
    const isEmpty = Object.keys(config).length === 0;
    await this.startingAnew(async () => {
      if (isEmpty && this.ledger.keys(meshConfigScope).length === 0) return;
      const object = await overlaidMeshConfig(this.clients, istioNamespace, config, signal);
      await this.apply([object], meshConfigScope, signal);
    }, signal);
    // Only now the note about it goes: who is killed before leaves proxies that have not started anew.
    if (isEmpty) await this.undo(meshConfigScope, signal);
  }

  /**
   * Changes mesh settings, and has what takes them only when it starts start anew.
   *
   * @param due what may not have started since it was changed
   */
  protected async startingAnew(
    change: () => Promise<void>,
    signal: AbortSignal,
    due: readonly string[] = [],
  ): Promise<void> {
    const declared = () => declaredMeshConfig(this.clients, this.options.istioNamespace, signal);
    const before = await declared();
    await change();
    for (const path of due) this.#due.add(path);
    for (const path of changedForLater(await declared(), before)) this.#due.add(path);
    if (this.#due.size === 0) return;
    await this.startAnew([...this.#due], signal);
    this.#due.clear();
  }

  /**
   * Has istiod and the proxies start anew where the mesh settings that were changed need it.
   *
   * @param changed paths of settings that hold only for what starts from now on, such as `defaultConfig.gatewayTopology`
   */
  protected abstract startAnew(changed: readonly string[], signal: AbortSignal): Promise<void>;

  #noteMeshSettings(keys: readonly ObjectKey[], signal: AbortSignal): Promise<SettingsTaken> {
    const { istioNamespace } = this.options;
    return noteMeshSettings(this.clients, istioNamespace, keys, this.takeMeshSettings, signal);
  }

  /** Undoes what scenarios have left, the marker and the routes of applications included. */
  protected async undoScenarios(signal: AbortSignal): Promise<void> {
    for (const scope of this.ledger.scopes()) {
      if (scope !== appsScope) await this.undo(scope, signal);
    }
  }

  async send(
    origin: Origin,
    requests: readonly HttpRequest[],
    rounds: number,
    signal: AbortSignal,
    limit: SendLimit,
  ): Promise<HttpResponse[][]> {
    if (origin.kind === 'ingress') {
      const url = await this.#entryUrl(origin.gateway, signal);
      return sendThroughIngress({ url, tls: origin.gateway?.tls }, requests, rounds, signal, limit);
    }
    const container = { namespace: origin.namespace, ...(await this.#podOf(origin, signal)) };
    const all = Array.from({ length: rounds }, () => requests).flat();
    const answers: HttpResponse[] = [];
    const deadline = performance.now() + limit.allMs;
    for (let isCut = true; isCut && answers.length < all.length; ) {
      // One exec for all requests of all rounds: opening it costs more than the requests themselves. What comes after a body
      // without an end needs another one.
      const allMs = deadline - performance.now();
      if (allMs <= 0) break;
      const batch = curlBatch(all.slice(answers.length), { ...limit, allMs });
      const { stdout, stderr } = await exec(this.clients.data, container, ['sh', '-c', batch.command], {
        stdin: batch.config,
        signal,
        timeoutMs: timeouts.exec + allMs,
        maxBytes: limits.batch,
      });
      answers.push(...batch.parse(stdout, Date.now(), stderr));
      isCut = stdout.length >= limits.batch;
    }
    return inRounds(answers, requests.length);
  }

  curl(origin: Origin, request: HttpRequest): string {
    if (origin.kind === 'ingress') {
      const url = this.ingressUrl(origin.gateway);
      return origin.gateway?.tls === undefined
        ? curlLine(request, `${url}${request.url}`)
        : curlOverTls(request, url, origin.gateway.tls);
    }
    const container = this.#containers.get(`${origin.app}.${origin.namespace}`) ?? origin.app;
    const kubectl = ['kubectl', ...this.kubectlFlags().map(shellQuote), 'exec', '-n', origin.namespace];
    return `${[...kubectl, `deploy/${origin.app}`, '-c', container, '--'].join(' ')} ${curlLine(request, request.url)}`;
  }

  ingressUrl(gateway?: GatewayEntry): string {
    return gateway === undefined ? this.ownIngressUrl() : urlOf(gateway, this.#gatewayUrls);
  }

  /** Where requests through this gateway are sent. */
  async #entryUrl(gateway: GatewayEntry | undefined, signal: AbortSignal): Promise<string> {
    if (gateway === undefined) return this.ownIngressUrl();
    const entrance = await findEntrance(this.clients, gateway, signal);
    const url = `${gateway.tls === undefined ? 'http' : 'https'}://${await this.reach(entrance, signal)}`;
    this.#gatewayUrls.set(gatewayId(gateway), url);
    return url;
  }

  /** Address and port that lead to a port of a pod from here. */
  protected async reach(entrance: Entrance, _signal: AbortSignal): Promise<string> {
    return forwardedPort(this.clients.data, entrance);
  }

  look(proxies: readonly ProxyRef[]): string[] {
    const kubectl = ['kubectl', ...this.kubectlFlags().map(shellQuote)].join(' ');
    return [
      `${kubectl} get requestauthentications,authorizationpolicies -A`,
      ...proxies.map((proxy) => this.lookInto(proxy, kubectl)),
    ];
  }

  /** The line that shows what a proxy has. */
  protected lookInto(proxy: ProxyRef, kubectl: string): string {
    const { namespace, pod } = proxy;
    return `${kubectl} exec -n ${namespace} ${pod} -c ${proxyContainer} -- pilot-agent request GET '${listenersPath(proxy)}'`;
  }

  async survey(signal: AbortSignal): Promise<Survey> {
    if (this.#unsettled.length > 0) await this.settle(this.#unsettled, signal);
    this.#unsettled = [];
    const { istioNamespace } = this.options;
    const apps = this.ledger.keys(appsScope).filter(({ kind }) => kind === 'Deployment');
    const mesh = { rootNamespace: istioNamespace, ingress: this.gateway };
    return surveyMesh(this.clients, mesh, apps, this.#absent, signal);
  }

  altered(signal: AbortSignal): Promise<string[]> {
    return this.ledger.altered(signal);
  }

  /** Returns when pods and the endpoints of Services are as these workloads declare. */
  protected async settle(changed: readonly ObjectKey[], signal: AbortSignal): Promise<void> {
    await waitForEndpoints(this.clients, changed, signal);
  }

  /** In the root namespace, where one policy holds for every proxy; see {@link markerNamespaces}. */
  async mark(value: string, proxies: readonly ProxyRef[], signal: AbortSignal): Promise<void> {
    for (const namespace of this.markerNamespaces(proxies)) {
      const policy = markerPolicy(namespace, value);
      // Where others are, it has labels that say whose it is.
      const isAgain = this.marksAll && (await this.ledger.applyAgain(policy, markerScope, signal));
      if (!isAgain) await this.apply([policy], markerScope, signal);
    }
  }

  protected markerNamespaces(_proxies: readonly ProxyRef[]): readonly string[] {
    return [this.options.istioNamespace];
  }

  async proxyPolicies(proxy: ProxyRef, signal: AbortSignal): Promise<ProxyPolicies> {
    return proxyPolicies(this.clients, proxy, signal);
  }

  async podLogEnd(pods: PodLogs, signal: AbortSignal): Promise<LogPosition> {
    return podLogEnd(this.clients.data, pods, signal);
  }

  async podFetches(
    pods: PodLogs,
    path: string,
    after: LogPosition,
    signal: AbortSignal,
  ): Promise<readonly FetchLogEntry[]> {
    return podFetches(this.clients.data, pods, path, after, signal);
  }

  async evidence(query: EvidenceQuery, signal: AbortSignal): Promise<EvidenceFile[]> {
    return collectEvidence(this.clients, this.options.istioNamespace, query, signal);
  }

  /** The proxies of the ingress gateway. */
  protected async ingressProxies(signal: AbortSignal): Promise<ProxyRef[]> {
    return ingressProxies(this.clients, this.gateway, signal);
  }

  /** Versions of Istio and Envoy, as a gateway or sidecar reports them. */
  protected async proxyVersions(
    proxy: ProxyRef,
    signal: AbortSignal,
  ): Promise<{ istio?: string; envoy?: string }> {
    return versionsIn(await adminGet(this.clients, proxy, 'server_info', signal), proxy);
  }

  /** A pod that sends, and its container: the one with the name of the app, or the first one. */
  async #podOf(
    origin: { app: string; namespace: string },
    signal: AbortSignal,
  ): Promise<{ pod: string; container: string }> {
    const pods = await listPods(this.clients.data, origin.namespace, { app: origin.app }, signal);
    const ready = pods.find(isReady);
    if (ready !== undefined) {
      const names = ready.spec.containers.map(({ name }) => name);
      const other = names.find((name) => name !== proxyContainer);
      const container = names.includes(origin.app) ? origin.app : (other ?? origin.app);
      this.#containers.set(`${origin.app}.${origin.namespace}`, container);
      return { pod: ready.metadata.name, container };
    }
    throw new HarnessError(
      'E_SEND',
      `no pod of app ${origin.app} in namespace ${origin.namespace} is ready`,
      {
        hint: `Name the app under "apps" of the scenario, or apply it in a step.`,
      },
    );
  }

  /** Kubelet refreshes a mounted ConfigMap up to a minute late, but at once when the pod itself changes. */
  async #refreshMounts(object: KubeObject, signal: AbortSignal): Promise<void> {
    const namespace = object.metadata.namespace ?? 'default';
    const pods = (await listObjects(
      this.clients.data,
      { apiVersion: 'v1', kind: 'Pod', namespace },
      signal,
    )) as Pod[];
    const mounting = pods.filter((pod) =>
      JSON.stringify(pod.spec.volumes ?? []).includes(`"${object.metadata.name}"`),
    );
    for (const pod of mounting) {
      const annotations = { 'jwt-e2e/refreshed-at': new Date().toISOString() };
      const key = { ...keyOf({ ...pod, apiVersion: 'v1', kind: 'Pod' }) };
      if ((await getObject(this.clients.data, key, signal)) === undefined) continue;
      await patchObject(this.clients.data, key, { metadata: { annotations } }, signal);
    }
  }
}

/** Whether an object routes requests: applications may stay, but not what leads to them from outside. */
function isRoute({ apiVersion }: KubeObject): boolean {
  return apiVersion.startsWith('networking.istio.io/') || apiVersion.startsWith('gateway.networking.k8s.io/');
}
