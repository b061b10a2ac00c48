/** What belongs to this tool on a cluster that it shares with others: the namespaces that have its label. */
import { KubeError } from '../../kube/kube-error.ts';
import { getObject } from '../../kube/objects.ts';
import { type Clients, clientFor } from '../kubernetes/client-for.ts';
import type { KubeObject, ObjectKey } from '../target.ts';

/** On namespaces that this tool has created; they are deleted with all that is in them. */
export const owned = { label: 'app.kubernetes.io/managed-by', value: 'istio-jwt-e2e' } as const;

function isOwned(namespace: KubeObject): boolean {
  return namespace.metadata.labels?.[owned.label] === owned.value;
}

/** The namespace with the label that makes it this tool's own, or without it. */
export function withOwner(namespace: KubeObject, own: boolean): KubeObject {
  const { [owned.label]: _, ...labels } = namespace.metadata.labels ?? {};
  return {
    ...namespace,
    metadata: { ...namespace.metadata, labels: own ? { ...labels, [owned.label]: owned.value } : labels },
  };
}

export type NamespaceState = 'own' | 'other' | 'absent';

/** Whether `${…}` is still in what tells one object from another. */
export function isTemplated(key: ObjectKey): boolean {
  return `${key.kind}${key.name}${key.namespace ?? ''}`.includes('${');
}

export class Ownership {
  readonly #clients: Clients;
  readonly #known = new Map<string, NamespaceState>();

  constructor(clients: Clients) {
    this.#clients = clients;
  }

  /** Whether Istio's resources are behind an API server of their own, with namespaces of its own. */
  get separateMesh(): boolean {
    const servers = [this.#clients.data, this.#clients.mesh].map(({ config }) => config.getCurrentCluster());
    return servers[0]?.server !== servers[1]?.server;
  }

  /** Whose a namespace is, as the cluster with the workloads has it. */
  async namespace(name: string, signal: AbortSignal): Promise<NamespaceState> {
    return this.#state(this.#clients.data, 'data', name, signal);
  }

  /** As {@link namespace}, for the API server with Istio's resources; undefined when this user may not see it. */
  async meshNamespace(name: string, signal: AbortSignal): Promise<NamespaceState | undefined> {
    try {
      return await this.#state(this.#clients.mesh, 'mesh', name, signal);
    } catch (thrown) {
      if (thrown instanceof KubeError && thrown.status === 403) return undefined;
      throw thrown;
    }
  }

  /** Forgets what is known, after namespaces were deleted. */
  forget(): void {
    this.#known.clear();
  }

  /**
   * Whether an object may be changed without asking. What is in a namespace that does not exist yet counts as own:
   * the namespace is going to be created by this tool, or there will be no object either.
   */
  async owns(key: ObjectKey, signal: AbortSignal): Promise<boolean> {
    if (key.kind === 'Namespace') return (await this.namespace(key.name, signal)) !== 'other';
    const client = clientFor(this.#clients, key.apiVersion);
    const { namespaced } = await client.resource(key.apiVersion, key.kind, signal);
    if (!namespaced) return false;
    const name = key.namespace ?? 'default';
    if ((await this.namespace(name, signal)) === 'other') return false;
    const onMesh = client === this.#clients.mesh && this.separateMesh;
    return !onMesh || (await this.meshNamespace(name, signal)) !== 'other';
  }

  async #state(
    client: Clients['data'],
    where: string,
    name: string,
    signal: AbortSignal,
  ): Promise<NamespaceState> {
    const known = this.#known.get(`${where}/${name}`);
    if (known !== undefined) return known;
    const found = await getObject(client, { apiVersion: 'v1', kind: 'Namespace', name }, signal);
    // One that does not exist is looked for again: somebody else may create it.
    if (found === undefined) return 'absent';
    const state = isOwned(found) ? 'own' : 'other';
    this.#known.set(`${where}/${name}`, state);
    return state;
  }
}
