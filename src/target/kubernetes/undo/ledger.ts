/** Remembers, per scope, what every object was before it was changed, so that it can be put back. */
import { isDeepStrictEqual } from 'node:util';
import { HarnessError } from '../../../base/errors.ts';
import { nameOfKey } from '../../../base/names.ts';
import { timeouts } from '../../../base/timeouts.ts';
import { together, until } from '../../../base/wait.ts';
import type { KubeClient } from '../../../kube/kube-client.ts';
import { KubeError } from '../../../kube/kube-error.ts';
import { applyObject, deleteObject, getObject, keyOf } from '../../../kube/objects.ts';
import type { Applied, KubeObject, ObjectKey } from '../../target.ts';
import { type Clients, clientFor } from '../client-for.ts';
import { deleteCreated } from './delete-created.ts';
import { appliersOf, type FieldSet, oursIn, union } from './managed-fields.ts';
import { leftBy, recreate, restoreObject, without, withoutCreated } from './restore.ts';

/** How many objects are read at a time. */
const atOnce = 8;

interface Entry {
  readonly key: ObjectKey;
  /** As it would be without this tool. Undefined: it would not exist. */
  before: KubeObject | undefined;
  /** As this tool has left it; undefined when the API server has not answered, or has refused it. */
  after?: KubeObject | undefined;
  /** What this tool had set in it before it got no answer. */
  had?: FieldSet | undefined;
  deleted: boolean;
}

export class Ledger {
  readonly #clients: Clients;
  readonly #warn: (message: string) => void;
  readonly #scopes = new Map<string, Map<string, Entry>>();

  /** @param warn told what cannot be put back because somebody else has changed it */
  constructor(clients: Clients, warn: (message: string) => void = () => {}) {
    this.#clients = clients;
    this.#warn = warn;
  }

