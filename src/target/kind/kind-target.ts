/** The target kind: a kind cluster of its own with a real Istio, made for the run and deleted afterwards. */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { HarnessError } from '../../base/errors.ts';
import type { FetchMode, MeshFacts } from '../../base/events.ts';
import { together } from '../../base/wait.ts';
import { createDefinitions } from '../../kube/definitions.ts';
import { KubeClient } from '../../kube/kube-client.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { applyObject, patchObject } from '../../kube/objects.ts';
import { hasGatewayApi, noGatewayApi } from '../gateways/gateway-api.ts';
import { KubernetesTarget } from '../kubernetes/kubernetes-target.ts';
import {
  beginRestart,
  extraRootCa,
  inspectIstiod,
  restartIstiod,
  setExtraRootCa,
  settleIstiod,
} from '../kubernetes/settings/istiod-settings.ts';
import { leftMeshConfig, overlaidMeshConfig } from '../kubernetes/settings/mesh-config-overlay.ts';
import { restartProxies } from '../kubernetes/settings/restart-proxies.ts';
import { sweep } from '../kubernetes/undo/sweep.ts';
import type { Guardian } from '../local/processes/guardian.ts';
import { needsIstiod } from '../mesh-config.ts';
import { phase, restartText, startText } from '../phase.ts';
import type {
  CapabilityName,
  IstiodStart,
  KeyServerHandle,
  KeyServerStart,
  KubeObject,
  Progress,
} from '../target.ts';
import { Authorities } from './authorities.ts';
import { type Notes, readNotes, writeNotes } from './cluster-notes.ts';
import { Engine } from './container-engine.ts';
import { guardRun } from './guard.ts';
import { installIstio, waitForInjection } from './istio.ts';
import { startKeyServer } from './key-server-container.ts';
import { ingressNodePort, KindCluster } from './kind-cluster.ts';
import type { KindSettings } from './kind-settings.ts';
import { appImages, loadLocalImages } from './load-images.ts';
import { ClusterLock } from './lock.ts';

const istioNamespace = 'istio-system';

/** On the containers of key servers: the name of the cluster they belong to. */
export const keyServerLabel = 'jwt-e2e.cluster';

/** On them, too: the run that has started them. */
const runLabel = 'jwt-e2e.run';

export class KindTarget extends KubernetesTarget {
  readonly name = 'kind';
  readonly missing = new Map<CapabilityName, string>();
  readonly #settings: KindSettings;
  readonly #progress: Progress;
  readonly #engine: Engine;
  readonly #cluster: KindCluster;
  readonly #lock: ClusterLock;
  readonly #authorities: Authorities;
  readonly #keyServers = new Set<KeyServerHandle>();
  #guardian: Guardian | undefined;
  /** This run has created the cluster, or has begun to. */
  #created = false;
  /** Set once the cluster is set up: what is to be known of it, and so that there is something to be left in order. */
  #notes: Notes | undefined;
  /** istiod has no keys of an earlier run in its cache. */
  #fresh = false;
  #fetch: FetchMode = 'istiod';
  #variables: IstiodStart['variables'] = {};
  #ingressPort = 0;

  constructor(settings: KindSettings, progress: Progress) {
    super({
      appsFolder: join(settings.folder, 'apps'),
      images: settings.images,
      istioNamespace,
      gateway: { namespace: istioNamespace, labels: { istio: 'ingressgateway' } },
    });
    this.#settings = settings;
    this.#progress = progress;
    this.#engine = new Engine(settings.programs.docker);
    this.#cluster = new KindCluster(settings.programs.kind, settings.name);
    this.#lock = new ClusterLock(this.#cluster.path('lock'), `kind cluster "${settings.name}"`);
    this.#authorities = new Authorities(this.#cluster.path('ca.json'), settings.name);
  }

