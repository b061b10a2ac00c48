/** Reading, applying and deleting objects of any kind, as plain JSON. */
import { HarnessError } from '../errors.ts';
import { nameOfKey } from '../names.ts';
import type { KubeObject, ObjectKey } from '../target/target.ts';
import { type KubeClient, KubeError } from './client.ts';

const fieldManager = 'jwt-e2e';

export function keyOf(object: KubeObject): ObjectKey {
  const { apiVersion, kind, metadata } = object;
  return { apiVersion, kind, name: metadata.name, namespace: metadata.namespace };
}

async function pathOf(client: KubeClient, key: ObjectKey, signal: AbortSignal): Promise<string> {
  const { plural, namespaced } = await client.resource(key.apiVersion, key.kind, signal);
  return `${collection(key.apiVersion, plural, namespaced ? (key.namespace ?? 'default') : undefined)}/${key.name}`;
}

function collection(apiVersion: string, plural: string, namespace: string | undefined): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespace === undefined ? `${group}/${plural}` : `${group}/namespaces/${namespace}/${plural}`;
}

/** The object as the API server has it, or undefined. */
export async function getObject(
  client: KubeClient,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    const { body } = await client.request(await pathOf(client, key, signal), { signal });
    return body as KubeObject;
  } catch (thrown) {
    if (thrown instanceof KubeError && thrown.status === 404) return undefined;
    throw thrown;
  }
}

/** All objects of a kind, in one namespace or in all. Lists leave out apiVersion and kind of items; they are filled in. */
export async function listObjects(
  client: KubeClient,
  query: {
    apiVersion: string;
    kind: string;
    namespace?: string | undefined;
    labelSelector?: string | undefined;
  },
  signal: AbortSignal,
): Promise<KubeObject[]> {
  const { plural, namespaced } = await client.resource(query.apiVersion, query.kind, signal);
  const path = collection(query.apiVersion, plural, namespaced ? query.namespace : undefined);
  const { body } = await client.request(path, { signal, query: { labelSelector: query.labelSelector } });
  return ((body as { items?: KubeObject[] }).items ?? []).map((item) => ({
    ...item,
    apiVersion: query.apiVersion,
    kind: query.kind,
  }));
}

/**
 * Server-side apply with strict field validation, so that a misspelt field is refused and not dropped.
 *
 * @throws HarnessError E_REFUSED when the API server or an admission webhook refuses the object.
 */
export async function applyObject(
  client: KubeClient,
  object: KubeObject,
  options: { dryRun?: boolean; signal: AbortSignal },
): Promise<{ object: KubeObject; warnings: string[] }> {
  const key = keyOf(object);
  try {
    const { body, warnings } = await client.request(await pathOf(client, key, options.signal), {
      method: 'PATCH',
      contentType: 'application/apply-patch+yaml',
      query: {
        fieldManager,
        force: true,
        fieldValidation: 'Strict',
        dryRun: options.dryRun ? 'All' : undefined,
      },
      body: object,
      signal: options.signal,
    });
    return { object: body as KubeObject, warnings };
  } catch (thrown) {
    if (thrown instanceof KubeError && [400, 403, 422].includes(thrown.status)) {
      throw new HarnessError('E_REFUSED', `${nameOfKey(key)} was refused: ${thrown.message}`, {
        cause: thrown,
      });
    }
    throw thrown;
  }
}

/** Changes some fields, by JSON merge patch (RFC 7386). */
export async function patchObject(
  client: KubeClient,
  key: ObjectKey,
  patch: unknown,
  signal: AbortSignal,
  contentType = 'application/merge-patch+json',
): Promise<KubeObject> {
  const { body } = await client.request(await pathOf(client, key, signal), {
    method: 'PATCH',
    contentType,
    body: patch,
    signal,
  });
  return body as KubeObject;
}

/** Puts back an object exactly as it was read before. */
export async function replaceObject(
  client: KubeClient,
  object: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const path = await pathOf(client, keyOf(object), signal);
  const {
    managedFields: _,
    resourceVersion: __,
    uid: ___,
    creationTimestamp: ____,
    generation: _____,
    ...metadata
  } = object.metadata;
  const { status: ______, ...rest } = object;
  const body = { ...rest, metadata };
  try {
    const current = await client.request(path, { signal });
    const version = (current.body as KubeObject).metadata.resourceVersion;
    await client.request(path, {
      method: 'PUT',
      body: { ...body, metadata: { ...metadata, resourceVersion: version } },
      signal,
    });
  } catch (thrown) {
    if (!(thrown instanceof KubeError && thrown.status === 404)) throw thrown;
    await client.request(path.slice(0, path.lastIndexOf('/')), { method: 'POST', body, signal });
  }
}

/** Deletes an object; false when it was not there. */
export async function deleteObject(
  client: KubeClient,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await client.request(await pathOf(client, key, signal), {
      method: 'DELETE',
      query: { propagationPolicy: 'Background' },
      signal,
    });
    return true;
  } catch (thrown) {
    if (thrown instanceof KubeError && thrown.status === 404) return false;
    throw thrown;
  }
}
