/**
 * Marks on objects in namespaces of others. A run that is killed cannot put back what it has changed; the marks let the
 * next one, or `jwt-e2e down`, find these objects and do it.
 */

import { createHash } from 'node:crypto';
import { nameOfKey } from '../../base/names.ts';
import { deleteObject, getObject, keyOf } from '../../kube/objects.ts';
import { type Clients, clientFor } from '../kubernetes/client-for.ts';
import { deleteCreated } from '../kubernetes/undo/delete-created.ts';
import {
  appliersOf,
  type FieldSet,
  type Managed,
  managedFields,
  othersBeside,
  oursIn,
  union,
} from '../kubernetes/undo/managed-fields.ts';
import {
  contentOf,
  type Json,
  recreate,
  restoreObject,
  without,
  withoutCreated,
} from '../kubernetes/undo/restore.ts';
import { listKinds, policiesAndRoutes } from '../kubernetes/undo/sweep.ts';
import type { KubeObject } from '../target.ts';

/** `created` or `changed`; `deleted` on the record of an object that this tool has deleted. */
const touchedLabel = 'jwt-e2e/touched';
/** On a changed object: what it was before, and as this tool has left it, as JSON. */
const restoreAnnotation = 'jwt-e2e/restore';

interface Memory {
  /** As it would be without this tool. */
  readonly before: Json;
  /** Who had set which fields of it. */
  readonly managers?: readonly Managed[];
  /** What this tool had set in it before it changed it once more. */
  readonly had?: FieldSet;
  readonly left: Json;
}

/**
 * The object with the marks.
 *
 * @param live as the API server has it; undefined when it does not exist
 * @param would as it would be after applying it without marks
 */
export function mark(object: KubeObject, live: KubeObject | undefined, would: KubeObject): KubeObject {
  const created = live === undefined || isOnlyOurs(live);
  const labels = { ...object.metadata.labels, [touchedLabel]: created ? 'created' : 'changed' };
  if (created) return { ...object, metadata: { ...object.metadata, labels } };
  const before = withoutUs(live);
  const memory: Memory = {
    before: contentOf(before),
    managers: managedFields(before),
    had: union(memoryOf(live)?.had ?? {}, oursIn(live) ?? {}),
    left: contentOf(would),
  };
  const annotations = { ...object.metadata.annotations, [restoreAnnotation]: JSON.stringify(memory) };
  return { ...object, metadata: { ...object.metadata, labels, annotations } };
}

/** Created by this tool, and applied by nobody else since. */
function isOnlyOurs(live: KubeObject): boolean {
  return live.metadata.labels?.[touchedLabel] === 'created' && appliersOf(live).length === 0;
}

/** The state before the first change is what counts, with what somebody else has changed since. */
function withoutUs(live: KubeObject): KubeObject {
  if (live.metadata.labels?.[touchedLabel] === 'created') return withoutCreated(live);
  const memory = memoryOf(live);
  return memory === undefined ? live : without(...remembered(live, memory), live).object;
}

/**
 * What remembers an object while it is deleted: beside it, in an object of a kind that may have what it has. Undefined for
 * what this tool has created itself.
 */
export function recordOf(live: KubeObject): KubeObject | undefined {
  if (isOnlyOurs(live)) return undefined;
  const hash = createHash('sha256')
    .update(nameOfKey(keyOf(live)))
    .digest('hex')
    .slice(0, 16);
  return {
    apiVersion: 'v1',
    kind: live.kind === 'Secret' ? 'Secret' : 'ConfigMap',
    metadata: {
      name: `jwt-e2e-deleted-${hash}`,
      namespace: live.metadata.namespace ?? 'default',
      labels: { [touchedLabel]: 'deleted' },
    },
    [live.kind === 'Secret' ? 'stringData' : 'data']: { object: JSON.stringify(withoutUs(live)) },
  };
}

function recorded(record: KubeObject): KubeObject | undefined {
  const { object = '' } = (record as { data?: { object?: string } }).data ?? {};
  try {
    const text = record.kind === 'Secret' ? Buffer.from(object, 'base64').toString() : object;
    return JSON.parse(text) as KubeObject;
  } catch {
    return undefined;
  }
}

