/** What a run would touch, object by object: whose it is, and what would become of it. */

import { isDeepStrictEqual } from 'node:util';
import { HarnessError } from '../../base/errors.ts';
import { nameOfKey } from '../../base/names.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { applyObject, getObject, keyOf } from '../../kube/objects.ts';
import { type Clients, clientFor } from '../kubernetes/client-for.ts';
import { contentOf } from '../kubernetes/undo/restore.ts';
import type { KubeObject, ObjectKey } from '../target.ts';
import { isTemplated, type Ownership, withOwner } from './ownership.ts';

type Change = 'created' | 'changed' | 'unchanged' | 'deleted' | 'refused';

export interface Touch {
  readonly key: ObjectKey;
  readonly own: boolean;
  readonly change: Change;
  /** Why the API server refuses it, or what its admission webhooks warn of. */
  readonly note?: string | undefined;
}

export interface Wanted {
  readonly apply: readonly KubeObject[];
  readonly delete: readonly ObjectKey[];
}

/**
 * What would become of each object. Objects that are applied several times are there once for each different outcome.
 * Names with `${…}` still in them are left out; they are judged when they are applied.
 *
 * @param fresh own namespaces that are going to be created anew, so that what is in them now does not count
 * @param ask what the API server is asked: `dry-run`, or only whether there is an object of that name, for what is not
 *   this tool's own
 */
export async function touches(
  clients: Clients,
  ownership: Ownership,
  wanted: Wanted,
  fresh: (namespace: string) => boolean,
  ask: 'dry-run' | 'exists',
  signal: AbortSignal,
): Promise<Touch[]> {
  const found = new Map<string, Touch>();
  const add = (touch: Touch) =>
    found.set(JSON.stringify([nameOfKey(touch.key), touch.change, touch.note]), touch);
  for (const object of wanted.apply) {
    const key = keyOf(object);
    if (isTemplated(key)) continue;
    const own = await ownsOrUnknown(ownership, key, signal);
    const isNew = own && fresh(key.kind === 'Namespace' ? key.name : (key.namespace ?? 'default'));
    if (isNew) add({ key, own, change: 'created' });
    else if (ask === 'dry-run') {
      const labelled = key.kind === 'Namespace' ? withOwner(object, own) : object;
      add({ key, own, ...(await outcome(clients, labelled, signal)) });
    } else if (!own) {
      const live = await getObject(clientFor(clients, key.apiVersion), key, signal);
      add({ key, own, change: live === undefined ? 'created' : 'changed' });
    }
  }
  for (const key of wanted.delete) {
    if (isTemplated(key) || [...found.values()].some((touch) => sameObject(touch.key, key))) continue;
    const own = await ownsOrUnknown(ownership, key, signal);
    const isNew = own && fresh(key.namespace ?? 'default');
    const live = isNew ? undefined : await getObject(clientFor(clients, key.apiVersion), key, signal);
    if (live !== undefined) add({ key, own, change: 'deleted' });
  }
  return [...found.values()];
}

/** A kind that the API server does not have cannot belong to others; applying it will say what is wrong. */
async function ownsOrUnknown(ownership: Ownership, key: ObjectKey, signal: AbortSignal): Promise<boolean> {
  try {
    return await ownership.owns(key, signal);
  } catch (thrown) {
    if (thrown instanceof HarnessError && thrown.code === 'E_KUBE' && !(thrown instanceof KubeError))
      return true;
    throw thrown;
  }
}

async function outcome(
  clients: Clients,
  object: KubeObject,
  signal: AbortSignal,
): Promise<Pick<Touch, 'change' | 'note'>> {
  const client = clientFor(clients, object.apiVersion);
  try {
    const live = await getObject(client, keyOf(object), signal);
    const { object: would, warnings } = await applyObject(client, object, { dryRun: true, signal });
    const same = live !== undefined && isDeepStrictEqual(contentOf(live), contentOf(would));
    return {
      change: live === undefined ? 'created' : same ? 'unchanged' : 'changed',
      note: warnings.length === 0 ? undefined : warnings.join('; '),
    };
  } catch (thrown) {
    if (!(thrown instanceof HarnessError) || signal.aborted) throw thrown;
    return { change: 'refused', note: thrown.message };
  }
}

/** The same object, whatever version of its API it was named in. */
function sameObject(one: ObjectKey, other: ObjectKey): boolean {
  const group = ({ apiVersion }: ObjectKey) => (apiVersion.includes('/') ? apiVersion.split('/')[0] : '');
  return nameOfKey(one) === nameOfKey(other) && group(one) === group(other);
}

/**
 * What is not this tool's own among them, a line for each namespace, such as `in namespace istio-system:
 * RequestAuthentication jwt-example (created)`.
 */
export function foreignLines(all: readonly Touch[]): string[] {
  const byPlace = new Map<string, string[]>();
  for (const { key, own, change } of all) {
    if (own || change === 'unchanged') continue;
    const place =
      key.kind === 'Namespace'
        ? 'namespaces'
        : key.namespace === undefined
          ? 'for the whole cluster, or in namespace default'
          : `in namespace ${key.namespace}`;
    const items = byPlace.get(place) ?? [];
    items.push(`${key.kind} ${key.name} (${change})`);
    byPlace.set(place, items);
  }
  return [...byPlace].map(([place, items]) => `${place}: ${[...new Set(items)].join(', ')}`);
}