  /** Applies one object and remembers what was there before. @throws HarnessError E_REFUSED */
  async apply(
    object: KubeObject,
    scope: string,
    signal: AbortSignal,
  ): Promise<Applied & { readonly object: KubeObject }> {
    const client = clientFor(this.#clients, object.apiVersion);
    const key = keyOf(object);
    const before = await untilNotLeaving(client, key, signal);
    // Remembered before it is applied: an interruption in between must not lose it.
    const isFirst = !this.#scopes.get(scope)?.has(idOf(key));
    const entry = this.#remember(scope, key, before);
    const wasOurs = entry.after !== undefined && !entry.deleted;
    // Until there is an answer nobody knows how the object was left.
    const ours = before && !isFirst ? oursIn(before) : undefined;
    if (ours !== undefined) entry.had = union(entry.had ?? {}, ours);
    entry.after = undefined;
    entry.deleted = false;
    const { object: after, warnings } = await applyObject(client, object, { signal }).catch((thrown) => {
      if (wasOurs && thrown instanceof HarnessError && thrown.code === 'E_REFUSED') entry.after = before;
      throw thrown;
    });
    entry.after = after;
    entry.had = undefined;
    const same = before?.metadata.resourceVersion === after.metadata.resourceVersion;
    return {
      key,
      change: before === undefined ? 'created' : same ? 'unchanged' : 'changed',
      warnings,
      object: after,
    };
  }

  /**
   * Applies again what the scope has applied before, without looking at what is there: nobody else has a use for it.
   *
   * @returns whether the scope has it; if not, nothing was done
   */
  async applyAgain(object: KubeObject, scope: string, signal: AbortSignal): Promise<boolean> {
    const entry = this.#scopes.get(scope)?.get(idOf(keyOf(object)));
    if (entry?.after === undefined || entry.deleted) return false;
    const client = clientFor(this.#clients, object.apiVersion);
    entry.after = (await applyObject(client, object, { signal })).object;
    return true;
  }

  /** Deletes one object and remembers it. */
  async delete(key: ObjectKey, scope: string, signal: AbortSignal): Promise<Applied> {
    const client = clientFor(this.#clients, key.apiVersion);
    const before = await getObject(client, key, signal);
    if (before === undefined) return { key, change: 'unchanged', warnings: [] };
    // Noted before it is done, as the answer may never come.
    const entry = this.#remember(scope, key, before);
    entry.deleted = true;
    entry.after = before;
    await deleteObject(client, key, signal);
    return { key, change: 'deleted', warnings: [] };
  }

  /**
   * Puts everything of the scope back, last change first, or only what `wanted` chooses. Goes on after an error and
   * throws the first one at the end.
   */
  async undo(
    scope: string,
    signal: AbortSignal,
    wanted: (key: ObjectKey) => boolean = () => true,
  ): Promise<void> {
    const entries = [...(this.#scopes.get(scope)?.values() ?? [])].reverse();
    let failure: unknown;
    for (const entry of entries.filter(({ key }) => wanted(key))) {
      try {
        const warning = await this.#undoOne(entry, signal);
        if (warning !== undefined) this.#warn(warning);
        this.#scopes.get(scope)?.delete(idOf(entry.key));
      } catch (thrown) {
        failure ??= thrown;
      }
    }
    if (failure !== undefined) throw failure;
    if (this.#scopes.get(scope)?.size === 0) this.#scopes.delete(scope);
  }

  /** What somebody else has done to what was applied or deleted in all scopes, and is not put back: each with its name. */
  async altered(signal: AbortSignal): Promise<string[]> {
    const entries = [...this.#scopes.values()].flatMap((scope) => [...scope.values()]);
    const found = await together(entries, (entry, own) => this.#alteration(entry, own), signal, atOnce);
    return found.flatMap((each) => each ?? []);
  }

  async #alteration({ key, after, deleted }: Entry, signal: AbortSignal): Promise<string | undefined> {
    // Without an answer nobody knows how it was left.
    if (after === undefined) return undefined;
    const now = await getObject(clientFor(this.#clients, key.apiVersion), key, signal);
    const name = nameOfKey(key);
    const isAnother = now?.metadata.uid !== after.metadata.uid;
    if (deleted) return now !== undefined && isAnother ? `${name} was created again` : undefined;
    if (now === undefined || isAnother || now.metadata.deletionTimestamp !== undefined)
      return `${name} was deleted`;
    return hasAll(now, after) ? undefined : `${name} was changed`;
  }

  scopes(): string[] {
    return [...this.#scopes.keys()];
  }

  /** Everything that was applied or deleted in a scope. */
  keys(scope: string): ObjectKey[] {
    return [...(this.#scopes.get(scope)?.values() ?? [])].map(({ key }) => key);
  }

  /** Returns what is not as it was, and why; undefined when there is nothing. */
  async #undoOne(
    { key, before, after, had, deleted }: Entry,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const client = clientFor(this.#clients, key.apiVersion);
    if (before === undefined) return deleteCreated(client, key, after, signal);
    if (deleted) return this.#createAgain(before, after, signal);
    const isOther = after !== undefined && after.metadata.uid !== before.metadata.uid;
    const now = isOther ? await getObject(client, key, signal) : undefined;
    // Deleted and made anew by this tool: some fields, such as the address of a Service, cannot be set back in it.
    if (isOther && now?.metadata.uid === after.metadata.uid) {
      const { object } = without(before, after, now!);
      await deleteObject(client, key, signal, { uid: after.metadata.uid });
      return this.#createAgain(object, after, signal);
    }
    return restoreObject(client, before, after, signal, had);
  }

  async #createAgain(
    before: KubeObject,
    after: KubeObject | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const client = clientFor(this.#clients, before.apiVersion);
    const name = nameOfKey(keyOf(before));
    const create = async (): Promise<{ warning?: string | undefined } | string> => {
      try {
        await recreate(client, before, signal);
        return {};
      } catch (thrown) {
        if (!(thrown instanceof KubeError && thrown.status === 409)) throw thrown;
        const current = await getObject(client, keyOf(before), signal);
        if (current === undefined || current.metadata.deletionTimestamp !== undefined) {
          return 'the old one is not gone yet';
        }
        if (current.metadata.uid === (after ?? before).metadata.uid) {
          // Interrupted before it was deleted.
          return { warning: await restoreObject(client, before, after, signal) };
        }
        return { warning: `${name} was created again by somebody else meanwhile: it is left as it is` };
      }
    };
    const done = await until(`creating ${name} again`, create, { timeoutMs: 30_000, signal });
    return done.warning;
  }

  /** @param now as it is before it is changed */
  #remember(scope: string, key: ObjectKey, now: KubeObject | undefined): Entry {
    const entries = this.#scopes.get(scope) ?? new Map<string, Entry>();
    this.#scopes.set(scope, entries);
    const known = entries.get(idOf(key));
    const before = known === undefined ? now : beforeOf(known, now);
    const entry = known ?? { key, before, deleted: false };
    entry.before = before;
    entries.set(idOf(key), entry);
    return entry;
  }
}

/** What an object would be without this tool: as it was before the first change, with what others have changed since. */
function beforeOf(
  { before, after, had, deleted }: Entry,
  now: KubeObject | undefined,
): KubeObject | undefined {
  if (deleted && (now === undefined || now.metadata.uid === (after ?? before)?.metadata.uid)) return before;
  if (now === undefined || deleted) return now;
  // Deleted, and created again.
  if (after !== undefined && after.metadata.uid !== now.metadata.uid) return now;
  if (before === undefined) return appliersOf(now).length > 0 ? withoutCreated(now) : undefined;
  return without(before, after ?? leftBy(before, now, had), now).object;
}

/**
 * The object as it is, once it is not being deleted: a Namespace that an earlier scenario had takes its time, and what is
 * applied to it meanwhile goes with it.
 */
async function untilNotLeaving(
  client: KubeClient,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const name = nameOfKey(key);
  const { object } = await until(
    `${name} being gone, which is applied again`,
    async () => {
      const object = await getObject(client, key, signal);
      return object?.metadata.deletionTimestamp === undefined ? { object } : 'it is still being deleted';
    },
    {
      timeoutMs: timeouts.deleteNamespaces,
      signal,
      hint: `Look at what holds it back: kubectl get ${key.kind} ${key.name} -o yaml`,
    },
  );
  return object;
}

/** Tells objects apart: there are Gateways of Istio and of Kubernetes, while versions of a group show the same object. */
function idOf(key: ObjectKey): string {
  const group = key.apiVersion.split('/').slice(0, -1);
  return [...group, nameOfKey(key)].join(' ');
}

/** Whether an object is as it was but for its status and for what only its controllers write into its metadata. */
function hasAll(now: KubeObject, before: KubeObject): boolean {
  const { metadata: isNow, status: _now, ...rest } = now;
  const { metadata: was, status: _was, ...restBefore } = before;
  const has = (field: 'labels' | 'annotations') =>
    Object.entries(was[field] ?? {})
      .filter(([name]) => !name.startsWith('deployment.kubernetes.io/'))
      .every(([name, value]) => isNow[field]?.[name] === value);
  return isDeepStrictEqual(rest, restBefore) && has('labels') && has('annotations');
}
