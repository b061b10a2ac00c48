/** The target kind: a kind cluster of its own with a real Istio, made for the run and deleted afterwards. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HarnessError } from '../../errors.ts';
import type { FetchMode, MeshFacts } from '../../events.ts';
import { type Ca, caFromJson, caToJson, makeCa } from '../../jwks/certificates.ts';
import { KubeClient, loadKubeConfig } from '../../kube/client.ts';
import { applyObject, getObject } from '../../kube/objects.ts';
import { imagesOf, loadApp } from '../kubernetes/apps.ts';
import {
  beginRestart,
  inspectIstiod,
  restartIstiod,
  setExtraRootCa,
  settleIstiod,
} from '../kubernetes/istiod.ts';
import { KubernetesTarget } from '../kubernetes/kubernetes-target.ts';
import { sweep } from '../kubernetes/sweep.ts';
import { phase } from '../phase.ts';
import type { CapabilityName, KeyServerHandle, KeyServerStart, Progress } from '../target.ts';
import { ingressNodePort, KindCluster } from './cluster.ts';
import { Engine } from './engine.ts';
import { installIstio } from './istio.ts';
import { startKeyServer } from './key-server.ts';

export interface KindSettings {
  readonly name: string;
  readonly reason: string;
  readonly runId: string;
  /** Leave the cluster as it is when the run ends. */
  readonly keep: boolean;
  /** Use a cluster of this name that is there already. */
  readonly reuse: boolean;
  readonly programs: {
    readonly docker: string;
    readonly kind: string;
    /** Looked for only when Istio is to be installed. */
    readonly istioctl: () => Promise<string>;
  };
  readonly hub: string;
  readonly tag: string;
  readonly nodeImage: string;
  readonly overlays: readonly string[];
  readonly images: Readonly<Record<string, string>>;
  /** The folder kind/ of the product. */
  readonly folder: string;
  /** Applications whose images are loaded and that are started while the cluster is set up. */
  readonly apps: readonly string[];
}

const istioNamespace = 'istio-system';
/** In the folder of the cluster, which only its owner can read. */
const caFile = 'ca.json';
const record = { apiVersion: 'v1', kind: 'ConfigMap', name: 'istio-jwt-e2e', namespace: 'kube-system' };

