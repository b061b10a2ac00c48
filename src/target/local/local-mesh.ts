/** A real mesh of plain processes on loopback: started, watched over, and ended as a whole. */
import { join } from 'node:path';
import { HarnessError } from '../../base/errors.ts';
import type { FetchMode } from '../../base/events.ts';
import { type Ca, makeCa } from '../../jwks/certificates.ts';
import { createDefinitions } from '../../kube/definitions.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { applyObject } from '../../kube/objects.ts';
import type { MeshConfig } from '../../policy/read-mesh-config.ts';
import type { IstiodStart, KeyServerHandle, KeyServerStart } from '../target.ts';
import { startApiServer } from './control-plane/api-server.ts';
import { gatewayName, namespace, validationWebhook } from './control-plane/base-objects.ts';
import { Discovery } from './control-plane/discovery.ts';
import { injectorConfig } from './control-plane/gateway-template.ts';
import { istioNamespace } from './control-plane/istiod.ts';
import type { IstiodEnv } from './control-plane/istiod-env.ts';
import { Relay } from './control-plane/relay.ts';
import { StoredDefinitions } from './control-plane/stored-definitions.ts';
import type { Envoy } from './envoy/envoy.ts';
import { Identities, secretFor } from './envoy/identities.ts';
import { SecretServer } from './envoy/secrets.ts';
import { type RunningGateway, startGateway } from './kubelet/gateway.ts';
import { Kubelet } from './kubelet/kubelet.ts';
import { AddressBlock, portOn } from './network/addresses.ts';
import { startKeyServer } from './network/key-server-process.ts';
import { NameProxy } from './network/name-proxy.ts';
import { Resolver } from './network/resolver.ts';
import { makeFolder } from './processes/layout.ts';
import type { MemoryUse } from './processes/memory.ts';
import { Parts } from './processes/parts.ts';

/** The programs that a mesh is made of. */
export interface MeshBinaries {
  readonly istio: string;
  readonly etcd: string;
  readonly kubeApiserver: string;
  readonly pilotDiscovery: string;
  readonly envoy: string;
  /** YAML file with Istio's CustomResourceDefinitions. */
  readonly crds: string;
  /** Folder for what one mesh can make use of that another one has made. */
  readonly cacheDir?: string | undefined;
}

export interface MeshOptions {
  readonly programs: MeshBinaries;
  readonly images: Readonly<Record<string, string>>;
  /** Environment variables of istiod that were asked for. */
  readonly istiodEnv: IstiodEnv;
  /** YAML file with the CustomResourceDefinitions of the Gateway API. */
  readonly gatewayApiCrds?: string | undefined;
  /** The only mesh of this process. */
  readonly alone: boolean;
  readonly warn: (message: string) => void;
}

/** What there is once the mesh is up. */
interface Running {
  readonly block: AddressBlock;
  readonly ca: Ca;
  readonly client: KubeClient;
  readonly kubeconfig: string;
  readonly kubelet: Kubelet;
  readonly resolver: Resolver;
  readonly discovery: Discovery;
  readonly identities: Identities;
  readonly gateway: RunningGateway;
}

export class LocalMesh {
  readonly folder: string;
  readonly #options: MeshOptions;
  readonly #parts: Parts;
  /** What to close at the end, last first. */
  readonly #closing: (() => unknown)[] = [];
  #mesh: Running | undefined;

  /** Starts the mesh; what has been started is stopped when that fails. @throws HarnessError */
  static async start(options: MeshOptions, mode: FetchMode, signal: AbortSignal): Promise<LocalMesh> {
    const mesh = new LocalMesh(options);
    try {
      mesh.#mesh = await mesh.#start(mode, AbortSignal.any([signal, mesh.failed]));
      return mesh;
    } catch (thrown) {
      const { failure } = mesh.#parts;
      await mesh.stop();
      throw failure ?? thrown;
    }
  }

  private constructor(options: MeshOptions) {
    this.#options = options;
    this.folder = makeFolder();
    this.#parts = new Parts(this.folder, options.warn);
  }

  /** Aborted with a HarnessError when the mesh is not whole any more. */
  get failed(): AbortSignal {
    return this.#parts.failed;
  }

  get client(): KubeClient {
    return this.#running.client;
  }

  get kubeconfig(): string {
    return this.#running.kubeconfig;
  }

  get kubelet(): Kubelet {
    return this.#running.kubelet;
  }

  get resolver(): Resolver {
    return this.#running.resolver;
  }

  get caCertificate(): string {
    return this.#running.ca.certPem;
  }

  get fetchMode(): FetchMode {
    return this.#running.discovery.mode;
  }

  get ingressUrl(): string {
    return this.#running.gateway.url;
  }

  get istiodLog(): string {
    return this.#running.discovery.log;
  }

  get #running(): Running {
    if (this.#mesh === undefined) throw new HarnessError('E_INTERNAL', 'the local mesh is not up');
    return this.#mesh;
  }

  /** The Envoy of a pod. */
  envoyOf(namespaceName: string, pod: string): Envoy | undefined {
    return this.#gatewayOrWorkload(namespaceName, pod)?.envoy;
  }

  /** The address and port on which a pod really listens for a port of its own. @throws HarnessError E_SEND when it is gone */
  entryOf(namespaceName: string, pod: string, port: number): string {
    const found = this.#gatewayOrWorkload(namespaceName, pod);
    if (found !== undefined) return `${found.identity.address}:${found.realPort(port)}`;
    throw new HarnessError('E_SEND', `pod ${namespaceName}/${pod} is gone`);
  }

