/** What runs leave on a cluster when they are killed, and how it goes away. */
import type { KubeClient } from '../../kube/kube-client.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { Clients } from '../kubernetes/client-for.ts';
import { sweep } from '../kubernetes/undo/sweep.ts';
import { phase } from '../phase.ts';
import type { KubeObject, Progress } from '../target.ts';
import { sweepMarked } from './marks.ts';
import { deleteNamespaces, ownNamespaces } from './own-namespaces.ts';
import type { Ownership } from './ownership.ts';

export class Leftovers {
  readonly #clients: Clients;
  readonly #ownership: Ownership;
  readonly #progress: Progress;

  constructor(clients: Clients, ownership: Ownership, progress: Progress) {
    this.#clients = clients;
    this.#ownership = ownership;
    this.#progress = progress;
  }

  /**
   * Removes what earlier runs have left: their namespaces, and what is marked in those of others.
   *
   * @param reuse keep the namespaces, and delete only the policies in them
   * @returns what was removed or put back
   */
  async clear(signal: AbortSignal, reuse: boolean): Promise<string[]> {
    const { data, mesh } = this.#clients;
    const own = await ownNamespaces(data, signal);
    const leaving = own.filter(({ metadata }) => !reuse || metadata.deletionTimestamp !== undefined);
    const staying = own.filter((each) => !leaving.includes(each)).map(({ metadata }) => metadata.name);
    const done: string[] = [];
    if (leaving.length > 0) done.push(...(await this.deleteNamespaces(data, leaving, signal)));
    if (this.#ownership.separateMesh && !reuse) {
      const onMesh = await visible(() => ownNamespaces(mesh, signal), []);
      if (onMesh.length > 0) done.push(...(await this.deleteNamespaces(mesh, onMesh, signal)));
    }
    if (staying.length > 0) await sweep(this.#clients, signal, staying);
    const warn = (message: string) => this.#progress({ type: 'warning', message });
    const restored = await sweepMarked(this.#clients, warn, signal);
    for (const line of restored) warn(`left by a run that was killed: ${line}`);
    return [...done, ...restored];
  }

  /** Deletes namespaces and waits until they are gone; returns what was done. @throws HarnessError E_TIMEOUT */
  async deleteNamespaces(
    client: KubeClient,
    namespaces: readonly KubeObject[],
    signal: AbortSignal,
  ): Promise<string[]> {
    const names = namespaces.map(({ metadata }) => metadata.name).sort();
    const where = client === this.#clients.data ? '' : ` from ${client.name}`;
    await phase(this.#progress, `Deleting namespaces ${names.join(', ')}${where}`, () =>
      deleteNamespaces(client, namespaces, signal),
    );
    this.#ownership.forget();
    return names.map((name) => `deleted Namespace ${name}${where}`);
  }
}

/** What is read, or `otherwise` when this user may not read it. */
export async function visible<T>(read: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await read();
  } catch (thrown) {
    if (thrown instanceof KubeError && thrown.status === 403) return otherwise;
    throw thrown;
  }
}
