/**
 * A mesh whose API server, istiod and Envoys are fakes: a kubelet of the target local, and what it makes of the objects
 * that a test puts into the API server.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { KubeClient } from '../../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../../src/kube/kube-config.ts';
import { Kubelet } from '../../../src/target/local/kubelet/kubelet.ts';
import type { Surroundings } from '../../../src/target/local/kubelet/workload.ts';
import { AddressBlock } from '../../../src/target/local/network/addresses.ts';
import { Guardian } from '../../../src/target/local/processes/guardian.ts';
import { Part } from '../../../src/target/local/processes/part.ts';
import type { KubeObject } from '../../../src/target/target.ts';
import type { FakeApi } from '../../support/fake-api.ts';

const fakeEnvoy = fileURLToPath(new URL('./fake-envoy.mjs', import.meta.url));

interface Listener {
  readonly port: { readonly number: number };
  readonly bind: string;
}

export class FakeMesh {
  readonly api: FakeApi;
  readonly client: KubeClient;
  readonly kubelet: Kubelet;
  readonly folder: string;
  readonly block: AddressBlock;
  readonly parts: Part[] = [];
  readonly problems: string[] = [];
  /** How often files of volumes have changed. */
  mountChanges = 0;
  readonly #guardian: Guardian;
  readonly #ended = new AbortController();

  static async start(api: FakeApi, more: Partial<Surroundings> = {}): Promise<FakeMesh> {
    const mesh = new FakeMesh(api, await AddressBlock.claim(), more);
    api.onChange = (object) => {
      if (object.kind === 'Sidecar') mesh.#push(object);
    };
    await mesh.kubelet.start();
    return mesh;
  }

  private constructor(api: FakeApi, block: AddressBlock, more: Partial<Surroundings>) {
    this.api = api;
    this.block = block;
    this.client = new KubeClient(loadKubeConfig({ file: api.kubeconfig }));
    this.folder = mkdtempSync(join(tmpdir(), 'mesh-'));
    this.#guardian = new Guardian(this.folder);
    const around: Surroundings = {
      client: this.client,
      block,
      folder: this.folder,
      envoy: fakeEnvoy,
      istioVersion: '1.31.0',
      proxyDefaults: () => ({}),
      discovery: { address: block.control, port: 15012 },
      secretSocket: join(this.folder, 'sds'),
      images: {},
      start: async (start) => {
        const logFile = join(this.folder, `${this.parts.length}.log`);
        const part = await Part.start({ ...start, folder: this.folder, logFile }, this.#guardian, () => {});
        this.parts.push(part);
        return part;
      },
      signal: this.#ended.signal,
      ...more,
    };
    const onMounts = () => {
      this.mountChanges += 1;
    };
    this.kubelet = new Kubelet(around, onMounts, (message) => this.problems.push(message));
  }

  /** Ends everything; a second time does nothing. */
  async stop(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    await this.kubelet.stop();
    await this.#guardian.end();
    await this.client.close();
    this.block.release();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The pods of namespace foo, ready or not. */
  get pods(): KubeObject[] {
    return this.api.all('Pod');
  }

  /** Waits until so many pods of a Deployment are ready, and no others are there. */
  async ready(name: string, count = 1): Promise<void> {
    await expect
      .poll(
        () => {
          const status = this.api.get('apps/v1', 'Deployment', name, 'foo')?.status;
          const { readyReplicas = 0, replicas = 0 } = (status ?? {}) as Record<string, number>;
          return [readyReplicas, replicas, this.kubelet.workloads.filter(({ ready }) => ready).length];
        },
        { timeout: 10_000, interval: 10 },
      )
      .toEqual([count, count, count]);
  }

  /** istiod gives a proxy its listeners. */
  #push({ metadata, spec }: KubeObject): void {
    const { ingress = [], egress = [] } = spec as { ingress?: Listener[]; egress?: Listener[] };
    const lines = [...ingress, ...egress].map(({ bind, port }, index) => {
      const address = bind.startsWith('unix://') ? bind.slice('unix://'.length) : `${bind}:${port.number}`;
      return `listener-${index}::${address}\n`;
    });
    writeFileSync(join(this.folder, `listeners-${metadata.name}`), lines.join(''));
  }
}
