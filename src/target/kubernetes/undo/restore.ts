/**
 * Putting an object back to what it would be without this tool. Only what this tool has changed is put back, so that what
 * somebody else has changed meanwhile stays, also where this tool had changed it before.
 */

import { isDeepStrictEqual } from 'node:util';
import { isMap } from '../../../base/kube-object.ts';
import { nameOfKey } from '../../../base/names.ts';
import type { KubeClient } from '../../../kube/kube-client.ts';
import { KubeError } from '../../../kube/kube-error.ts';
import { createObject, fieldManager, getObject, keyOf, patchObject } from '../../../kube/objects.ts';
import type { KubeObject } from '../../target.ts';
import {
  claimedSince,
  droppedSince,
  type FieldSet,
  type Managed,
  managedFields,
  managersWithout,
  minus,
  otherManagers,
  othersBeside,
  oursIn,
  union,
} from './managed-fields.ts';

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
 * What is left of `now` when the changes of this tool are taken back, but for those that somebody has changed since, or has
 * made their own.
 *
 * @param claimed what somebody has set since, maybe to the same
 */
function takeBack(patch: Json, left: Json, now: Json, claimed: FieldSet): Json {
  const result: Record<string, unknown> = { ...now };
  for (const [name, change] of Object.entries(patch)) {
    const [ours, is, theirs] = [left[name], now[name], claimed[`f:${name}`]];
    const isWhole = !Object.keys(theirs ?? {}).some((step) => step.startsWith('f:'));
    if (theirs !== undefined && isWhole) continue;
    if (isMap(change) && isMap(is) && (isMap(ours) || isDeepStrictEqual(ours, is))) {
      result[name] = takeBack(change, ours as Json, is, theirs ?? {});
    } else if (theirs === undefined && isDeepStrictEqual(ours, is)) {
      if (change === null) delete result[name];
      else result[name] = change;
    }
  }
  return result;
}

/** An object as it would be without this tool. */
export interface Without {
  readonly object: KubeObject;
  /** Paths that this tool had changed, and somebody else has changed since: they are as these have left them. */
  readonly theirs: readonly string[];
}

/**
 * The object as it would be if this tool had never changed it.
 *
 * @param before as it was
 * @param left as this tool has left it
 * @param now as it is
 */
export function without(before: KubeObject, left: KubeObject, now: KubeObject): Without {
  const patch = mergePatch(contentOf(left), contentOf(before));
  const [ours, is] = [contentOf(left), contentOf(now)];
  const managers = managersWithout(before, left, now);
  const kept = managers.map(({ fieldsV1 = {} }) => fieldsV1).reduce(union, {});
  const dropped = minus(droppedSince(before, left, now), kept) ?? {};
  const { metadata, ...content } = drop(takeBack(patch, ours, is, claimedSince(left, now)), dropped);
  return {
    object: replaced(now, content, metadata as object, managers),
    theirs: conflicts(patch, ours, is),
  };
}

/** What others would have of an object that this tool has created: all but what only this tool has set. */
export function withoutCreated(now: KubeObject): KubeObject {
  const others = managedFields(now).filter(({ manager }) => manager !== fieldManager);
  const theirs = others.map(({ fieldsV1 = {} }) => fieldsV1).reduce(union, {});
  const { metadata, ...content } = drop(contentOf(now), minus(oursIn(now) ?? {}, theirs) ?? {});
  return replaced(now, content, metadata as object, others);
}

function drop(content: Json, set: FieldSet): Json {
  const result: Record<string, unknown> = { ...content };
  for (const [step, below] of Object.entries(set)) {
    const name = step.slice(2);
    if (!step.startsWith('f:') || !(name in result)) continue;
    const value = result[name];
    if (Object.keys(below).length === 0) delete result[name];
    else if (isMap(value)) result[name] = drop(value, below);
  }
  return result;
}

/** The object with other content, and other managers of it. */
function replaced(
  object: KubeObject,
  content: Json,
  metadata: object,
  managedFields: readonly Managed[],
): KubeObject {
  const { labels: _, annotations: __, finalizers: ___, ownerReferences: ____, ...own } = object.metadata;
  const { apiVersion, kind } = object;
  return { apiVersion, kind, ...content, metadata: { ...own, ...metadata, managedFields } };
}

