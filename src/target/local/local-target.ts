/** The target local: real etcd, API server, istiod and Envoy as plain processes, without Docker and without root. */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { asHarnessError, HarnessError } from '../../base/errors.ts';
import type { FetchMode, MeshFacts } from '../../base/events.ts';
import { nameOfKey, shellQuote } from '../../base/names.ts';
import { onAbort, pause } from '../../base/wait.ts';
import { type Ca, makeCa } from '../../jwks/certificates.ts';
import { isGateway } from '../../kube/gateways.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { keyOf, listObjects } from '../../kube/objects.ts';
import { meshConfigOf } from '../../policy/read-mesh-config.ts';
import { curlLine } from '../curl-batch.ts';
import { noGatewayApi } from '../gateways/gateway-api.ts';
import type { Entrance } from '../gateways/gateway-entrance.ts';
import { waitForDeployed } from '../kubernetes/endpoints.ts';
import { KubernetesTarget, meshConfigScope } from '../kubernetes/kubernetes-target.ts';
import type { TakeMeshSettings } from '../kubernetes/settings/mesh-settings.ts';
import { needsIstiod } from '../mesh-config.ts';
import { dispensable, phase, restartText } from '../phase.ts';
import { readProxyPolicies } from '../proxy-policies.ts';
import type {
  Applied,
  CapabilityName,
  EvidenceFile,
  EvidenceQuery,
  FetchLogEntry,
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
  Progress,
  ProxyPolicies,
  ProxyRef,
  SendLimit,
  Survey,
} from '../target.ts';
import { gatewayLabels } from './control-plane/base-objects.ts';
import { istioNamespace } from './control-plane/istiod.ts';
import { envText } from './control-plane/istiod-env.ts';
import { isMeshConfig, refuseWhatIsFixed } from './control-plane/own-mesh-config.ts';
import { type Envoy, inboundPath, listenersPath } from './envoy/envoy.ts';
import { fetchesAfter, logEndOf } from './kubelet/pod-logs.ts';
import type { Workload } from './kubelet/workload.ts';
import { collectEvidence } from './local-evidence.ts';
import { LocalMesh } from './local-mesh.ts';
import type { LocalSettings } from './local-settings.ts';
import { refuseAddresses } from './network/client-addresses.ts';
import { type EntryHost, entryHost } from './network/entry-hosts.ts';
import { isHostOf, meshRoutes, routeByHost } from './network/host-routes.ts';
import { withRealPorts } from './network/real-ports.ts';
import { type Route, routeOf, sendFromPod, splitUrl } from './network/sender.ts';
import { describeMemory, type MemoryUse } from './processes/memory.ts';

/** The longest from a broken connection to the end of the process being known, in milliseconds. */
const endKnownMs = 200;

const serviceEntries = { apiVersion: 'networking.istio.io/v1', kind: 'ServiceEntry' };

export class LocalTarget extends KubernetesTarget {
  readonly name = 'local';
  /** Here workloads need a moment only. */
  protected override readonly readyPollMs = 25;
  readonly mesh: string | undefined;
  readonly missing: ReadonlyMap<CapabilityName, string>;
  readonly #settings: LocalSettings;
  readonly #progress: Progress;
  readonly #keyServers = new Set<KeyServerHandle>();
  #untrusted: Promise<Ca> | undefined;
  #mesh: LocalMesh | undefined;
  /** Whether istiod has no keys of scenarios in its cache. */
  #fresh = true;
  #runId: string;
  /** All ServiceEntries, as they were when requests were last sent. */
  #entries: readonly KubeObject[] = [];

  constructor(settings: LocalSettings, progress: Progress) {
    super({
      appsFolder: join(settings.folder, 'apps'),
      images: settings.images,
      istioNamespace,
      gateway: { namespace: istioNamespace, labels: gatewayLabels },
    });
    this.mesh = settings.mesh;
    this.missing = new Map(settings.gatewayApiCrds === undefined ? [noGatewayApi] : []);
    this.#runId = settings.runId;
    this.#settings = settings;
    this.#progress = progress;
  }

  get #running(): LocalMesh {
    if (this.#mesh === undefined) throw new HarnessError('E_INTERNAL', 'the target is not up');
    return this.#mesh;
  }

