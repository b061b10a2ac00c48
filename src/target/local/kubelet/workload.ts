/** One pod of the mesh: its applications, its proxy, and what the API server has of it. */

import { join } from 'node:path';
import { asHarnessError, type HarnessError } from '../../../base/errors.ts';
import type { KubeClient } from '../../../kube/kube-client.ts';
import { applyObject } from '../../../kube/objects.ts';
import { isHttp } from '../../../policy/service-port.ts';
import type { KubeObject } from '../../target.ts';
import { type AppKind, type RunningApp, startApp } from '../apps/app.ts';
import type { StartPart } from '../control-plane/api-server.ts';
import { Envoy } from '../envoy/envoy.ts';
import { proxyConfigOf } from '../envoy/proxy-config.ts';
import { type AddressBlock, portOn } from '../network/addresses.ts';
import { applicationsOf, checkInjection } from './injection.ts';
import type { Mounts } from './mounts.ts';
import type { ContainerSpec } from './pod-spec.ts';
import { deletePod, reportPod } from './pods.ts';
import type { ServicePort } from './service-ports.ts';
import { standInFor } from './stand-ins.ts';
import {
  gatewayFilter,
  podObject,
  sidecarObject,
  type WorkloadIdentity,
  workloadEntry,
  workloadLabel,
} from './workload-objects.ts';

/** What every workload of a mesh shares. */
export interface Surroundings {
  readonly client: KubeClient;
  readonly block: AddressBlock;
  readonly folder: string;
  readonly envoy: string;
  readonly istioVersion: string;
  readonly discovery: { readonly address: string; readonly port: number };
  /** What the mesh settings say about proxies now. */
  readonly proxyDefaults: () => Readonly<Record<string, unknown>>;
  readonly secretSocket: string;
  readonly images: Readonly<Record<string, string>>;
  readonly start: StartPart;
  /** Aborted when the mesh ends. */
  readonly signal: AbortSignal;
}

/** A line of a container's log, and when it was written. */
export interface LogLine {
  /** Counted from 1, in each container. */
  readonly number: number;
  readonly at: number;
  readonly line: string;
}

/** How many lines of a container are kept. */
export const longestLog = 20_000;

/** Of virtualInbound, which every sidecar of a cluster has, with the policies: also one that no Service leads to. */
const inboundPort = 15_006;

export class Workload {
  readonly identity: WorkloadIdentity;
  readonly outbound: { readonly address: string; readonly socket: string };
  readonly logs = new Map<string, LogLine[]>();
  readonly #around: Surroundings;
  readonly #id: string;
  readonly #applications: readonly ContainerSpec[];
  readonly #apps: RunningApp[] = [];
  /** Real port by target port. */
  readonly #real = new Map<number, number>();
  #envoy: Envoy | undefined;
  /** What the API server was last told, to tell it only what is new. */
  #told = '';
  /** What it was told when its proxy was last seen to listen on all of it. */
  #confirmed = '';
  #addresses: readonly string[] = [];
  readonly #outboundPorts = new Set<number>();
  #ready = false;
  #failed = false;
  #outdated = false;

