/** The kind cluster itself: creating, finding and deleting it. Its kubeconfig is a file of its own. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { writePrivately } from '../../base/files/file-error.ts';
import { stateFolder } from '../../base/files/state-folder.ts';
import { timeouts } from '../../base/timeouts.ts';
import { pause, throwIfAborted } from '../../base/wait.ts';
import { runTool } from '../../programs/tools.ts';
import { portOn } from '../local/network/addresses.ts';
import type { Guardian } from '../local/processes/guardian.ts';

export const ingressNodePort = 30080;

interface ClusterConfig {
  nodes: { extraPortMappings: { containerPort: number; hostPort?: number }[] }[];
  kubeadmConfigPatches?: string[];
}

export class KindCluster {
  readonly name: string;
  readonly kubeconfig: string;
  readonly #kind: string;
  readonly #folder: string;
  /** While it was being created, by this process. */
  #interrupted = false;

  constructor(kind: string, name: string) {
    this.name = name;
    this.#kind = kind;
    this.#folder = join(stateFolder(), name);
    this.kubeconfig = join(this.#folder, 'kubeconfig');
  }

  /** The container of its only node. */
  get node(): string {
    return `${this.name}-control-plane`;
  }

  /** A path in the folder that is deleted with the cluster. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  /** Writes a file there, and returns its path. @throws HarnessError E_FILE */
  write(name: string, text: string): string {
    writePrivately(`a file of kind cluster "${this.name}"`, this.path(name), text);
    return this.path(name);
  }

  async exists(signal: AbortSignal): Promise<boolean> {
    const text = await runTool(this.#kind, ['get', 'clusters', '-q'], {
      signal,
      timeoutMs: 30_000,
      code: 'E_CLUSTER',
    });
    return text.split('\n').includes(this.name);
  }

  /**
   * Creates the cluster from the configuration file, with a free host port for the ingress gateway.
   *
   * @param guardian ends kind when this process is killed
   * @param cgroup the engine's cgroup version; Kubernetes 1.35 and later refuse version 1 unless told otherwise
   * @throws HarnessError E_CLUSTER with what kind wrote
   */
  async create(
    configFile: string,
    nodeImage: string,
    cgroup: string,
    signal: AbortSignal,
    guardian?: Guardian,
    onNode: () => void = () => {},
  ): Promise<void> {
    const config = parse(readFileSync(configFile, 'utf8')) as ClusterConfig;
    const port = await portOn('127.0.0.1');
    for (const mapping of config.nodes.flatMap((node) => node.extraPortMappings)) {
      if (mapping.containerPort === ingressNodePort) mapping.hostPort = port;
    }
    if (cgroup === '1' && minorOf(nodeImage) >= 35) {
      const patch = { kind: 'KubeletConfiguration', failCgroupV1: false };
      config.kubeadmConfigPatches = [...(config.kubeadmConfigPatches ?? []), stringify(patch)];
    }
    const file = this.write(configName, stringify(config));
    try {
      await runTool(
        this.#kind,
        [
          'create',
          'cluster',
          '--name',
          this.name,
          '--image',
          nodeImage,
          '--config',
          file,
          '--kubeconfig',
          this.kubeconfig,
          '--wait',
          '0s',
        ],
        {
          signal,
          timeoutMs: timeouts.createCluster,
          // kind has waited until the node has started its container runtime.
          onLine: (line) => {
            if (/✓ Preparing nodes/.test(line)) onNode();
          },
          // When its docker client is ended too, nobody can say any more whether the node will still be made.
          sparesChildren: true,
          guardian,
          code: 'E_CLUSTER',
          hint: `Check that ${nodeImage} can be pulled, or is in the local engine (--node-image). kind explains other causes under https://kind.sigs.k8s.io/docs/user/known-issues/`,
        },
      );
    } finally {
      this.#interrupted = signal.aborted;
    }
  }

  /** Writes the kubeconfig of a cluster that is there already. */
  async adopt(signal: AbortSignal): Promise<void> {
    const text = await runTool(this.#kind, ['get', 'kubeconfig', '--name', this.name], {
      signal,
      timeoutMs: 30_000,
      code: 'E_CLUSTER',
    });
    this.write('kubeconfig', text);
  }

  async loadImages(images: readonly string[], signal: AbortSignal): Promise<void> {
    await runTool(this.#kind, ['load', 'docker-image', '--name', this.name, ...images], {
      signal,
      timeoutMs: timeouts.loadImages,
      code: 'E_CLUSTER',
    });
  }

  /** Deletes the cluster, whatever state it is in, and its files. */
  async delete(signal: AbortSignal): Promise<void> {
    const interrupted = this.#interrupted || this.#isUnfinished;
    let seen = interrupted && (await this.exists(signal));
    await this.#deleteNodes(signal);
    // The engine goes on with what it was told to create by a kind that has been ended: a node may come late, and one that is
    // deleted while it starts may be there again.
    const deadline = performance.now() + timeouts.lateNode;
    for (let absent = 0; interrupted && performance.now() < deadline; absent++) {
      if (await this.exists(signal)) {
        seen = true;
        absent = 0;
        await this.#deleteNodes(signal);
      } else if (seen && absent >= 4) break;
      await pause(250, signal);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Whether a process that was killed has begun to create it: its kubeconfig is written in the end. */
  get #isUnfinished(): boolean {
    return existsSync(this.path(configName)) && !existsSync(this.kubeconfig);
  }

  async #deleteNodes(signal: AbortSignal): Promise<void> {
    const args = ['delete', 'cluster', '--name', this.name, '--kubeconfig', this.kubeconfig];
    try {
      await runTool(this.#kind, args, { signal, timeoutMs: timeouts.deleteCluster, code: 'E_CLUSTER' });
    } catch (thrown) {
      throwIfAborted(signal);
      // Somebody else may have been faster.
      if (await this.exists(signal)) throw thrown;
    }
  }
}

/** What kind was told, in the folder of a cluster. */
const configName = 'cluster.yaml';

/** The label that kind gives to the containers of a cluster, with its name. */
export const nodeLabel = 'io.x-k8s.kind.cluster';

/** Names of all clusters of this user that are there, or were: those that were made, or begun. */
export function knownClusters(): string[] {
  try {
    return readdirSync(stateFolder()).filter((name) => existsSync(join(stateFolder(), name, configName)));
  } catch {
    return [];
  }
}

/** The minor version in the tag of a node image, such as 34 in kindest/node:v1.34.11@sha256:…; 0 when it has none. */
function minorOf(image: string): number {
  return Number(image.match(/:v1\.(\d+)\./)?.[1] ?? 0);
}