/**
 * How this tool has left an object, when the API server has changed it and never answered: as it was, with what this tool
 * has set in it.
 *
 * @param had what this tool had set in it before
 */
export function leftBy(before: KubeObject, now: KubeObject, had: FieldSet = {}): KubeObject {
  const set = union(oursIn(now) ?? {}, had);
  const { metadata, ...content } = overlay(contentOf(before), contentOf(now), set);
  const managers = othersBeside(before, now, set);
  return {
    ...content,
    apiVersion: now.apiVersion,
    kind: now.kind,
    metadata: { ...(metadata as object), name: now.metadata.name, managedFields: managers },
  };
}

function overlay(before: Json, now: Json, set: FieldSet): Json {
  const result: Record<string, unknown> = { ...before };
  for (const [step, below] of Object.entries(set)) {
    if (!step.startsWith('f:')) continue;
    const name = step.slice(2);
    const [was, is] = [before[name], now[name]];
    const isWhole = !Object.keys(below).some((each) => each.startsWith('f:'));
    if (!isWhole && isMap(is)) result[name] = overlay(isMap(was) ? was : {}, is, below);
    else if (is === undefined) delete result[name];
    else result[name] = is;
  }
  return result;
}

/**
 * Turns an object that was changed back into what it would be without this tool.
 *
 * @param before as it was
 * @param left as this tool has left it; undefined when it is not known, since the API server has not answered
 * @param had what this tool had set in it before that
 * @returns what is not as it was, and why; undefined when there is nothing
 */
export async function restoreObject(
  client: KubeClient,
  before: KubeObject,
  left: KubeObject | undefined,
  signal: AbortSignal,
  had?: FieldSet,
): Promise<string | undefined> {
  const key = keyOf(before);
  for (let attempt = 1; ; attempt++) {
    const now = await getObject(client, key, signal);
    const uid = (left ?? before).metadata.uid ?? now?.metadata.uid;
    if (now === undefined || uid !== now.metadata.uid) {
      return `${nameOfKey(key)} was deleted by somebody else meanwhile: it is not put back`;
    }
    // Its request never arrived, or was refused.
    if (left === undefined && had === undefined && isDeepStrictEqual(oursIn(now), oursIn(before)))
      return undefined;
    const { object, theirs } = without(before, left ?? leftBy(before, now, had), now);
    try {
      const { resourceVersion } = now.metadata;
      const patch = mergePatch(contentOf(now), contentOf(object));
      const isSame = Object.keys(patch).length === 0;
      const after = isSame
        ? now
        : await patchObject(
            client,
            key,
            { ...patch, metadata: { ...(patch.metadata as object), resourceVersion } },
            signal,
          );
      await setManagers(client, after, object.metadata.managedFields as Managed[], signal);
      if (theirs.length === 0) return undefined;
      const who = otherManagers(now).join(', ') || 'somebody else';
      return `${nameOfKey(key)} was changed meanwhile by ${who} where this run had changed it (${theirs.join(', ')}): that stays as it is`;
    } catch (thrown) {
      if (!(thrown instanceof KubeError && thrown.status === 409) || attempt === attempts) throw thrown;
    }
  }
}

/**
 * Creates an object again that was deleted, with those who managed it.
 *
 * @throws KubeError 409 when there is one again
 */
export async function recreate(client: KubeClient, before: KubeObject, signal: AbortSignal): Promise<void> {
  const created = await createObject(client, before, signal);
  const managers = managedFields(before).filter(({ subresource }) => subresource === undefined);
  await setManagers(client, created, managers, signal);
}

/**
 * Says who manages the fields of an object. Otherwise a field that its owner leaves out of a later server-side apply would
 * stay, because this tool had it too.
 */
async function setManagers(
  client: KubeClient,
  object: KubeObject,
  managers: readonly Managed[],
  signal: AbortSignal,
): Promise<void> {
  // An empty list would make the API server forget all managers at once; then ours stays.
  if (managers.length === 0 || isDeepStrictEqual(managers, managedFields(object))) return;
  const metadata = { managedFields: managers, resourceVersion: object.metadata.resourceVersion };
  try {
    await patchObject(client, keyOf(object), { metadata }, signal);
  } catch (thrown) {
    // Somebody was faster. What matters is put back already.
    if (!(thrown instanceof KubeError && thrown.status === 409)) throw thrown;
  }
}
