/** Deleting what this tool has created, but for what somebody else has a use for by now. */
import { HarnessError } from '../../../base/errors.ts';
import { nameOfKey } from '../../../base/names.ts';
import type { KubeClient } from '../../../kube/kube-client.ts';
import { KubeError } from '../../../kube/kube-error.ts';
import { applyObject, deleteObject, getObject, keyOf } from '../../../kube/objects.ts';
import type { KubeObject, ObjectKey } from '../../target.ts';
import { appliersOf, otherManagers, oursIn } from './managed-fields.ts';

/** How often to look again when the object is changed in between, as controllers do with its status. */
const attempts = 5;

/**
 * Deletes an object that would not be there without this tool. When somebody else has applied it too, it only loses what
 * this tool has set.
 *
 * @param left as this tool has left it; undefined when it is not known, since the API server has not answered or the run
 * was killed: then whoever else has written in it may have made it
 * @returns why it is still there; undefined when it is not
 */
export async function deleteCreated(
  client: KubeClient,
  key: ObjectKey,
  left: KubeObject | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  let known = left;
  for (let attempt = 0; ; attempt++) {
    if (known !== undefined) {
      const owners = left === undefined ? otherManagers(known) : appliersOf(known);
      if (owners.length > 0) return letGo(client, known, owners, signal);
      const { uid, resourceVersion } = known.metadata;
      try {
        await deleteObject(client, key, signal, attempt < attempts ? { uid, resourceVersion } : { uid });
        return undefined;
      } catch (thrown) {
        if (!(thrown instanceof KubeError && thrown.status === 409)) throw thrown;
      }
    }
    known = await getObject(client, key, signal);
    // Without an answer, and without a trace of the request, it was made by somebody else or not at all.
    if (known === undefined || (left === undefined && oursIn(known) === undefined)) return undefined;
    if (left !== undefined && known.metadata.uid !== left.metadata.uid)
      return `${nameOfKey(key)} was deleted and created again by somebody else meanwhile: it is left as it is`;
  }
}

/** Takes away what only this tool has set in an object that others have as well. */
async function letGo(
  client: KubeClient,
  object: KubeObject,
  owners: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const { apiVersion, kind, name, namespace } = keyOf(object);
  const bare = { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
  const what = `${nameOfKey(keyOf(object))} was created by jwt-e2e, and changed since by ${owners.join(', ')}`;
  try {
    await applyObject(client, bare, { signal });
    return `${what}: it stays, without what jwt-e2e has set`;
  } catch (thrown) {
    if (!(thrown instanceof HarnessError && thrown.code === 'E_REFUSED')) throw thrown;
    return `${what}: it stays as it is`;
  }
}
