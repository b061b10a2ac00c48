/** The target cluster: an existing cluster with an Istio that somebody else has installed and others use too. */
import { join } from 'node:path';
import { HarnessError } from '../../base/errors.ts';
import type { FetchMode, MeshFacts } from '../../base/events.ts';
import { type Ca, makeCa } from '../../jwks/certificates.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { getObject, keyOf } from '../../kube/objects.ts';
import { hasGatewayApi, noGatewayApi } from '../gateways/gateway-api.ts';
import { type Clients, clientFor } from '../kubernetes/client-for.ts';
import { appsScope, KubernetesTarget } from '../kubernetes/kubernetes-target.ts';
import { loadApp } from '../kubernetes/load-apps.ts';
import { markerPolicy } from '../marker.ts';
import { phase } from '../phase.ts';
import type {
  Applied,
  CapabilityName,
  Intent,
  IstiodStart,
  KeyServerHandle,
  KeyServerStart,
  KubeObject,
  ObjectKey,
  PreviewPart,
  Progress,
  ProxyRef,
} from '../target.ts';
import { Claims } from './claim.ts';
import { previewParts } from './cluster-preview.ts';
import type { ClusterSettings } from './cluster-settings.ts';
import { findIstio } from './facts.ts';
import { findIngress, gatewayLabels } from './find-ingress.ts';
import { keyServerHome, keyServerNamespace, keyServerObjects, runningKeyServer } from './key-server-pod.ts';
import { Leftovers, visible } from './leftovers.ts';
import { findMarked, recordOf } from './marks.ts';
import { ownNamespaces } from './own-namespaces.ts';
import { Ownership } from './ownership.ts';
import { foreignLines, type Touch, touches } from './touch.ts';

const istioNamespace = 'istio-system';

