/** Remembers, per scope, what every object was before it was changed, so that it can be put back. */
import { applyObject, deleteObject, getObject, keyOf, replaceObject } from '../../kube/objects.ts';
import { nameOfKey } from '../../names.ts';
import type { Applied, KubeObject, ObjectKey } from '../target.ts';
import { type Clients, clientFor } from './clients.ts';

interface Entry {
  readonly key: ObjectKey;
  /** Undefined: it did not exist. */
  readonly before: KubeObject | undefined;
}

export class Ledger {
  readonly #clients: Clients;
  readonly #scopes = new Map<string, Map<string, Entry>>();

  constructor(clients: Clients) {
    this.#clients = clients;
  }

  /** Applies one object and remembers what was there before. @throws HarnessError E_REFUSED */
  async apply(
    object: KubeObject,
    scope: string,
    signal: AbortSignal,
  ): Promise<Applied & { readonly object: KubeObject }> {
    const client = clientFor(this.#clients, object.apiVersion);
    const key = keyOf(object);
    const before = await getObject(client, key, signal);
    // Remembered before it is applied: an interruption in between must not lose it.
    this.#remember(scope, key, before);
    const { object: after, warnings } = await applyObject(client, object, { signal });
    const same = before?.metadata.resourceVersion === after.metadata.resourceVersion;
    return {
      key,
      change: before === undefined ? 'created' : same ? 'unchanged' : 'changed',
      warnings,
      object: after,
    };
  }

  /** Deletes one object and remembers it. */
  async delete(key: ObjectKey, scope: string, signal: AbortSignal): Promise<Applied> {
    const client = clientFor(this.#clients, key.apiVersion);
    const before = await getObject(client, key, signal);
    if (before === undefined) return { key, change: 'unchanged', warnings: [] };
    this.#remember(scope, key, before);
    await deleteObject(client, key, signal);
    return { key, change: 'deleted', warnings: [] };
  }

  /** Puts everything of the scope back, last change first. Goes on after an error and throws the first one at the end. */
  async undo(scope: string, signal: AbortSignal): Promise<void> {
    const entries = [...(this.#scopes.get(scope)?.values() ?? [])].reverse();
    let failure: unknown;
    for (const { key, before } of entries) {
      const client = clientFor(this.#clients, key.apiVersion);
      try {
        if (before === undefined) await deleteObject(client, key, signal);
        else await replaceObject(client, before, signal);
        this.#scopes.get(scope)?.delete(nameOfKey(key));
      } catch (thrown) {
        failure ??= thrown;
      }
    }
    if (failure !== undefined) throw failure;
    this.#scopes.delete(scope);
  }

  scopes(): string[] {
    return [...this.#scopes.keys()];
  }

  #remember(scope: string, key: ObjectKey, before: KubeObject | undefined): void {
    const entries = this.#scopes.get(scope) ?? new Map<string, Entry>();
    this.#scopes.set(scope, entries);
    // The state before the first change is what counts.
    if (!entries.has(nameOfKey(key))) entries.set(nameOfKey(key), { key, before });
  }
}
