/**
 * Plays the controllers and the kubelet of a cluster: watches Deployments, Services, ConfigMaps, Secrets and Namespaces,
 * and makes workloads of them. It knows the API server only, so that kubectl works as well as this tool.
 */

import { randomBytes } from 'node:crypto';
import { asHarnessError } from '../../../base/errors.ts';
import { type WatchQuery, watchObjects } from '../../../kube/watch-objects.ts';
import { type ProxyKind, proxyOf } from '../../../policy/injected-proxy.ts';
import { nameOf } from '../../../policy/selection.ts';
import { selecting } from '../../../policy/service-port.ts';
import type { KubeObject } from '../../target.ts';
import { collectDeployed, reportDeployment } from './deployments.ts';
import { finishNamespace } from './finish-namespace.ts';
import { Mounts } from './mounts.ts';
import { type PodSpec, podSpecOf } from './pod-spec.ts';
import { httpPorts, type ServicePort, servicePorts } from './service-ports.ts';
import { type Surroundings, Workload } from './workload.ts';

const watched = [
  { apiVersion: 'v1', kind: 'Namespace' },
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'v1', kind: 'Secret' },
  { apiVersion: 'v1', kind: 'Service' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
] as const;

/** Of the Gateway API: istiod makes Deployments and Services of them. */
const gateways = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway' } as const;

/** How long to gather changes before acting on them, in milliseconds: an application comes as several objects. */
const gatherMs = 10;

type Objects = Map<string, KubeObject>;

/** The workloads of one Deployment. */
interface Owned {
  readonly workloads: Workload[];
  /** Work on it is done one after the other. */
  queue: Promise<void>;
  /** How much of it is not done yet. */
  pending: number;
}