export class KindTarget extends KubernetesTarget {
  readonly name = 'kind';
  readonly missing: ReadonlyMap<CapabilityName, string> = new Map();
  readonly #settings: KindSettings;
  readonly #progress: Progress;
  readonly #engine: Engine;
  readonly #cluster: KindCluster;
  readonly #keyServers = new Set<KeyServerHandle>();
  #created = false;
  /** istiod has neither keys of an earlier run in its cache nor another run's CA. */
  #fresh = false;
  #fetch: FetchMode = 'istiod';
  #ingressPort = 0;
  #trusted: Ca | undefined;
  #untrusted: Promise<Ca> | undefined;
  #noted: Readonly<Record<string, string>> = {};
  /** The cluster is set up, so that there is something to be left in order. */
  #inUse = false;

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
  }

  async up(signal: AbortSignal): Promise<MeshFacts> {
    const { name, reuse, hub, tag, nodeImage } = this.#settings;
    const [engine, exists] = await Promise.all([this.#engine.info(signal), this.#cluster.exists(signal)]);
    if (exists && !reuse) {
      throw new HarnessError('E_CLUSTER', `a kind cluster named "${name}" exists already`, {
        hint: `Use it with --reuse, delete it with "jwt-e2e down --name ${name}", or choose another --name.`,
      });
    }
    if (exists) await phase(this.#progress, `Using kind cluster "${name}"`, () => this.#adopt(signal));
    else await this.#create(engine.cgroup, signal);
    this.#inUse = true;
    const port = await this.#engine.publishedPort(this.#cluster.node, ingressNodePort, signal);
    if (port === undefined) {
      throw new HarnessError('E_CLUSTER', `cluster "${name}" publishes no port for the ingress gateway`, {
        hint: `Delete it with "jwt-e2e down --name ${name}" and let it be created anew.`,
      });
    }
    this.#ingressPort = port;
    return this.#facts({ name, hub, tag, nodeImage, engine: engine.version }, signal);
  }

  async #create(cgroup: string, signal: AbortSignal): Promise<void> {
    const { name, nodeImage, hub, tag, folder, programs, overlays, apps } = this.#settings;
    // Set before: an interruption while it is being created must delete what is there of it.
    this.#created = true;
    const trusted = await makeCa(`istio-jwt-e2e ${this.#settings.runId}`);
    await phase(this.#progress, `Creating kind cluster "${name}" (${nodeImage})`, () =>
      this.#cluster.create(join(folder, 'cluster.yaml'), nodeImage, cgroup, signal),
    );
    const loaded = await this.#load(
      [`${hub}/pilot:${tag}`, `${hub}/proxyv2:${tag}`, ...this.#images()],
      signal,
    );
    await phase(this.#progress, `Installing Istio ${tag}`, async () =>
      installIstio(
        this.#cluster,
        {
          istioctl: await programs.istioctl(),
          hub,
          tag,
          settingsFile: join(folder, 'istio.yaml'),
          overlays,
          extraRootCa: trusted.certPem,
        },
        signal,
      ),
    );
    this.#connect();
    const data = { istio: tag, hub, nodeImage, loaded: loaded.join(' ') };
    await applyObject(
      this.clients.data,
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: record.name, namespace: record.namespace },
        data,
      },
      { signal },
    );
    this.#fresh = true;
    await phase(this.#progress, `Starting ${apps.join(', ')}`, () => this.prepare(apps, signal));
  }

  /** The images of applications and of what scenarios apply themselves. */
  #images(): string[] {
    const objects = this.#settings.apps.flatMap((app) =>
      loadApp(this.options.appsFolder, app, this.options.images),
    );
    const { nginx } = this.options.images;
    return [...imagesOf(objects), ...(nginx === undefined ? [] : [nginx])];
  }

  /** Loads those of the images that the local engine has, so that they need not be pulled; returns them. */
  async #load(images: readonly string[], signal: AbortSignal): Promise<string[]> {
    const local = await this.#engine.present([...new Set(images)], signal);
    if (local.length > 0) {
      await phase(this.#progress, `Loading ${local.length} images of the local engine`, () =>
        this.#cluster.loadImages(local, signal),
      );
    }
    return local;
  }

  async #adopt(signal: AbortSignal): Promise<void> {
    const { name, tag, apps } = this.#settings;
    await this.#cluster.adopt(signal);
    this.#connect();
    await this.#engine.removeByLabel(`${keyServerLabel}=${name}`, signal);
    const found = await getObject(this.clients.data, record, signal);
    const data = found?.data as Record<string, string> | undefined;
    if (data?.istio !== tag) {
      throw new HarnessError(
        'E_CLUSTER',
        data === undefined
          ? `cluster "${name}" was not set up to the end by this tool`
          : `cluster "${name}" has Istio ${data.istio}, not ${tag}`,
        { hint: `Delete it with "jwt-e2e down --name ${name}", or choose another --name.` },
      );
    }
    const there = data.loaded?.split(' ') ?? [];
    const loaded = await this.#load(
      this.#images().filter((image) => !there.includes(image)),
      signal,
    );
    const kept = await caFromJson(readText(this.#cluster.file(caFile)), 24 * 60 * 60 * 1000);
    this.#trusted = kept ?? (await makeCa(`istio-jwt-e2e ${this.#settings.runId}`));
    if (kept === undefined) {
      writeFileSync(this.#cluster.file(caFile), await caToJson(this.#trusted), { mode: 0o600 });
      await setExtraRootCa(this.clients, istioNamespace, this.#trusted.certPem, signal);
    }
    // What a run before has left to istiod is used once: this run will fill its cache of keys again.
    this.#fresh = data.fresh === 'yes' && kept !== undefined;
    await this.#note({ ...data, loaded: [...there, ...loaded].join(' '), fresh: 'no' }, signal);
    await Promise.all([
      sweep(this.clients, signal),
      this.prepare(apps, signal),
      settleIstiod(this.clients, istioNamespace, signal),
    ]);
    this.#fetch = (await inspectIstiod(this.clients, istioNamespace, signal))?.fetch ?? 'istiod';
  }

  /** Notes on the cluster itself, for the next run that uses it. */
  async #note(data: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    const { apiVersion, kind, name, namespace } = record;
    await applyObject(
      this.clients.data,
      { apiVersion, kind, metadata: { name, namespace }, data },
      { signal },
    );
    this.#noted = data;
  }

  #connect(): void {
    const client = new KubeClient(loadKubeConfig({ file: this.#cluster.kubeconfig }));
    this.connect({ data: client, mesh: client });
  }

  async #facts(
    known: { name: string; hub: string; tag: string; nodeImage: string; engine: string },
    signal: AbortSignal,
  ): Promise<MeshFacts> {
    const [gateway] = await this.proxies({ kind: 'ingress' }, '', signal);
    const versions = gateway === undefined ? {} : await this.proxyVersions(gateway, signal);
    const { body } = await this.clients.data.request('/version', { signal });
    return {
      id: `${known.tag} kind`,
      target: 'kind',
      reason: this.#settings.reason,
      istio: known.tag,
      envoy: versions.envoy,
      kubernetes: (body as { gitVersion?: string }).gitVersion,
      fetch: this.#fetch,
      details: {
        cluster: known.name,
        hub: known.hub,
        'node image': known.nodeImage,
        'Docker engine': known.engine,
        'ingress address': this.ingressUrl(),
      },
    };
  }

  async caCertificate(): Promise<string> {
    return (await this.#ca('trusted')).certPem;
  }

  async #ca(which: 'trusted' | 'untrusted'): Promise<Ca> {
    if (which === 'untrusted') {
      this.#untrusted ??= makeCa(`istio-jwt-e2e untrusted ${this.#settings.runId}`);
      return this.#untrusted;
    }
    if (this.#trusted === undefined) throw new HarnessError('E_INTERNAL', 'the target is not up');
    return this.#trusted;
  }

  fetchMode(): FetchMode {
    return this.#fetch;
  }

  async setFetchMode(mode: FetchMode, signal: AbortSignal): Promise<void> {
    // istiod caches the keys of a jwksUri for 20 minutes, and a kept cluster sees the same address with new keys.
    if (mode === this.#fetch && (this.#fresh || mode === 'envoy')) return;
    await phase(this.#progress, `Restarting istiod: keys are fetched by ${mode}`, () =>
      restartIstiod(this.clients, istioNamespace, mode, signal),
    );
    this.#fetch = mode;
    this.#fresh = true;
  }

  ingressUrl(): string {
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
        labels: { [keyServerLabel]: name, 'jwt-e2e.run': runId },
      },
      images.node ?? '',
      await this.#ca(start.certificate),
      signal,
    );
    this.#keyServers.add(server);
    return { ...server, stop: () => this.#stop(server) };
  }

  async #stop(server: KeyServerHandle): Promise<void> {
    this.#keyServers.delete(server);
    await server.stop();
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
   * restarts in the background: the next run waits until that is done, which it will be.
   */
  async #leaveInOrder(signal: AbortSignal): Promise<void> {
    await beginRestart(this.clients, istioNamespace, 'istiod', signal);
    await this.#note({ ...this.#noted, fresh: 'yes' }, signal);
  }

  async #end(keep: boolean, signal: AbortSignal): Promise<void> {
    await Promise.allSettled([...this.#keyServers].map((server) => this.#stop(server)));
    const { name, runId } = this.#settings;
    await this.#engine.removeByLabel(`jwt-e2e.run=${runId}`, signal);
    if (this.#inUse && (keep || !this.#created)) await this.#leaveInOrder(signal);
    if (this.#created && !keep) {
      await phase(this.#progress, `Deleting kind cluster "${name}"`, () => this.#cluster.delete(signal));
    }
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** On the containers of key servers: the name of the cluster they belong to. */
export const keyServerLabel = 'jwt-e2e.cluster';