  another(number: number): LocalTarget {
    const progress: Progress = (event) =>
      this.#progress('phase' in event ? { ...event, phase: `${event.phase} (mesh ${number})` } : event);
    return new LocalTarget({ ...this.#settings, isShared: true }, progress);
  }

  async up(signal: AbortSignal): Promise<MeshFacts> {
    const { images, istiodEnv, gatewayApiCrds, programs, reason, isShared = false } = this.#settings;
    const found = await programs(signal);
    const warn = (message: string) => this.#progress({ type: 'warning', message });
    this.#mesh = await phase(
      isShared ? dispensable(this.#progress) : this.#progress,
      `Starting Istio ${found.istio} with Envoy ${found.envoyVersion}`,
      () =>
        LocalMesh.start(
          {
            programs: found,
            images,
            istiodEnv,
            gatewayApiCrds,
            alone: this.mesh === undefined && !isShared,
            warn,
          },
          'istiod',
          signal,
        ),
    );
    const { client } = this.#mesh;
    this.connect({ data: client, mesh: client });
    return {
      id: this.mesh ?? `${found.istio} local`,
      target: 'local',
      reason,
      istio: found.istio,
      envoy: found.envoyVersion,
      kubernetes: found.kubernetes,
      fetch: this.#mesh.fetchMode,
      details: {
        ...found.origins,
        'ingress address': this.ingressUrl(),
        ...(Object.keys(istiodEnv).length === 0 ? {} : { 'istiod variables': envText(istiodEnv) }),
      },
    };
  }

  override async prepare(apps: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#whole(signal, (own) => super.prepare(apps, own));
  }

  override async apply(
    objects: readonly KubeObject[],
    scope: string,
    signal: AbortSignal,
  ): Promise<Applied[]> {
    for (const object of objects) {
      refuseAddresses(object);
      // Settings of scenarios are those that it can follow.
      if (scope !== meshConfigScope && isMeshConfig(keyOf(object))) refuseWhatIsFixed(object);
    }
    const { resolver } = this.#running;
    const real = objects.map((object) => withRealPorts(object, (ip) => resolver.externalAt(ip)));
    return this.#whole(signal, async (own) => {
      if (objects.some(isGateway)) await this.#running.kubelet.startGateways();
      return super.apply(real, scope, own);
    });
  }

  override async delete(keys: readonly ObjectKey[], scope: string, signal: AbortSignal): Promise<Applied[]> {
    return this.#whole(signal, (own) => super.delete(keys, scope, own));
  }

  override async undo(scope: string, signal: AbortSignal): Promise<void> {
    await this.#whole(signal, (own) => super.undo(scope, own));
  }

  override async mark(value: string, proxies: readonly ProxyRef[], signal: AbortSignal): Promise<void> {
    await this.#whole(signal, (own) => super.mark(value, proxies, own));
  }

  protected override readonly takeMeshSettings: TakeMeshSettings = async (key, _before, now, signal) => {
    if (!isMeshConfig(key)) return [];
    const kept = await this.#running.setMeshConfig(meshConfigOf(now), signal);
    if (kept.length === 0) return [];
    return [`${nameOfKey(key)}: a local mesh keeps its own settings for ${kept.join(', ')}`];
  };