  async up(signal: AbortSignal): Promise<MeshFacts> {
    const { name, reuse } = this.#settings;
    this.#lock.take();
    const [engine, exists] = await Promise.all([this.#engine.info(signal), this.#cluster.exists(signal)]);
    if (exists && !reuse) {
      throw new HarnessError('E_CLUSTER', `a kind cluster named "${name}" exists already`, {
        hint: `Use it with --reuse, delete it with "jwt-e2e down --name ${name}", or choose another --name.`,
      });
    }
    if (exists) await phase(this.#progress, `Using kind cluster "${name}"`, () => this.#adopt(signal));
    else await this.#create(engine.cgroup, signal);
    const port = await this.#engine.publishedPort(this.#cluster.node, ingressNodePort, signal);
    if (port === undefined) {
      throw new HarnessError('E_CLUSTER', `cluster "${name}" publishes no port for the ingress gateway`, {
        hint: `Delete it with "jwt-e2e down --name ${name}" and let it be created anew.`,
      });
    }
    this.#ingressPort = port;
    if (!(await hasGatewayApi(this.clients, signal))) this.missing.set(...noGatewayApi);
    return this.#facts(engine.version, signal);
  }

  async #create(cgroup: string, signal: AbortSignal): Promise<void> {
    const { nodeImage, hub, tag, folder, programs, overlays, apps, images } = this.#settings;
    // Set before: an interruption while it is being created must delete what is there of it.
    this.#created = true;
    this.#guard(true);
    const extraRootCa = await this.#authorities.create();
    // It may have to be fetched, which goes on while the cluster is made.
    const istioctl = programs.istioctl();
    istioctl.catch(() => {});
    const ofIstio = [`${hub}/pilot:${tag}`, `${hub}/proxyv2:${tag}`];
    const early = await this.#createNode(cgroup, ofIstio, signal);
    const load = (wanted: readonly string[], own: AbortSignal) =>
      loadLocalImages(this.#engine, this.#cluster, wanted, this.#progress, own);
    const loaded = early ?? (await load(ofIstio, signal));
    await this.#connect();
    await this.#answerNamesEarly(signal);
    const settingsFile = join(folder, 'istio.yaml');
    let isInstalled = false;
    const install = async (own: AbortSignal) => {
      const files = { settingsFile, overlays, extraRootCa, guardian: this.#guardian };
      await installIstio(this.#cluster, { istioctl: await istioctl, hub, tag, ...files }, own);
      isInstalled = true;
    };
    // Mostly istioctl waits for pods, so the other images are loaded meanwhile, and applications start beside the gateways.
    const works = [
      (own: AbortSignal) => phase(this.#progress, `Installing Istio ${tag}`, () => install(own)),
      async (own: AbortSignal) => {
        loaded.push(...(await load(appImages(this.options.appsFolder, apps, images), own)));
        await waitForInjection(this.clients.data, istioNamespace, () => isInstalled, own);
        await phase(this.#progress, `Starting ${apps.join(', ')}`, () => this.startApps(apps, own));
      },
    ];
    await together(works, (work, own) => work(own), signal);
    await this.#installGatewayApi(signal);
    this.#fresh = true;
    await this.#note({ istio: tag, hub, nodeImage, loaded: loaded.join(' '), fresh: 'yes' }, signal);
    if (this.#settings.keep) this.#guard(false);
  }

  /**
   * Makes the cluster, whose node takes images as soon as its container runtime has started.
   *
   * @param images what to load meanwhile
   * @returns what was loaded; undefined when that has failed, and is to be done once more by somebody who says what is wrong
   */
  async #createNode(
    cgroup: string,
    images: readonly string[],
    signal: AbortSignal,
  ): Promise<string[] | undefined> {
    const { name, nodeImage, folder } = this.#settings;
    let tell = () => {};
    const node = new Promise<void>((resolve) => {
      tell = resolve;
    });
    let loaded: string[] | undefined;
    const works = [
      (own: AbortSignal) =>
        phase(this.#progress, `Creating kind cluster "${name}" (${nodeImage})`, () =>
          this.#cluster.create(join(folder, 'cluster.yaml'), nodeImage, cgroup, own, this.#guardian, tell),
        ).finally(tell),
      async (own: AbortSignal) => {
        await node;
        try {
          // Without a word: the phase that is shown is the making of the cluster.
          loaded = await loadLocalImages(this.#engine, this.#cluster, images, () => {}, own);
        } catch {
          // It is tried again.
        }
      },
    ];
    await together(works, (work, own) => work(own), signal);
    return loaded;
  }

  /** @param withCluster whether the cluster goes with this process when it is killed */
  #guard(withCluster: boolean): void {
    const before = this.#guardian;
    this.#guardian = guardRun(this.#settings, this.#runLabel, withCluster);
    before?.letGo();
  }

  /** On the containers of this run. */
  get #runLabel(): string {
    return `${runLabel}=${this.#settings.runId}`;
  }

  async #adopt(signal: AbortSignal): Promise<void> {
    const { name, tag, apps, images } = this.#settings;
    this.#guard(false);
    await this.#cluster.adopt(signal);
    await this.#connect();
    await this.#engine.removeByLabel(`${keyServerLabel}=${name}`, signal);
    const notes = await readNotes(this.clients.data, signal);
    if (notes?.istio !== tag) {
      const what =
        notes === undefined
          ? 'was not set up to the end by this tool'
          : `has Istio ${notes.istio}, not ${tag}`;
      throw new HarnessError('E_CLUSTER', `cluster "${name}" ${what}`, {
        hint: `Delete it with "jwt-e2e down --name ${name}", or choose another --name.`,
      });
    }
    const there = notes.loaded.split(' ');
    const missing = appImages(this.options.appsFolder, apps, images).filter(
      (image) => !there.includes(image),
    );
    const loaded = await loadLocalImages(this.#engine, this.#cluster, missing, this.#progress, signal);
    const given = await extraRootCa(this.clients, istioNamespace, signal);
    const { pem, isGiven } = await this.#authorities.restore(given);
    if (!isGiven) await setExtraRootCa(this.clients, istioNamespace, pem, signal);
    this.#fresh = notes.fresh === 'yes' && isGiven;
    const fresh = this.#fresh ? 'yes' : 'no';
    await this.#note({ ...notes, loaded: [...there, ...loaded].join(' '), fresh }, signal);
    await Promise.all([
      sweep(this.clients, signal),
      this.startApps(apps, signal),
      settleIstiod(this.clients, istioNamespace, signal),
      this.#installGatewayApi(signal),
    ]);
    const istiod = await inspectIstiod(this.clients, istioNamespace, signal);
    this.#fetch = istiod?.fetch ?? 'istiod';
    this.#variables = istiod?.variables ?? {};
    const left = await leftMeshConfig(this.clients, istioNamespace, signal);
    if (left === undefined) return;
    const back = await overlaidMeshConfig(this.clients, istioNamespace, {}, signal);
    const apply = async (object: KubeObject) => {
      await applyObject(this.clients.data, object, { signal });
    };
    // Nobody knows what has started since: the run that was to see to it was killed.
    await this.startingAnew(() => apply(back), signal, ['mesh settings']);
    await apply(left);
  }

  /**
   * CoreDNS is asked before its first readiness probe: a proxy that starts without it waits 5 s for its certificate, and the
   * probes of kubeadm are 10 s apart.
   */
  async #answerNamesEarly(signal: AbortSignal): Promise<void> {
    const dns = { apiVersion: 'v1', kind: 'Service', namespace: 'kube-system', name: 'kube-dns' };
    const patch = { spec: { publishNotReadyAddresses: true } };
    await patchObject(this.clients.data, dns, patch, signal).catch((thrown: unknown) => {
      // Without it everything takes longer, and works.
      if (!(thrown instanceof KubeError)) throw thrown;
    });
  }

  /** istiod begins to watch its kinds when they are there. */
  async #installGatewayApi(signal: AbortSignal): Promise<void> {
    const { gatewayApiCrds } = this.#settings;
    if (gatewayApiCrds !== undefined) await createDefinitions(this.clients.data, [gatewayApiCrds], signal);
  }

  async #note(notes: Notes, signal: AbortSignal): Promise<void> {
    await writeNotes(this.clients.data, notes, signal);
    this.#notes = notes;
  }

  async #connect(): Promise<void> {
    const { loadKubeConfig } = await import('../../kube/kube-config.ts');
    const client = new KubeClient(loadKubeConfig({ file: this.#cluster.kubeconfig }));
    this.connect({ data: client, mesh: client });
  }

  async #facts(engine: string, signal: AbortSignal): Promise<MeshFacts> {
    const { name, hub, tag, nodeImage, reason } = this.#settings;
    const [gateway] = await this.ingressProxies(signal);
    const versions = gateway === undefined ? {} : await this.proxyVersions(gateway, signal);
    const { body } = await this.clients.data.request('/version', { signal });
    return {
      id: `${tag} kind`,
      target: 'kind',
      reason,
      istio: tag,
      envoy: versions.envoy,
      kubernetes: (body as { gitVersion?: string }).gitVersion,
      fetch: this.#fetch,
      details: {
        cluster: name,
        hub,
        'node image': this.#notes?.nodeImage ?? nodeImage,
        'Docker engine': engine,
        'ingress address': this.ingressUrl(),
      },
    };
  }

  async caCertificate(): Promise<string> {
    return (await this.#authorities.get('trusted')).certPem;
  }

  fetchMode(): FetchMode {
    return this.#fetch;
  }

  async setIstiod(start: IstiodStart, signal: AbortSignal): Promise<void> {
    const { fetch, variables } = start;
    // istiod caches the keys of a jwksUri for 20 minutes, and a kept cluster sees the same address with new keys.
    const hasNoKeys = this.#fresh || fetch === 'envoy';
    if (fetch === this.#fetch && isDeepStrictEqual(variables, this.#variables) && hasNoKeys) return;
    await phase(this.#progress, restartText(start), () =>
      restartIstiod(this.clients, istioNamespace, start, signal),
    );
    this.#fetch = fetch;
    this.#variables = variables;
    this.#fresh = true;
  }

  protected async startAnew(changed: readonly string[], signal: AbortSignal): Promise<void> {
    const start = { fetch: this.#fetch, variables: this.#variables };
    await phase(this.#progress, startText(changed), async () => {
      if (needsIstiod(changed)) {
        await restartIstiod(this.clients, istioNamespace, start, signal);
        this.#fresh = true;
      }
      await restartProxies(this.clients, signal);
      await settleIstiod(this.clients, istioNamespace, signal);
    });
  }

  async keysUsed(signal: AbortSignal): Promise<void> {
    this.#fresh = false;
    // Before it is so: whoever is killed meanwhile leaves an istiod with keys.
    if (this.#notes?.fresh === 'yes') await this.#note({ ...this.#notes, fresh: 'no' }, signal);
  }

  protected ownIngressUrl(): string {
    return `http://127.0.0.1:${this.#ingressPort}`;
  }

  protected kubectlFlags(): string[] {
    return ['--kubeconfig', this.#cluster.kubeconfig];
  }

  async startKeyServer(start: KeyServerStart, signal: AbortSignal): Promise<KeyServerHandle> {
    const { name, runId, images } = this.#settings;
    const server = await startKeyServer(
      {
        ...start,
        host: `${start.name}-${runId}.external.test`,
        labels: { [keyServerLabel]: name, [runLabel]: runId },
      },
      images['key-server'] ?? '',
      (trust) => this.#authorities.get(trust),
      (command, own) => this.#engine.exec(this.#cluster.node, command, own),
      signal,
    );
    this.#keyServers.add(server);
    return { ...server, stop: () => this.#stop(server) };
  }

  async #stop(server: KeyServerHandle): Promise<void> {
    // Known until it has stopped, so that the end of the run waits for it.
    await server.stop();
    this.#keyServers.delete(server);
  }

  /** As {@link down}, but a cluster that was created is deleted even if it was to be kept. */
  async discard(signal: AbortSignal): Promise<void> {
    await this.#end(false, signal);
  }

  async down(signal: AbortSignal): Promise<void> {
    await this.#end(this.#settings.keep, signal);
  }

  /**
   * Leaves a cluster that goes on with istiod as it was installed, and with no keys of this run in its cache. It
   * restarts in the background; the next run waits until that is done.
   */
  async #leaveInOrder(notes: Notes, signal: AbortSignal): Promise<void> {
    await this.setMeshConfig({}, signal);
    await this.undoScenarios(signal);
    await beginRestart(this.clients, istioNamespace, { fetch: 'istiod', variables: {} }, signal);
    await this.#note({ ...notes, fresh: 'yes' }, signal);
  }

  async #end(keep: boolean, signal: AbortSignal): Promise<void> {
    await Promise.allSettled([...this.#keyServers].map((server) => this.#stop(server)));
    const { name } = this.#settings;
    await this.#engine.removeByLabel(this.#runLabel, signal);
    const notes = this.#notes;
    if (notes !== undefined && (keep || !this.#created))
      await phase(this.#progress, `Leaving kind cluster "${name}"`, () => this.#leaveInOrder(notes, signal));
    // One that was not set up to the end is of no use to anybody.
    if (this.#created && (!keep || this.#notes === undefined)) {
      await phase(this.#progress, `Deleting kind cluster "${name}"`, () => this.#cluster.delete(signal));
    }
    this.#guardian?.letGo();
    this.#lock.release();
  }
}