  #gatewayOrWorkload(namespaceName: string, pod: string) {
    const { gateway, kubelet } = this.#running;
    return [gateway, ...kubelet.workloads].find(
      ({ identity }) => identity.namespace === namespaceName && identity.name === pod,
    );
  }

  memory(): MemoryUse[] {
    return this.#parts.memory(this.#options.alone);
  }

  /** The variables of istiod besides those that the mesh was started with. */
  get istiodVariables(): IstiodEnv {
    return this.#running.discovery.variables;
  }

  /** Another istiod takes over, started like this and with no keys in its cache. */
  async setIstiod(start: IstiodStart, signal: AbortSignal): Promise<void> {
    const { discovery, gateway, kubelet } = this.#running;
    const proxies = () =>
      [gateway, ...kubelet.workloads.filter(({ envoy }) => envoy !== undefined)].map(
        ({ identity }) => `${identity.name}.${identity.namespace}`,
      );
    await discovery.restart(start, proxies, signal);
  }

  /**
   * Gives every proxy a certificate of the trust domain that the mesh settings have now, and has another istiod take over, which
   * accepts no other. Returns once it has sent every proxy what it is to have.
   */
  async renewCertificates(signal: AbortSignal): Promise<void> {
    const { discovery, identities } = this.#running;
    identities.setTrustDomain(discovery.trustDomain);
    await this.setIstiod({ fetch: discovery.mode, variables: discovery.variables }, signal);
  }

  /** Where Services without exportTo are visible. */
  get defaultServiceExportTo(): readonly string[] {
    return this.#running.discovery.defaultServiceExportTo;
  }

  /** Gives istiod these mesh settings. @returns paths of those that are as the local mesh needs them instead */
  setMeshConfig(declared: MeshConfig, signal: AbortSignal): Promise<readonly string[]> {
    return this.#running.discovery.setMeshConfig(declared, signal);
  }

  /** @param untrusted signs its certificate when that is not to come from the CA that the mesh trusts */
  async startKeyServer(
    start: KeyServerStart & { readonly host: string },
    untrusted: () => Promise<Ca>,
    signal: AbortSignal,
  ): Promise<KeyServerHandle> {
    const { block, resolver } = this.#running;
    const { ca } = this.#running;
    const authority = async (trust: string) => (trust === 'untrusted' ? untrusted() : ca);
    const ip = block.next();
    try {
      const { external, ...server } = await startKeyServer(
        { ...start, ip },
        authority,
        this.#parts.start,
        signal,
      );
      resolver.addExternal(server.host, external);
      return {
        ...server,
        stop: async () => {
          resolver.removeExternal(server.host);
          await server.stop();
          block.free(ip);
        },
      };
    } catch (thrown) {
      block.free(ip);
      throw thrown;
    }
  }

  /** Stops everything and deletes the folder; never throws. */
  async stop(): Promise<void> {
    this.#parts.cancel();
    for (const close of this.#closing.splice(0).reverse()) {
      try {
        await close();
      } catch {
        // It goes with the process at the latest.
      }
    }
    await this.#parts.end();
  }

  async #start(mode: FetchMode, signal: AbortSignal): Promise<Running> {
    const { programs, images, istiodEnv, gatewayApiCrds, warn } = this.#options;
    const definitions = [programs.crds, ...(gatewayApiCrds === undefined ? [] : [gatewayApiCrds])];
    const { folder } = this;
    const { start } = this.#parts;
    const [block, ca] = await Promise.all([AddressBlock.claim(), makeCa('istio-jwt-e2e local')]);
    this.#closing.push(() => block.release());
    const address = block.control;
    const stored =
      programs.cacheDir === undefined
        ? undefined
        : new StoredDefinitions(programs.cacheDir, definitions, programs.kubeApiserver);
    const apiServer = await startApiServer({ ...programs, folder, address, ca, stored, start }, signal);
    const { client, kubeconfig } = apiServer;
    this.#closing.push(() => client.close());
    await applyObject(client, namespace(istioNamespace), { signal });
    await applyObject(client, injectorConfig(), { signal });

    const names = new NameProxy((host, port) => resolver.resolve(host, port, istioNamespace));
    const relays = { proxies: new Relay(), webhook: new Relay() };
    this.#closing.push(
      () => names.close(),
      () => relays.proxies.close(),
      () => relays.webhook.close(),
    );
    const proxyUrl = await names.listen(address, await portOn(address));
    const [discovery] = await Promise.all([
      Discovery.start(
        { ...programs, folder, address, kubeconfig, ca, proxyUrl, istiodEnv, start },
        relays,
        mode,
        signal,
      ),
      createDefinitions(client, definitions, signal),
    ]);

    const secretSocket = join(folder, 'sds');
    const around = {
      client,
      block,
      folder,
      envoy: programs.envoy,
      istioVersion: programs.istio,
      discovery: { address, port: discovery.port },
      proxyDefaults: () => discovery.proxyDefaults,
      secretSocket,
      images,
      start,
      signal: this.failed,
    };
    const kubelet = new Kubelet(around, () => secrets.refresh(), warn);
    this.#closing.push(() => kubelet.stop());
    const resolver = new Resolver(kubelet);
    const identities = new Identities(ca, () => secrets.refresh());
    const own = { namespace: istioNamespace, pod: gatewayName };
    const secrets = new SecretServer((node, name) => secretFor(node, name, identities, kubelet, own), warn);
    this.#closing.push(() => secrets.close());
    await secrets.listen(secretSocket);
    const gateway = await startGateway(around, signal);
    const webhook = validationWebhook(discovery.webhookUrl, ca.certPem);
    await Promise.all([
      applyObject(client, webhook, { signal }),
      kubelet.start(),
      gatewayApiCrds === undefined ? undefined : kubelet.startGateways(),
      apiServer.keepDefinitions(),
    ]);
    return { block, ca, client, kubeconfig, kubelet, resolver, discovery, identities, gateway };
  }
}