export class Kubelet {
  readonly mounts = new Mounts();
  readonly #around: Surroundings;
  readonly #onProblem: (message: string) => void;
  /** Called when files of volumes have changed. */
  readonly #onMounts: () => void;
  readonly #objects: Record<(typeof watched)[number]['kind'], Objects> = {
    Namespace: new Map(),
    ConfigMap: new Map(),
    Secret: new Map(),
    Service: new Map(),
    Deployment: new Map(),
  };
  readonly #owned = new Map<string, Owned>();
  readonly #watching = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #count = 0;
  #watchingGateways: Promise<void> | undefined;

  constructor(around: Surroundings, onMounts: () => void, onProblem: (message: string) => void) {
    this.#around = around;
    this.#onMounts = onMounts;
    this.#onProblem = onProblem;
  }

  /** Returns once everything that there is has been seen. */
  async start(): Promise<void> {
    await Promise.all(
      watched.map((query) => this.#watch(query, (object, gone) => this.#see(query.kind, object, gone))),
    );
  }

  /** From now on the API server has Gateways of the Gateway API. Returns once those that there are have been seen. */
  async startGateways(): Promise<void> {
    this.#watchingGateways ??= this.#watch(gateways, (gateway, gone) => {
      if (gone) this.#told(gateway, collectDeployed(this.#around.client, gateway, this.#around.signal));
    });
    try {
      await this.#watchingGateways;
    } catch (thrown) {
      this.#watchingGateways = undefined;
      throw thrown;
    }
  }

  #watch(query: WatchQuery, onChange: (object: KubeObject, gone: boolean) => void): Promise<void> {
    const signal = AbortSignal.any([this.#watching.signal, this.#around.signal]);
    return watchObjects(this.#around.client, query, onChange, signal);
  }

  get workloads(): readonly Workload[] {
    return [...this.#owned.values()].flatMap(({ workloads }) => workloads);
  }

  get services(): readonly KubeObject[] {
    return [...this.#objects.Service.values()];
  }

  /** Stops all workloads; what the API server has of them is left. */
  async stop(): Promise<void> {
    this.#watching.abort();
    clearTimeout(this.#timer);
    await Promise.allSettled([...this.#owned.values()].map(({ queue }) => queue));
    await Promise.allSettled(this.workloads.map((workload) => workload.stop()));
  }

  #see(kind: (typeof watched)[number]['kind'], object: KubeObject, gone: boolean): void {
    const key = keyOf(object);
    if (gone) this.#objects[kind].delete(key);
    else this.#objects[kind].set(key, object);
    if (kind === 'ConfigMap' || kind === 'Secret') this.#changeMounts(object, gone);
    if (kind === 'Namespace' && object.metadata.deletionTimestamp !== undefined && !gone)
      this.#finish(object);
    this.#timer ??= setTimeout(() => this.#reconcile(), gatherMs);
  }

  #changeMounts(object: KubeObject, gone: boolean): void {
    this.mounts.set(object, gone);
    for (const workload of this.workloads) {
      // What must be there and is not any more stays as it was, as in a pod that runs.
      const { namespace, spec } = workload.identity;
      if (this.mounts.complete(namespace, mountsOf(spec))) workload.setMounts(this.mounts);
    }
    this.#onMounts();
  }

  #finish(namespace: KubeObject): void {
    const { client, signal } = this.#around;
    this.#told(namespace, finishNamespace(client, namespace, signal));
  }

  /** Work that nobody waits for: what goes wrong with it is told. */
  #told(object: KubeObject, work: Promise<void>): void {
    work.catch((thrown: unknown) => {
      if (this.#around.signal.aborted) return;
      this.#onProblem(`${nameOf(object)}: ${asHarnessError(thrown).message}`);
    });
  }

  /** Looks at every Deployment, and at those that are gone. */
  #reconcile(): void {
    this.#timer = undefined;
    if (this.#watching.signal.aborted) return;
    for (const key of new Set([...this.#objects.Deployment.keys(), ...this.#owned.keys()])) {
      const owned = this.#owned.get(key) ?? { workloads: [], queue: Promise.resolve(), pending: 0 };
      this.#owned.set(key, owned);
      owned.pending += 1;
      owned.queue = owned.queue
        .then(() => this.#work(key, owned))
        .catch((thrown: unknown) => {
          if (!this.#around.signal.aborted) this.#onProblem(`${key}: ${asHarnessError(thrown).message}`);
        })
        .finally(() => {
          owned.pending -= 1;
          // Not before: a Deployment that was created again meanwhile would get pods that nobody knows of any more.
          const isOver = owned.pending === 0 && owned.workloads.length === 0;
          if (isOver && !this.#objects.Deployment.has(key)) this.#owned.delete(key);
        });
    }
  }

  async #work(key: string, owned: Owned): Promise<void> {
    if (this.#watching.signal.aborted || this.#around.signal.aborted) return;
    const deployment = this.#objects.Deployment.get(key);
    if (deployment === undefined || this.#isEnding(deployment)) {
      await this.#remove(owned, owned.workloads.length);
      return;
    }
    const spec = podSpecOf(deployment);
    const namespace = deployment.metadata.namespace ?? 'default';
    const proxy = proxyOf(this.#objects.Namespace.get(`/${namespace}`), spec);
    const wanted = (deployment.spec as { replicas?: number }).replicas ?? 1;
    const outdated = owned.workloads.filter(
      ({ identity, outdated }) => outdated || identity.spec.hash !== spec.hash || identity.proxy !== proxy,
    );
    for (const workload of outdated) await this.#stop(owned, workload);
    await this.#remove(owned, owned.workloads.length - wanted);
    for (const workload of owned.workloads) {
      await workload.update(this.#portsOf(namespace, spec), this.#clientPorts());
    }
    if (!this.mounts.complete(namespace, mountsOf(spec))) {
      await reportDeployment(this.#around.client, deployment, 0, this.#around.signal);
      return;
    }
    let problem: string | undefined;
    while (owned.workloads.length < wanted && problem === undefined) {
      problem = await this.#add(owned, deployment, spec, proxy);
    }
    const ready = owned.workloads.filter((workload) => workload.ready).length;
    await reportDeployment(this.#around.client, deployment, ready, this.#around.signal);
  }

  /** It is being deleted, or its Namespace is, in which nothing may be created any more. */
  #isEnding({ metadata }: KubeObject): boolean {
    const namespace = this.#objects.Namespace.get(`/${metadata.namespace ?? 'default'}`);
    return (metadata.deletionTimestamp ?? namespace?.metadata.deletionTimestamp) !== undefined;
  }

  /** @returns why the workload is not ready */
  async #add(
    owned: Owned,
    deployment: KubeObject,
    spec: PodSpec,
    proxy: ProxyKind,
  ): Promise<string | undefined> {
    const { name: of, namespace = 'default' } = deployment.metadata;
    const name = podName(of, spec.hash);
    const identity = { namespace, name, address: this.#around.block.next(), spec, proxy };
    this.#count += 1;
    const workload = new Workload(identity, `w${this.#count}`, this.#around);
    owned.workloads.push(workload);
    const error = await workload.start(this.#portsOf(namespace, spec), this.#clientPorts(), this.mounts);
    return error?.message;
  }

  async #remove(owned: Owned, count: number): Promise<void> {
    for (const workload of owned.workloads.slice(0, Math.max(0, count))) await this.#stop(owned, workload);
  }

  async #stop(owned: Owned, workload: Workload): Promise<void> {
    owned.workloads.splice(owned.workloads.indexOf(workload), 1);
    await Promise.all([workload.stop(), workload.forget(this.#around.signal)]);
    this.#around.block.free(workload.identity.address);
    this.#around.block.free(workload.outbound.address);
  }

  #portsOf(namespace: string, spec: PodSpec): ServicePort[] {
    return selecting(this.services, namespace, spec.labels).flatMap((service) => servicePorts(service, spec));
  }

  #clientPorts(): number[] {
    return httpPorts(this.services);
  }
}

function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

/** As a cluster makes it: a name that is too long for a label is cut off before the random part. */
function podName(deployment: string, hash: string): string {
  const random = randomBytes(3).toString('hex').slice(0, 5);
  return `${`${deployment}-${hash}-`.slice(0, 63 - random.length)}${random}`;
}

function mountsOf(spec: PodSpec) {
  return spec.containers.flatMap(({ mounts }) => mounts);
}