export class ClusterTarget extends KubernetesTarget {
  readonly name = 'cluster';
  override readonly marksAll = false;
  readonly isReadOnly: boolean;
  readonly #settings: ClusterSettings;
  readonly #progress: Progress;
  readonly #ownership: Ownership;
  readonly #claims: Claims;
  readonly #leftovers: Leftovers;
  readonly #missing = new Map<CapabilityName, string>([
    [
      'fetch-mode',
      'the target cluster does not restart an istiod that others use; --target kind would prove it',
    ],
    [
      'mesh-settings',
      'the target cluster does not change settings of a mesh that others use; --target kind would prove it',
    ],
    [
      'jwks-ca',
      'the target cluster does not change the CA certificates that istiod trusts; --target kind would prove it, or, for keys that are only served, a server that istiod trusts (--external-jwks)',
    ],
  ]);
  /** Nothing is changed before {@link begin} has allowed it. */
  #begun = false;
  #fetch: FetchMode = 'istiod';
  #ingress: string | undefined;
  readonly #authorities = new Map<string, Promise<Ca>>();

  /** @param clients connections that are used, but not made, here */
  constructor(clients: Clients, settings: ClusterSettings, progress: Progress) {
    super({
      appsFolder: join(settings.folder, 'apps'),
      images: settings.images,
      istioNamespace,
      gateway: { namespace: settings.gateway.namespace, labels: { istio: 'ingressgateway' } },
    });
    this.#settings = settings;
    this.isReadOnly = settings.live === true;
    this.#progress = progress;
    this.#ownership = new Ownership(clients);
    this.#claims = new Claims(clients, this.#ownership, settings.yes);
    this.#leftovers = new Leftovers(clients, this.#ownership, progress);
    this.connect(clients, (message) => progress({ type: 'warning', message }));
  }

  get missing(): ReadonlyMap<CapabilityName, string> {
    return this.#missing;
  }

  /** Finds out what the mesh is; changes nothing. @throws HarnessError E_ISTIO when there is none */
  async up(signal: AbortSignal): Promise<MeshFacts> {
    const { data, mesh } = this.clients;
    const { asm, reason, ingress, gateway } = this.#settings;
    // Before the gateway is asked for anything. What cannot be read is as Istio installs it.
    const labels = await gatewayLabels(this.clients, gateway, signal);
    if (labels !== undefined) this.gateway = { namespace: gateway.namespace, labels };
    const [proxy, { body }, found] = await Promise.all([
      this.#gatewayVersions(signal),
      visible(() => data.request('/version', { signal }), { body: {}, warnings: [] }),
      ingress === undefined
        ? findIngress(this.clients, gateway, signal)
        : { url: ingress.replace(/\/+$/, ''), from: '--ingress' },
    ]);
    const istio = await findIstio(this.clients, istioNamespace, proxy.istio, this.#settings, signal);
    if (!(await hasGatewayApi(this.clients, signal))) this.#missing.set(...noGatewayApi);
    if ('url' in found) this.#ingress = found.url;
    else this.#missing.set('ingress', found.missing);
    this.#fetch = istio.fetch;
    return {
      id: `${istio.version} cluster`,
      target: this.name,
      reason,
      istio: istio.version,
      envoy: proxy.envoy,
      kubernetes: (body as { gitVersion?: string }).gitVersion,
      asm,
      fetch: istio.fetch,
      ownKeyServer: this.#settings.ownKeyServer?.url,
      details: {
        context: data.name,
        ...(mesh === data ? {} : { 'mesh context': mesh.name }),
        'Istio version from': istio.versionFrom,
        'fetch mode from': istio.fetchFrom,
        ...(this.#settings.ownKeyServer === undefined
          ? {}
          : { 'key server of yours': this.#settings.ownKeyServer.url }),
        ...('url' in found ? { 'ingress address': `${found.url} (${found.from})` } : {}),
      },
    };
  }

  /** What the gateway says of itself; nothing when there is none, or this user may not ask it. */
  async #gatewayVersions(signal: AbortSignal): Promise<{ istio?: string; envoy?: string }> {
    try {
      const [gateway] = await this.ingressProxies(signal);
      return gateway === undefined ? {} : await this.proxyVersions(gateway, signal);
    } catch (thrown) {
      if (signal.aborted || !(thrown instanceof HarnessError)) throw thrown;
      if (thrown instanceof KubeError ? thrown.status === 403 : thrown.code === 'E_EXEC') return {};
      throw thrown;
    }
  }

  /** What the run would do; changes nothing. */
  async preview(intent: Intent, signal: AbortSignal): Promise<PreviewPart[]> {
    const { keep, reuse, yes } = this.#settings;
    if (this.isReadOnly)
      return [
        { title: `In ${this.clients.data.name}`, lines: ['send requests and read proxies; change nothing'] },
      ];
    const existing = (await ownNamespaces(this.clients.data, signal)).map(({ metadata }) => metadata.name);
    return previewParts({
      context: this.clients.data.name,
      touches: await this.#touches(intent, 'dry-run', signal),
      existing,
      marked: await findMarked(this.clients, signal),
      keep,
      reuse,
      yes,
    });
  }

  async #touches(intent: Intent, ask: 'dry-run' | 'exists', signal: AbortSignal): Promise<Touch[]> {
    const { appsFolder, images } = this.options;
    const apply = [
      ...intent.apps.flatMap((app) => loadApp(appsFolder, app, images)),
      ...intent.apply,
      ...(intent.keyServers ? [keyServerHome()] : []),
      ...[...(intent.throughIngress ? [this.gateway.namespace] : []), ...intent.gatewayNamespaces].map(
        (namespace) => markerPolicy(namespace, 'any'),
      ),
    ];
    const isNew = new Set<string>();
    for (const { kind, metadata } of apply) {
      if (kind !== 'Namespace') continue;
      const state = await this.#ownership.namespace(metadata.name, signal);
      if (state === 'absent' || (state === 'own' && !this.#settings.reuse)) isNew.add(metadata.name);
    }
    return touches(
      this.clients,
      this.#ownership,
      { ...intent, apply },
      (name) => isNew.has(name),
      ask,
      signal,
    );
  }

  /**
   * Refuses what is not allowed; then clears away what an earlier run has left, and starts the applications.
   *
   * @throws HarnessError E_NOT_OWNED that lists everything that is not this tool's own
   */
  async begin(intent: Intent, signal: AbortSignal): Promise<void> {
    // Not even what an earlier run has left.
    if (this.isReadOnly) return;
    if (!this.#settings.yes) {
      const foreign = foreignLines(await this.#touches(intent, 'exists', signal));
      if (foreign.length > 0) {
        throw new HarnessError('E_NOT_OWNED', 'the run would touch what this tool does not own', {
          hint: 'Look at it with --dry-run. Allow it with --yes: what is changed is put back at the end. Or leave the scenarios out.',
          details: foreign.join('\n'),
        });
      }
    }
    this.#begun = true;
    await this.clear(signal, this.#settings.reuse);
    if (intent.apps.length > 0) {
      await phase(this.#progress, `Starting ${intent.apps.join(', ')}`, () =>
        this.startApps(intent.apps, signal),
      );
    }
  }

  /** Removes what earlier runs have left; see {@link Leftovers.clear}. */
  async clear(signal: AbortSignal, reuse = false): Promise<string[]> {
    return this.#leftovers.clear(signal, reuse);
  }

  override async apply(
    objects: readonly KubeObject[],
    scope: string,
    signal: AbortSignal,
  ): Promise<Applied[]> {
    if (objects.length > 0) this.#refuseLive();
    const claimed: KubeObject[] = [];
    const unchanged: Applied[] = [];
    for (const object of objects) {
      const mine = await this.#claims.claim(object, signal);
      if (mine === undefined) unchanged.push({ key: keyOf(object), change: 'unchanged', warnings: [] });
      else claimed.push(mine);
    }
    return [...unchanged, ...(await super.apply(claimed, scope, signal))];
  }

  override async delete(keys: readonly ObjectKey[], scope: string, signal: AbortSignal): Promise<Applied[]> {
    if (keys.length > 0) this.#refuseLive();
    for (const key of keys) {
      if (await this.#claims.check(key, signal)) continue;
      const live = await getObject(clientFor(this.clients, key.apiVersion), key, signal);
      const record = live && recordOf(live);
      // Undone after the object is there again.
      if (record !== undefined) await this.ledger.apply(record, scope, signal);
    }
    return super.delete(keys, scope, signal);
  }

  #refuseLive(): void {
    if (!this.isReadOnly) return;
    throw new HarnessError(
      'E_NOT_OWNED',
      'the run only looks at the mesh (--live), and this would change it',
      {
        hint: 'Run it without --live, on a mesh that may be changed.',
      },
    );
  }

  /** Where the proxies are: the root namespace belongs to others. */
  protected override markerNamespaces(proxies: readonly ProxyRef[]): readonly string[] {
    return [...new Set(proxies.map(({ namespace }) => namespace))];
  }

  fetchMode(): FetchMode {
    return this.#fetch;
  }

  async setIstiod({ fetch }: IstiodStart): Promise<void> {
    if (fetch === this.#fetch) return;
    throw new HarnessError('E_ISTIO', `the mesh has fetch mode ${this.#fetch}, not ${fetch}`, {
      hint: this.#missing.get('fetch-mode'),
    });
  }

  /** Scenarios with mesh settings are skipped here. */
  protected async startAnew(changed: readonly string[]): Promise<void> {
    throw new HarnessError(
      'E_ISTIO',
      `the mesh is shared, and does not start anew for ${changed.join(', ')}`,
    );
  }

  async caCertificate(): Promise<string> {
    return (await this.#authority('trusted')).certPem;
  }

  /** The CA that is trusted by whom a scenario tells it, or the one of which nobody knows. */
  #authority(trust: string): Promise<Ca> {
    const known = this.#authorities.get(trust) ?? makeCa(`istio-jwt-e2e ${trust} ${this.#settings.runId}`);
    this.#authorities.set(trust, known);
    return known;
  }

  protected ownIngressUrl(): string {
    if (this.#ingress !== undefined) return this.#ingress;
    throw new HarnessError('E_SEND', this.#missing.get('ingress') ?? 'the ingress gateway has no address');
  }

  protected kubectlFlags(): string[] {
    return [...this.#settings.kubectlFlags];
  }

  async startKeyServer(start: KeyServerStart, signal: AbortSignal): Promise<KeyServerHandle> {
    const { ownKeyServer } = this.#settings;
    if (start.isOwn && ownKeyServer !== undefined) return ownKeyServer.handle(start.name);
    const scope = `key server ${start.name}`;
    const stop = () => this.undo(scope, new AbortController().signal);
    // It stays for the next one, and goes at the end with all that is this tool's own.
    await this.apply([keyServerHome()], appsScope, signal);
    try {
      const image = this.#settings.images['key-server'] ?? '';
      await this.apply(keyServerObjects(start, image), scope, signal);
      const authority = (trust: string) => this.#authority(trust);
      return await runningKeyServer(this.clients.data, start, authority, stop, signal);
    } catch (thrown) {
      await stop().catch(() => {});
      throw thrown;
    }
  }

  /** Key servers are waited for where they are started: one that does not start is no matter of other scenarios. */
  protected override async settle(changed: readonly ObjectKey[], signal: AbortSignal): Promise<void> {
    const inMesh = changed.filter(({ namespace }) => namespace !== keyServerNamespace);
    if (inMesh.length > 0) await super.settle(inMesh, signal);
  }

  async down(signal: AbortSignal): Promise<void> {
    if (!this.#begun) return;
    const failures: unknown[] = [];
    const attempt = (work: Promise<unknown>) => work.catch((thrown) => failures.push(thrown));
    const scenarios = this.ledger.scopes().filter((each) => each !== appsScope);
    for (const scope of scenarios) await attempt(this.ledger.undo(scope, signal));
    if (this.#settings.keep) await attempt(this.#undoForeign(signal));
    else await attempt(this.#remove(signal));
    if (failures.length > 0) throw failures[0];
  }

  /** With --keep the applications stay, but never in namespaces of others. */
  async #undoForeign(signal: AbortSignal): Promise<void> {
    const foreign = new Set<ObjectKey>();
    for (const key of this.ledger.keys(appsScope)) {
      if (!(await this.#ownership.owns(key, signal))) foreign.add(key);
    }
    await this.ledger.undo(appsScope, signal, (key) => foreign.has(key));
  }

  /** Removes the applications, and the namespaces that were created: those are being deleted then. */
  async #remove(signal: AbortSignal): Promise<void> {
    await this.ledger.undo(appsScope, signal);
    const own = await ownNamespaces(this.clients.data, signal);
    const leaving = own.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    if (leaving.length > 0) await this.#leftovers.deleteNamespaces(this.clients.data, leaving, signal);
    const { meshNamespaces } = this.#claims;
    if (meshNamespaces.length > 0)
      await this.#leftovers.deleteNamespaces(this.clients.mesh, meshNamespaces, signal);
  }
}