  override async send(
    origin: Origin,
    requests: readonly HttpRequest[],
    rounds: number,
    signal: AbortSignal,
    limit: SendLimit,
  ): Promise<HttpResponse[][]> {
    return this.#whole(signal, async (own) => {
      if (origin.kind === 'ingress') return super.send(origin, requests, rounds, own, limit);
      const workload = this.#workloadOf(origin);
      await workload.listening(own);
      this.#entries = await listObjects(this.clients.mesh, serviceEntries, own);
      const routed = await this.#routedHosts(own);
      const routes = requests.map((request) => this.#routeOf(workload, request, routed));
      return sendFromPod(requests, routes, rounds, own, limit);
    });
  }

  override curl(origin: Origin, request: HttpRequest): string {
    if (origin.kind === 'ingress') return super.curl(origin, request);
    const line = (...options: string[]) => curlLine(request, request.url, options);
    try {
      const route = this.#routeOf(this.#workloadOf(origin), request);
      const { hostname, port } = splitUrl(request.url);
      if ('socketPath' in route) return line('--unix-socket', shellQuote(route.socketPath));
      if ('host' in route) return line('--connect-to', `${hostname}:${port}:${route.host}:${route.port}`);
    } catch {
      // Its pod is not there: the line says at least what was meant.
    }
    return line();
  }

  protected override lookInto({ namespace, pod }: ProxyRef, kubectl: string): string {
    const envoy = this.#running.envoyOf(namespace, pod);
    if (envoy === undefined) return `${kubectl} get pod -n ${namespace} ${pod}`;
    return `curl -sS --unix-socket ${shellQuote(envoy.adminSocket)} 'http://envoy/${listenersPath}'`;
  }

  override async survey(signal: AbortSignal): Promise<Survey> {
    return this.#whole(signal, (own) => super.survey(own));
  }

  /**
   * Its kubelet ends pods before anything is said to be deleted, and endpoints are WorkloadEntries that it makes itself;
   * but what istiod has made of a Gateway goes after it.
   */
  protected override async settle(changed: readonly ObjectKey[], signal: AbortSignal): Promise<void> {
    await waitForDeployed(this.clients, changed, signal, this.readyPollMs);
  }

  override async proxyPolicies(proxy: ProxyRef, signal: AbortSignal): Promise<ProxyPolicies> {
    const envoy = this.#envoyOf(proxy);
    const listeners = await this.#whole(signal, (own) => envoy.get(inboundPath(envoy.node), own));
    return readProxyPolicies(JSON.parse(listeners), proxy.kind);
  }

  override async podLogEnd(pods: PodLogs): Promise<LogPosition> {
    return logEndOf(this.#running.kubelet.workloads, pods);
  }

  override async podFetches(
    pods: PodLogs,
    path: string,
    after: LogPosition,
  ): Promise<readonly FetchLogEntry[]> {
    return fetchesAfter(this.#running.kubelet.workloads, pods, path, after);
  }

  override async evidence(query: EvidenceQuery, signal: AbortSignal): Promise<EvidenceFile[]> {
    return collectEvidence(this.#running, query, signal);
  }

  fetchMode(): FetchMode {
    return this.#running.fetchMode;
  }

  async setIstiod(start: IstiodStart, signal: AbortSignal): Promise<void> {
    const { fetch, variables } = start;
    // Envoys forget keys together with the configuration that names them.
    const hasNoKeys = this.#fresh || fetch === 'envoy';
    const isSame = fetch === this.fetchMode() && isDeepStrictEqual(variables, this.#running.istiodVariables);
    if (isSame && hasNoKeys) return;
    await phase(this.#progress, restartText(start), () =>
      this.#whole(signal, (own) => this.#running.setIstiod(start, own)),
    );
    this.#fresh = true;
  }

  protected async startAnew(changed: readonly string[], signal: AbortSignal): Promise<void> {
    // Proxies without settings of their own get `defaultConfig` from istiod at once; others start after this.
    if (!needsIstiod(changed)) return;
    await phase(
      this.#progress,
      `Restarting istiod, with new certificates: ${changed.join(', ')} changed`,
      () => this.#whole(signal, (own) => this.#running.renewCertificates(own)),
    );
    this.#fresh = true;
  }

  async keysUsed(): Promise<void> {
    this.#fresh = false;
  }

  async caCertificate(): Promise<string> {
    return this.#running.caCertificate;
  }

  protected ownIngressUrl(): string {
    return this.#running.ingressUrl;
  }

  /** Its proxy listens on an address of its own, and below 1024 where it may. */
  protected override async reach({ namespace, pod, port }: Entrance): Promise<string> {
    return this.#running.entryOf(namespace, pod, port);
  }

  async startKeyServer(start: KeyServerStart, signal: AbortSignal): Promise<KeyServerHandle> {
    const host = `${start.name}-${this.#runId}.external.test`;
    const untrusted = () => {
      this.#untrusted ??= makeCa('istio-jwt-e2e untrusted');
      return this.#untrusted;
    };
    const server = await this.#whole(signal, (own) =>
      this.#running.startKeyServer({ ...start, host }, untrusted, own),
    );
    this.#keyServers.add(server);
    return {
      ...server,
      stop: async () => {
        await server.stop();
        this.#keyServers.delete(server);
      },
    };
  }

  async down(_signal: AbortSignal): Promise<void> {
    const mesh = this.#mesh;
    if (mesh === undefined) return;
    const note = `it took ${describeMemory(mesh.memory())}`;
    await phase(this.#progress, 'Stopping the local mesh', () => mesh.stop(), note);
    this.#mesh = undefined;
  }

  /** Another run begins: its key servers get names of their own, and applications are as somebody may have left them. */
  begins(runId: string): void {
    this.#runId = runId;
    this.forgetApps();
  }

  /** Puts everything back to what it was before a run, with an istiod that has no keys of it. */
  async clear(signal: AbortSignal): Promise<void> {
    await Promise.allSettled([...this.#keyServers].map((server) => server.stop()));
    await this.setMeshConfig({}, signal);
    await this.undoScenarios(signal);
    await this.setIstiod({ fetch: 'istiod', variables: {} }, signal);
  }

  memory(): MemoryUse[] {
    return this.#running.memory();
  }

  /** The folder with its sockets and logs. */
  get meshFolder(): string {
    return this.#running.folder;
  }

  get kubeconfig(): string {
    return this.#running.kubeconfig;
  }

  /** Calls the listener, with the reason, when a part of the mesh has ended by itself. */
  onFailure(listener: (error: HarnessError) => void): void {
    const { failed } = this.#running;
    onAbort(failed, () => listener(asHarnessError(failed.reason)));
  }

  protected kubectlFlags(): string[] {
    return ['--kubeconfig', this.#running.kubeconfig];
  }

  /**
   * Calls with a signal that is also aborted when a part of the mesh has ended. What the end of a part has led to is told
   * as that: connections of a process break a moment before its end is known.
   */
  async #whole<T>(signal: AbortSignal, call: (own: AbortSignal) => Promise<T>): Promise<T> {
    const own = AbortSignal.any([this.#running.failed, signal]);
    try {
      return await call(own);
    } catch (thrown) {
      // A webhook that cannot be called, with status 500, may be that of an istiod that has just ended.
      const isAnswer =
        thrown instanceof KubeError ? thrown.status < 500 : asHarnessError(thrown).code === 'E_REFUSED';
      if (!isAnswer) await pause(endKnownMs, own);
      throw thrown;
    }
  }

  #envoyOf({ namespace, pod }: ProxyRef): Envoy {
    const envoy = this.#running.envoyOf(namespace, pod);
    if (envoy === undefined) throw new HarnessError('E_EXEC', `pod ${namespace}/${pod} has no proxy`);
    return envoy;
  }

  #workloadOf(origin: { readonly app: string; readonly namespace: string }): Workload {
    const found = this.#running.kubelet.workloads.find(
      ({ identity, ready }) =>
        ready && identity.namespace === origin.namespace && identity.spec.labels.app === origin.app,
    );
    if (found !== undefined) return found;
    throw new HarnessError(
      'E_SEND',
      `no pod of app ${origin.app} in namespace ${origin.namespace} is ready`,
      {
        hint: 'Name the app under "apps" of the scenario, or apply it in a step.',
      },
    );
  }

  readonly #entryHost = (host: string, namespace: string): EntryHost =>
    entryHost(host, namespace, this.#entries, this.#running.defaultServiceExportTo);

  #routeOf(workload: Workload, request: HttpRequest, routed: readonly string[] = []): Route {
    const { namespace } = workload.identity;
    return routeByHost(
      this.#running.resolver,
      workload,
      request,
      (host) =>
        this.#entryHost(host, namespace) !== 'unknown' || routed.some((pattern) => isHostOf(pattern, host)),
      (url, client) => routeOf(this.#running, client, url, this.#entryHost),
    );
  }

  async #routedHosts(signal: AbortSignal): Promise<string[]> {
    const query = { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService' };
    return meshRoutes(await listObjects(this.clients.mesh, query, signal));
  }
}
