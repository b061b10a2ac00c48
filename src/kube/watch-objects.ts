/** Keeps a copy of all objects of a kind, as the API server has them: a list, and then every change. */
import { HarnessError } from '../base/errors.ts';
import { pause } from '../base/wait.ts';
import type { KubeObject } from '../target/target.ts';
import { objectsIn } from './answers.ts';
import type { KubeClient } from './kube-client.ts';

export interface WatchQuery {
  readonly apiVersion: string;
  readonly kind: string;
}

/** From the end of a watch to the beginning of the next one, in milliseconds. */
const againMs = 100;

/**
 * Calls `onChange` with each object that is there, was changed, or is gone, until the signal is aborted. A watch that
 * ends is begun again where it was, and with a list where that cannot be, so that nothing is missed; what is gone by then
 * is told as well.
 *
 * @returns once the first list has been told
 * @throws HarnessError E_KUBE when the first list cannot be had
 */
export async function watchObjects(
  client: KubeClient,
  query: WatchQuery,
  onChange: (object: KubeObject, gone: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  const { plural } = await client.resource(query.apiVersion, query.kind, signal);
  const group = query.apiVersion.includes('/') ? `/apis/${query.apiVersion}` : `/api/${query.apiVersion}`;
  const path = `${group}/${plural}`;
  const known = new Map<string, KubeObject>();
  const tell = (object: KubeObject, gone: boolean) => {
    const whole = { ...object, apiVersion: query.apiVersion, kind: query.kind };
    const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    if (gone) known.delete(key);
    else known.set(key, whole);
    onChange(whole, gone);
  };
  const list = async (): Promise<string> => {
    const { body } = await client.request(path, { signal });
    const items = objectsIn(body, query);
    const { resourceVersion = '' } =
      (body as { metadata?: { resourceVersion?: string } | null }).metadata ?? {};
    const there = new Set(items.map((each) => each.metadata.uid));
    for (const each of [...known.values()].filter(({ metadata: { uid } }) => !there.has(uid)))
      tell(each, true);
    for (const each of items) tell(each, false);
    return resourceVersion;
  };
  let version = await list();
  const watch = () =>
    client.stream(
      path,
      { watch: true, resourceVersion: version, allowWatchBookmarks: true },
      signal,
      (line) => {
        const { type, object } = JSON.parse(line) as { type: string; object: KubeObject };
        if (type === 'ERROR') throw new HarnessError('E_KUBE', `the watch of ${path} has ended`);
        version = object.metadata.resourceVersion ?? version;
        if (type !== 'BOOKMARK') tell(object, type === 'DELETED');
      },
    );
  void (async () => {
    while (!signal.aborted) {
      const whole = await watch().then(
        () => true,
        () => false,
      );
      await pause(againMs, signal).catch(() => {});
      // Too old a version, or a connection that was cut: the list says what is true.
      if (!whole && !signal.aborted) version = await list().catch(() => version);
    }
  })();
}
