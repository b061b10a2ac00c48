/**
 * Marks on objects in namespaces of others. A run that is killed cannot put back what it has changed; the marks let the
 * next one, or `jwt-e2e down`, find these objects and do it.
 */

import { KubeError } from '../../kube/client.ts';
import { deleteObject, keyOf } from '../../kube/objects.ts';
import { nameOfKey } from '../../names.ts';
import { type Clients, clientFor } from '../kubernetes/clients.ts';
import { contentOf, isOnlyOurs, type Json, otherManagers, restoreObject } from '../kubernetes/restore.ts';
import { istioVersion, listVisible } from '../kubernetes/sweep.ts';
import type { KubeObject } from '../target.ts';

/** `created` or `changed`. */
const touchedLabel = 'jwt-e2e/touched';
/** On a changed object: what it was before, and as this tool has left it, as JSON. */
const restoreAnnotation = 'jwt-e2e/restore';

interface Memory {
  readonly before: Json;
  readonly left: Json;
}

/**
 * The object with the marks.
 *
 * @param live as the API server has it; undefined when it does not exist
 * @param would as it would be after applying it without marks
 */
export function mark(object: KubeObject, live: KubeObject | undefined, would: KubeObject): KubeObject {
  const created = live === undefined || live.metadata.labels?.[touchedLabel] === 'created';
  const labels = { ...object.metadata.labels, [touchedLabel]: created ? 'created' : 'changed' };
  if (created) return { ...object, metadata: { ...object.metadata, labels } };
  // The state before the first change is what counts.
  const memory: Memory = { before: memoryOf(live)?.before ?? contentOf(live), left: contentOf(would) };
  const annotations = { ...object.metadata.annotations, [restoreAnnotation]: JSON.stringify(memory) };
  return { ...object, metadata: { ...object.metadata, labels, annotations } };
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
  ['security.istio.io', ['RequestAuthentication', 'AuthorizationPolicy']],
  ['networking.istio.io', ['ServiceEntry', 'DestinationRule', 'Gateway', 'VirtualService']],
  ['apps', ['Deployment']],
  ['', ['Namespace', 'Service', 'ConfigMap']],
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
    if (object.metadata.labels?.[touchedLabel] === 'created') {
      const others = otherManagers(object);
      if (!isOnlyOurs(object)) {
        warn(
          `${name} was created by a run that was killed, and changed since by ${others.join(', ')}: it stays`,
        );
      } else {
        await deleteObject(client, keyOf(object), signal, object.metadata.uid).catch(ignoreConflict);
        done.push(`deleted ${name}`);
      }
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
  const lists = kinds.map(async ([group, names]) => {
    const ofIstio = group.endsWith('.istio.io');
    const client = ofIstio ? clients.mesh : clients.data;
    const plain = group === '' ? 'v1' : `${group}/v1`;
    const apiVersion = ofIstio ? await istioVersion(client, group, names[0], signal) : plain;
    return Promise.all(
      names.map((kind) => listVisible(client, { apiVersion, kind, labelSelector: touchedLabel }, signal)),
    );
  });
  const found = (await Promise.all(lists)).flat(2);
  return found.sort((one, other) => (nameOfKey(keyOf(one)) < nameOfKey(keyOf(other)) ? -1 : 1));
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
  return [
    toObject(memory.before, {}, {}),
    toObject(
      memory.left,
      { [touchedLabel]: metadata.labels?.[touchedLabel] },
      { [restoreAnnotation]: metadata.annotations?.[restoreAnnotation] },
    ),
  ];
}

function ignoreConflict(thrown: unknown): void {
  if (!(thrown instanceof KubeError && thrown.status === 409)) throw thrown;
}
