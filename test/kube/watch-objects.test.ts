import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { KubeClient } from '../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../src/kube/kube-config.ts';
import { watchObjects } from '../../src/kube/watch-objects.ts';
import type { KubeObject } from '../../src/target/target.ts';
import { FakeApi, failure } from '../support/fake-api.ts';

let api: FakeApi;
let client: KubeClient;
let aborted: AbortController;
const told: string[] = [];
/** The copy that a watcher keeps. */
const copy = new Map<string, KubeObject>();
beforeAll(async () => {
  api = await FakeApi.start();
});
beforeEach(() => {
  api.reset();
  client = new KubeClient(loadKubeConfig({ file: api.kubeconfig }));
  aborted = new AbortController();
  told.length = 0;
  copy.clear();
});
afterEach(async () => {
  aborted.abort();
  await expect.poll(() => api.watches).toBe(0);
  await client.close();
});
afterAll(async () => {
  await api.stop();
});

const put = (name: string, data: Record<string, string> = {}, namespace = 'foo') =>
  api.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data });
const remove = (name: string) => api.remove('v1', 'ConfigMap', name, 'foo');

async function watch(query = { apiVersion: 'v1', kind: 'ConfigMap' }): Promise<void> {
  const onChange = (object: KubeObject, gone: boolean) => {
    told.push(`${gone ? '-' : '+'}${object.metadata.name}`);
    if (gone) copy.delete(object.metadata.name);
    else copy.set(object.metadata.name, object);
  };
  await watchObjects(client, query, onChange, aborted.signal);
}
const watching = () => expect.poll(() => api.watches).toBe(1);
const has = (names: string[]) => expect.poll(() => [...copy.keys()].sort()).toEqual(names);

describe('what there is', () => {
  test('is told before anything else, whole, in all namespaces', async () => {
    put('a', { x: '1' });
    put('b', {}, 'bar');
    await watch();
    expect(told).toEqual(['+a', '+b']);
    expect(copy.get('a')).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { x: '1' } });
    expect(copy.get('b')?.metadata.namespace).toBe('bar');
  });

  test('is found in other groups and for kinds without a namespace', async () => {
    api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'foo' } });
    await watch({ apiVersion: 'v1', kind: 'Namespace' });
    await watch({ apiVersion: 'apps/v1', kind: 'Deployment' });
    expect(told).toEqual(['+foo']);
    expect(api.log('GET')).toContain('GET /apis/apps/v1/deployments');
    await expect.poll(() => api.watches).toBe(2);
  });

  test('is an error when it cannot be had', async () => {
    api.rule('GET', /configmaps$/, failure(403, 'Forbidden', 'configmaps is forbidden'));
    await expect(watch()).rejects.toMatchObject({ code: 'E_KUBE', status: 403 });
    await expect(watch({ apiVersion: 'v1', kind: 'Unknown' })).rejects.toMatchObject({ code: 'E_KUBE' });
    expect(api.log('GET').filter((line) => line.endsWith('configmaps'))).toHaveLength(1);
  });
});

describe('what changes', () => {
  test('is told once, from the list on', async () => {
    put('a');
    await watch();
    // Before the watch has begun.
    put('b');
    await has(['a', 'b']);
    await watching();
    put('a', { x: '2' });
    remove('b');
    put('c');
    await has(['a', 'c']);
    expect(told).toEqual(['+a', '+b', '+a', '-b', '+c']);
    expect(copy.get('a')).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { x: '2' } });
  });

  test('of other kinds is not', async () => {
    await watch();
    await watching();
    api.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'foo' } });
    put('a');
    await has(['a']);
    expect(told).toEqual(['+a']);
  });
});

describe('a watch that ends', () => {
  test.each(['end', 'cut'] as const)('by %s is begun again, and nothing is missed', async (how) => {
    put('a');
    put('b');
    await watch();
    await watching();
    api.endWatches(how);
    put('a', { x: '2' });
    remove('b');
    put('c');
    await has(['a', 'c']);
    expect(copy.get('a')).toMatchObject({ data: { x: '2' } });
    await watching();
    put('d');
    await has(['a', 'c', 'd']);
  });

  test('and cannot go on from where it was begins with a list; what is gone is told, what came again too', async () => {
    put('a');
    put('b');
    put('c');
    await watch();
    await watching();
    api.endWatches();
    remove('b');
    remove('c');
    put('c', { second: 'yes' });
    api.compact();
    await has(['a', 'c']);
    expect(copy.get('c')).toMatchObject({ data: { second: 'yes' } });
    expect(told.filter((line) => line.startsWith('-')).sort()).toEqual(['-b', '-c']);
    await watching();
    put('d');
    await has(['a', 'c', 'd']);
  });

  test('is begun where a bookmark has said', async () => {
    await watch();
    await watching();
    api.compact();
    const { resourceVersion } = put('x', {}, 'other').metadata;
    api.tellWatches({ type: 'BOOKMARK', object: { metadata: { resourceVersion } } });
    await has(['x']);
    api.endWatches();
    await expect
      .poll(() => api.requests.filter(({ query }) => query.watch === 'true').length)
      .toBeGreaterThan(1);
    expect(api.requests.findLast(({ query }) => query.watch === 'true')?.query).toMatchObject({
      resourceVersion,
      allowWatchBookmarks: 'true',
    });
    expect(told).toEqual(['+x']);
  });

  test('at once, each time, is not begun again all the time', async () => {
    await watch();
    await watching();
    const begun = () => api.requests.filter(({ query }) => query.watch === 'true').length;
    api.rule('GET', /configmaps$/, ({ query }) =>
      query.watch === 'true' ? { status: 200, body: '' } : undefined,
    );
    api.endWatches();
    await expect.poll(begun).toBeGreaterThan(2);
    const before = begun();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(begun() - before).toBeLessThan(10);
  });

  test('because the API server is away is begun again when it is back', async () => {
    put('a');
    await watch();
    await watching();
    api.rule('GET', /configmaps$/, 'reset', 3);
    api.endWatches('cut');
    put('b');
    await has(['a', 'b']);
    await watching();
  });

  test('by an answer that nobody understands is begun again', async () => {
    await watch();
    await watching();
    api.rule(
      'GET',
      /configmaps$/,
      ({ query }) => (query.watch === 'true' ? { status: 200, body: 'what\n' } : undefined),
      2,
    );
    api.endWatches();
    put('a');
    await has(['a']);
  });
});

test('the end of the signal is that of the watch, and nothing is told any more', async () => {
  await watch();
  await watching();
  aborted.abort();
  await expect.poll(() => api.watches).toBe(0);
  const requests = api.requests.length;
  put('a');
  expect(told).toEqual([]);
  expect(api.requests.length).toBe(requests);
});

test('a signal that was aborted before is an error', async () => {
  aborted.abort('SIGINT');
  await expect(watch()).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
});
