import { describe, expect, test } from 'vitest';
import type { KubeClient } from '../../../../src/kube/kube-client.ts';
import { finishNamespace } from '../../../../src/target/local/kubelet/finish-namespace.ts';
import { type FakeApi, failure } from '../../../support/fake-api.ts';
import { unaborted } from '../../../support/signals.ts';
import { useFakeApi } from '../../../support/use-fake-api.ts';
import { deployment, service } from '../support.ts';

let api: FakeApi;
let client: KubeClient;
useFakeApi((started, connected) => {
  api = started;
  client = connected;
});

describe('a Namespace that is being deleted', () => {
  const metadata = { name: 'foo', resourceVersion: '7', deletionTimestamp: '2026-01-01T00:00:00Z' };
  const ending = { apiVersion: 'v1', kind: 'Namespace', metadata, spec: { finalizers: ['kubernetes'] } };

  test('is emptied of everything, and let go', async () => {
    api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'foo' } });
    api.put(service('httpbin'));
    api.put(deployment('httpbin'));
    const policy = { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy' };
    api.put({ ...policy, metadata: { name: 'a', namespace: 'foo' } });
    api.put({ ...policy, metadata: { name: 'a', namespace: 'bar' } });
    // Its group has another preferred version, which has no such kind.
    const filter = { apiVersion: 'networking.istio.io/v1alpha3', kind: 'EnvoyFilter' };
    api.put({ ...filter, metadata: { name: 'a', namespace: 'foo' } });
    await finishNamespace(client, ending, unaborted());
    const emptied = api.log('DELETE');
    expect(new Set(emptied.map((line) => line.replace(/\/v[^/]+\/namespaces/, ''))).size).toBe(
      emptied.length,
    );
    expect([...api.objects.values()].map((each) => each.metadata.namespace)).toEqual(['bar']);
    expect(api.requests.find(({ method }) => method === 'PUT')).toMatchObject({
      path: '/api/v1/namespaces/foo/finalize',
      body: { metadata: { name: 'foo', resourceVersion: '7' }, spec: { finalizers: [] } },
    });
  });

  test('is let go although some things cannot be deleted, or it was already', async () => {
    api.rule('DELETE', /configmaps$/, failure(405, 'MethodNotAllowed', 'no'));
    api.rule('PUT', /finalize$/, failure(409, 'Conflict', 'changed'), 1);
    await finishNamespace(client, ending, unaborted());
    api.rule('PUT', /finalize$/, failure(404, 'NotFound', 'gone'), 1);
    await finishNamespace(client, ending, unaborted());
    expect(api.log('PUT')).toHaveLength(2);
  });

  test('is an error when the API server does not answer', async () => {
    api.rule('DELETE', /secrets$/, 'reset');
    await expect(finishNamespace(client, ending, unaborted())).rejects.toMatchObject({ code: 'E_KUBE' });
    expect(api.log('PUT')).toEqual([]);
  });
});
