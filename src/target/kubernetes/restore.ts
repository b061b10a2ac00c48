/**
 * Putting an object back to what it was. Only what this tool has changed is put back, so that what somebody else has
 * changed meanwhile stays; what both have changed is left alone.
 */
import { isDeepStrictEqual } from 'node:util';
import { type KubeClient, KubeError } from '../../kube/client.ts';
import { fieldManager, getObject, keyOf, patchObject } from '../../kube/objects.ts';
import { nameOfKey } from '../../names.ts';
import type { KubeObject } from '../target.ts';

export type Json = { readonly [name: string]: unknown };

/** How often to read and patch again when the object is changed in between. */
const attempts = 5;

/** What people write in an object: all but its status and what the API server notes about it. */
export function contentOf(object: KubeObject): Json {
  const { apiVersion: _, kind: __, status: ___, metadata, ...rest } = object;
  const { labels = {}, annotations = {}, finalizers, ownerReferences } = metadata;
  return {
    ...rest,
    metadata: {
      labels,
      annotations,
      ...(finalizers === undefined ? {} : { finalizers }),
      ...(ownerReferences === undefined ? {} : { ownerReferences }),
    },
  };
}

/** The JSON merge patch (RFC 7396) that turns one value into another; empty when they are equal. */
export function mergePatch(from: Json, to: Json): Json {
  const patch: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const [before, after] = [from[name], to[name]];
    if (isDeepStrictEqual(before, after)) continue;
    if (after === undefined) patch[name] = null;
    else patch[name] = isMap(before) && isMap(after) ? mergePatch(before, after) : after;
  }
  return patch;
}

/** Where the patch would overwrite what is not as this tool has left it: paths such as `spec.action`. */
export function conflicts(patch: Json, left: Json, current: Json, path: readonly string[] = []): string[] {
  return Object.keys(patch).flatMap((name) => {
    const [change, ours, now] = [patch[name], left[name], current[name]];
    if (isDeepStrictEqual(ours, now)) return [];
    if (isMap(change) && isMap(ours) && isMap(now)) return conflicts(change, ours, now, [...path, name]);
    return [[...path, name].join('.')];
  });
}

/**
 * Turns an object that was changed back into what it was.
 *
 * @param before as it was
 * @param left as this tool has left it
 * @returns why it is not put back, or undefined when it is
 */
export async function restoreObject(
  client: KubeClient,
  before: KubeObject,
  left: KubeObject,
  signal: AbortSignal,
): Promise<string | undefined> {
  const key = keyOf(before);
  const patch = mergePatch(contentOf(left), contentOf(before));
  if (Object.keys(patch).length === 0) return undefined;
  for (let attempt = 1; ; attempt++) {
    const current = await getObject(client, key, signal);
    if (current === undefined || (left.metadata.uid ?? current.metadata.uid) !== current.metadata.uid) {
      return `${nameOfKey(key)} was deleted by somebody else meanwhile: it is not put back`;
    }
    const lost = conflicts(patch, contentOf(left), contentOf(current));
    if (lost.length > 0) {
      const who = otherManagers(current).join(', ') || 'somebody else';
      return `${nameOfKey(key)} was changed meanwhile by ${who} where this run had changed it (${lost.join(', ')}): it is left as it is`;
    }
    try {
      const metadata = { ...(patch.metadata as object), resourceVersion: current.metadata.resourceVersion };
      const after = await patchObject(client, key, { ...patch, metadata }, signal);
      const alone = isDeepStrictEqual(contentOf(current), contentOf(left));
      await giveBack(client, after, alone ? before : undefined, signal);
      return undefined;
    } catch (thrown) {
      if (!(thrown instanceof KubeError && thrown.status === 409) || attempt === attempts) throw thrown;
    }
  }
}

/** An entry of metadata.managedFields. */
interface Managed {
  readonly manager?: string;
  readonly subresource?: string;
}

/** Who has set fields, other than this tool and those who write the status. */
export function otherManagers(object: KubeObject): string[] {
  return [
    ...new Set(
      managedFields(object)
        .filter(({ manager, subresource }) => manager !== fieldManager && subresource === undefined)
        .map(({ manager = '' }) => manager),
    ),
  ];
}

/** Whether this tool, and nobody else, has set fields of the object. */
export function isOnlyOurs(object: KubeObject): boolean {
  return (
    managedFields(object).some(({ manager }) => manager === fieldManager) &&
    otherManagers(object).length === 0
  );
}

/**
 * Takes this tool out of the managers of an object. Otherwise a field that its owner leaves out of a later
 * server-side apply would stay, because two managers had it.
 *
 * @param before whose managers the fields get back; without it, those that are left keep what they have
 */
async function giveBack(
  client: KubeClient,
  object: KubeObject,
  before: KubeObject | undefined,
  signal: AbortSignal,
): Promise<void> {
  const others = managedFields(object).filter(({ manager }) => manager !== fieldManager);
  const original = before === undefined ? [] : managedFields(before);
  const fields =
    original.length === 0
      ? others
      : [
          ...original.filter(({ subresource }) => subresource === undefined),
          ...others.filter(({ subresource }) => subresource !== undefined),
        ];
  // An empty list would make the API server forget all managers at once; then ours stays.
  if (fields.length === 0) return;
  const { resourceVersion } = object.metadata;
  try {
    await patchObject(
      client,
      keyOf(object),
      { metadata: { managedFields: fields, resourceVersion } },
      signal,
    );
  } catch (thrown) {
    // Somebody was faster. What matters is put back already.
    if (!(thrown instanceof KubeError && thrown.status === 409)) throw thrown;
  }
}

function managedFields(object: KubeObject): Managed[] {
  return (object.metadata.managedFields as Managed[] | undefined) ?? [];
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