  constructor(identity: WorkloadIdentity, id: string, around: Surroundings) {
    this.identity = identity;
    this.#id = id;
    this.#around = around;
    this.#applications = applicationsOf(identity.spec, identity.proxy);
    this.outbound = { address: around.block.next(), socket: join(around.folder, `${id}.out`) };
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** It could not be started, and what kept it from that may have changed. */
  get outdated(): boolean {
    return this.#outdated;
  }

  get envoy(): Envoy | undefined {
    return this.#envoy;
  }

  /** Ports on which its sidecar listens for requests of its applications. */
  get clientPorts(): readonly number[] {
    return [...this.#outboundPorts];
  }

  /** The real port of a target port. */
  realPort(targetPort: number): number {
    return this.#real.get(targetPort) ?? targetPort;
  }

  /** Starts everything, and says in the API server whether it is ready. @returns why it is not */
  async start(
    ports: readonly ServicePort[],
    clientPorts: readonly number[],
    mounts: Mounts,
  ): Promise<HarnessError | undefined> {
    const { client, signal } = this.#around;
    // As a kubelet says that it is no use to try again.
    let reason = 'ErrImageNeverPull';
    try {
      await applyObject(client, podObject(this.identity), { signal });
      await reportPod(client, this.identity, { ready: false }, signal);
      checkInjection(this.identity.spec, this.identity.proxy);
      const kinds = this.#applications.map(({ image, name }) => standInFor(image, name, this.#around.images));
      reason = 'CreateContainerError';
      await this.#startApps(kinds, mounts);
      await this.#tell(ports, clientPorts);
      if (this.identity.proxy !== 'none') await this.#startProxy(this.identity.proxy);
      await this.listening(signal);
      this.#ready = true;
      await reportPod(client, this.identity, { ready: true }, signal);
      return undefined;
    } catch (thrown) {
      const error = asHarnessError(thrown);
      this.#failed = true;
      if (!signal.aborted) {
        const waiting = {
          reason,
          message: [error.message, error.hint].filter((each) => each !== undefined).join('. '),
        };
        await reportPod(client, this.identity, { ready: false, waiting }, signal).catch(() => {});
      }
      return error;
    }
  }

  /** Services, or the ports that clients need, have changed. What does not run is no endpoint, whatever they are. */
  async update(ports: readonly ServicePort[], clientPorts: readonly number[]): Promise<void> {
    if (!this.#failed) await this.#tell(ports, clientPorts);
  }

  setMounts(mounts: Mounts): void {
    this.#outdated ||= this.#failed;
    this.#applications.forEach((container, index) => {
      this.#apps[index]?.setMounts(mounts.of(this.identity.namespace, container.mounts));
    });
  }

  /** Returns once the proxy listens on everything that the API server was told. */
  async listening(signal: AbortSignal): Promise<void> {
    const told = this.#told;
    if (this.#envoy === undefined || this.#confirmed === told) return;
    await this.#envoy.listensOn(this.#addresses, signal);
    this.#confirmed = told;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#envoy?.stop(), ...this.#apps.map((app) => app.close())]);
  }

  /** Deletes what the API server has of it. */
  async forget(signal: AbortSignal): Promise<void> {
    await deletePod(this.#around.client, this.identity, signal);
  }

  async #startApps(kinds: readonly AppKind[], mounts: Mounts): Promise<void> {
    const { namespace, proxy, address } = this.identity;
    const behindSidecar = proxy === 'sidecar';
    for (const [index, kind] of kinds.entries()) {
      const container = this.#applications[index];
      if (container === undefined) break;
      const lines: LogLine[] = [];
      let count = 0;
      this.logs.set(container.name, lines);
      const wanted = container.ports.map(({ containerPort }) => containerPort);
      // Behind a sidecar nobody else sees the port; without one it is what clients connect to.
      if (!behindSidecar) {
        for (const port of wanted) this.#real.set(port, await portOn(address, port));
      }
      const app = await startApp({
        kind,
        host: behindSidecar ? '127.0.0.1' : address,
        port: (containerPort) => (behindSidecar ? 0 : this.realPort(containerPort)),
        containerPorts: wanted,
        mounts: mounts.of(namespace, container.mounts),
        log: (line) => {
          count += 1;
          lines.push({ number: count, at: Date.now(), line });
          if (lines.length > longestLog) lines.shift();
        },
      });
      this.#apps.push(app);
    }
  }

  async #startProxy(proxy: 'sidecar' | 'gateway'): Promise<void> {
    const { namespace, name, address, spec } = this.identity;
    const { discovery, envoy, folder, istioVersion, proxyDefaults, secretSocket, start } = this.#around;
    this.#envoy = await Envoy.start({
      kind: proxy === 'sidecar' ? 'sidecar' : 'router',
      namespace,
      pod: name,
      address,
      labels: { ...spec.labels, [workloadLabel]: name },
      serviceAccount: spec.serviceAccount,
      proxyConfig: proxyConfigOf(spec.annotations, proxyDefaults()),
      istioVersion,
      discovery,
      secretSocket,
      program: envoy,
      folder,
      id: this.#id,
      start,
    });
  }

  /** Puts endpoint and listeners into the API server, if they are not there as they should be. */
  async #tell(ports: readonly ServicePort[], clientPorts: readonly number[]): Promise<void> {
    const { client, signal } = this.#around;
    const { address, proxy } = this.identity;
    const targets = new Map(ports.map((each) => [each.targetPort, each.protocol]));
    if (![...targets.values()].some(isHttp)) targets.set(inboundPort, 'HTTP');
    for (const port of targets.keys()) {
      if (proxy !== 'none' && !this.#real.has(port)) this.#real.set(port, await this.#listenableFor(port));
    }
    const inbound = [...targets].map(([port, protocol]) => ({
      port: this.realPort(port),
      protocol,
      app: this.#appPort(port),
    }));
    const outbound = proxy === 'sidecar' ? await this.#listenable(clientPorts) : [];
    const listeners = {
      sidecar: () => [
        sidecarObject(this.identity, { inbound, outbound: { ...this.outbound, ports: outbound } }),
      ],
      gateway: () => [gatewayFilter(this.identity)],
      none: () => [],
    };
    const objects: KubeObject[] = [
      workloadEntry(this.identity, ports, (port) => this.realPort(port)),
      ...listeners[proxy](),
    ];
    const text = JSON.stringify(objects);
    if (text === this.#told) return;
    for (const port of outbound) this.#outboundPorts.add(port);
    await Promise.all(objects.map((object) => applyObject(client, object, { signal })));
    // What a gateway listens on is for Gateways to say.
    this.#addresses =
      proxy === 'gateway'
        ? []
        : [
            ...inbound.map(({ port }) => `${address}:${port}`),
            ...outbound.map((port) => `${this.outbound.address}:${port}`),
            this.outbound.socket,
          ];
    // Not before: what the API server has refused is told again.
    this.#told = text;
  }

  /**
   * A port on which the proxy can listen for a target port: this one, where it can be had. A Gateway may have had it listen there
   * before its Service was seen, and then it is not free, and ours.
   */
  async #listenableFor(port: number): Promise<number> {
    const { address } = this.identity;
    const isOwn = async () => await this.#envoy?.isOn(`${address}:${port}`, this.#around.signal);
    if (await isOwn()) return port;
    const free = await portOn(address, port);
    return free !== port && (await isOwn()) ? port : free;
  }

  /** Those of the ports of Services on which its sidecar can listen for the application; 80 has a socket. */
  async #listenable(clientPorts: readonly number[]): Promise<number[]> {
    const found: number[] = [];
    for (const port of clientPorts) {
      if (
        port !== 80 &&
        (this.#outboundPorts.has(port) || (await portOn(this.outbound.address, port)) === port)
      ) {
        found.push(port);
      }
    }
    return found;
  }

  /** Where the application listens for a target port; nowhere means a port on which nobody does. */
  #appPort(targetPort: number): number {
    for (const app of this.#apps) {
      const port = app.ports.get(targetPort);
      if (port !== undefined) return port;
    }
    return 1;
  }
}
