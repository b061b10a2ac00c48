/** Reading, applying and deleting objects of any kind, as plain JSON. */
import { HarnessError } from '../base/errors.ts';
import { nameOfKey } from '../base/names.ts';
import type { KubeObject, ObjectKey } from '../target/target.ts';
import { objectIn, objectsIn } from './answers.ts';
import type { KubeClient } from './kube-client.ts';
import { KubeError } from './kube-error.ts';

/** The name under which the API server notes which fields this tool has set. */
export const fieldManager = 'jwt-e2e';

export function keyOf(object: KubeObject): ObjectKey {
  const { apiVersion, kind, metadata } = object;
  return { apiVersion, kind, name: metadata.name, namespace: metadata.namespace };
}

async function pathOf(client: KubeClient, key: ObjectKey, signal: AbortSignal): Promise<string> {
  const { plural, namespaced } = await client.resource(key.apiVersion, key.kind, signal);
  return `${collection(key.apiVersion, plural, namespaced ? (key.namespace ?? 'default') : undefined)}/${segment(key.name)}`;
}

function collection(apiVersion: string, plural: string, namespace: string | undefined): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespace === undefined
    ? `${group}/${plural}`
    : `${group}/namespaces/${segment(namespace)}/${plural}`;
}

/** A name in a path. Kubernetes refuses these two (IsValidPathSegmentName), but a path with them leads to all objects of a kind. */
function segment(name: string): string {
  if (name === '.' || name === '..') {
    const hint = 'Correct the name of the object, or of its namespace.';
    throw new HarnessError('E_KUBE', `nothing in Kubernetes can be called "${name}"`, { hint });
  }
  return encodeURIComponent(name);
}

/** The object as the API server has it, or undefined. */
export async function getObject(
  client: KubeClient,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    const { body } = await client.request(await pathOf(client, key, signal), { signal });
    return objectIn(body, key.kind);
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
  return objectsIn(body, query);
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
    return { object: objectIn(body, key.kind), warnings };
  } catch (thrown) {
    const unknownField = thrown instanceof KubeError ? thrown.message.match(notTyped)?.[1] : undefined;
    if (thrown instanceof KubeError && ([400, 403, 422].includes(thrown.status) || unknownField)) {
      if (mayNot.test(thrown.message)) {
        throw new HarnessError('E_KUBE', `${nameOfKey(key)} may not be applied: ${thrown.message}`, {
          hint: `Use a context other than ${client.name}, or let its user do this.`,
          cause: thrown,
        });
      }
      throw new HarnessError(
        'E_REFUSED',
        `${nameOfKey(key)} was refused: ${unknownField ?? thrown.message}`,
        { cause: thrown },
      );
    }
    throw thrown;
  }
}

/** How server-side apply refuses a field that the schema does not have, with status 500 of all. */
const notTyped = /^failed to create typed patch object \(.*?\): (.*)$/s;

/** What RBAC says, which is a matter of who runs this and no verdict about the object. */
const mayNot = /User ".*" cannot \w+ resource/;

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
    query: { fieldManager },
    body: patch,
    signal,
  });
  return body as KubeObject;
}

/** Creates an object again that was read before it was deleted. @throws KubeError 409 when there is one again */
export async function createObject(
  client: KubeClient,
  object: KubeObject,
  signal: AbortSignal,
): Promise<KubeObject> {
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
  const { body } = await client.request(path.slice(0, path.lastIndexOf('/')), {
    method: 'POST',
    query: { fieldManager },
    body: { ...rest, metadata },
    signal,
  });
  return body as KubeObject;
}

/**
 * Deletes an object; false when it was not there.
 *
 * @param only when given: only the object with this uid, not another one that has its name since, and as it is in this version
 * @throws KubeError 409 when it is another one
 */
export async function deleteObject(
  client: KubeClient,
  key: ObjectKey,
  signal: AbortSignal,
  only?: { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined },
): Promise<boolean> {
  try {
    await client.request(await pathOf(client, key, signal), {
      method: 'DELETE',
      query: { propagationPolicy: 'Background' },
      body: only === undefined ? undefined : { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: only },
      signal,
    });
    return true;
  } catch (thrown) {
    if (thrown instanceof KubeError && thrown.status === 404) return false;
    throw thrown;
  }
}