function memoryOf(object: KubeObject): Memory | undefined {
  const text = object.metadata.annotations?.[restoreAnnotation];
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Memory);
  } catch {
    return undefined;
  }
}

/** Kinds that are looked through for marks: those that scenarios and applications use. */
const kinds = [
  ...policiesAndRoutes,
  ['apps', ['v1'], ['Deployment', 'StatefulSet', 'DaemonSet']],
  ['', ['v1'], ['Namespace', 'Service', 'ConfigMap', 'Secret', 'ServiceAccount', 'Pod']],
] as const;

/**
 * Puts back what a killed run has left in namespaces of others: deletes what it has created, restores what it has
 * changed. Kinds that this user may not list are left out.
 *
 * @param warn told what is left as it is, and why
 * @returns what was done, such as `restored RequestAuthentication istio-system/jwt-example`
 */
export async function sweepMarked(
  clients: Clients,
  warn: (message: string) => void,
  signal: AbortSignal,
): Promise<string[]> {
  const done: string[] = [];
  for (const object of await findMarked(clients, signal)) {
    const client = clientFor(clients, object.apiVersion);
    const name = nameOfKey(keyOf(object));
    const touched = object.metadata.labels?.[touchedLabel];
    if (touched === 'deleted') {
      const lost = recorded(object);
      if (
        lost !== undefined &&
        (await getObject(clientFor(clients, lost.apiVersion), keyOf(lost), signal)) === undefined
      ) {
        await recreate(clientFor(clients, lost.apiVersion), lost, signal);
        done.push(`created ${nameOfKey(keyOf(lost))} again`);
      }
      await deleteObject(client, keyOf(object), signal);
      continue;
    }
    if (touched === 'created') {
      const why = await deleteCreated(client, keyOf(object), undefined, signal);
      if (why === undefined) done.push(`deleted ${name}`);
      else warn(why);
      continue;
    }
    const memory = memoryOf(object);
    const why =
      memory === undefined
        ? `${name} was changed by a run that was killed, and what it was before is lost: it stays as it is`
        : await restoreObject(client, ...remembered(object, memory), signal);
    if (why === undefined) done.push(`restored ${name}`);
    else warn(why);
  }
  return done;
}

/** Everything with a mark that this user may see. */
export async function findMarked(clients: Clients, signal: AbortSignal): Promise<KubeObject[]> {
  const found = await listKinds(clients, kinds, [{ labelSelector: touchedLabel }], signal);
  // What was created may be in the place of what was deleted.
  const order = (object: KubeObject) =>
    `${object.metadata.labels?.[touchedLabel] === 'deleted'} ${nameOfKey(keyOf(object))}`;
  return found.sort((one, other) => (order(one) < order(other) ? -1 : 1));
}

/** The object before, and as the killed run has left it, marks included. */
function remembered(object: KubeObject, memory: Memory): [before: KubeObject, left: KubeObject] {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace, uid } = metadata;
  const identity = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
  };
  const toObject = (content: Json, labels: object, annotations: object): KubeObject => {
    const own = content.metadata as { labels: object; annotations: object };
    return {
      ...content,
      apiVersion,
      kind,
      metadata: {
        ...own,
        ...identity,
        labels: { ...own.labels, ...labels },
        annotations: { ...own.annotations, ...annotations },
      } as KubeObject['metadata'],
    };
  };
  const managed = (content: KubeObject, managers: readonly Managed[] | undefined): KubeObject =>
    managers === undefined
      ? content
      : { ...content, metadata: { ...content.metadata, managedFields: managers } };
  const before = managed(toObject(memory.before, {}, {}), memory.managers);
  const left = toObject(
    memory.left,
    { [touchedLabel]: metadata.labels?.[touchedLabel] },
    { [restoreAnnotation]: metadata.annotations?.[restoreAnnotation] },
  );
  return [before, managed(left, othersBeside(before, object, union(oursIn(object) ?? {}, memory.had ?? {})))];
}
