import { describe, expect, test } from 'vitest';
import type { KubeClient } from '../../../../src/kube/kube-client.ts';
import { deletePod, reportPod } from '../../../../src/target/local/kubelet/pods.ts';
import { type FakeApi, failure } from '../../../support/fake-api.ts';
import { unaborted } from '../../../support/signals.ts';
import { useFakeApi } from '../../../support/use-fake-api.ts';
import { identity } from '../support.ts';

let api: FakeApi;
let client: KubeClient;
useFakeApi((started, connected) => {
  api = started;
  client = connected;
});

describe('a pod', () => {
  test('gets its status', async () => {
    api.put({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'httpbin-1', namespace: 'foo' } });
    await reportPod(client, identity(), { ready: true }, unaborted());
    expect(api.get('v1', 'Pod', 'httpbin-1', 'foo')?.status).toMatchObject({ phase: 'Running' });
  });

  test('is deleted at once with what was made for it, whether it is there or not', async () => {
    const metadata = { name: 'httpbin-1', namespace: 'foo' };
    const istio = 'networking.istio.io/v1';
    api.put({ apiVersion: 'v1', kind: 'Pod', metadata });
    api.put({ apiVersion: istio, kind: 'WorkloadEntry', metadata });
    api.put({ apiVersion: istio, kind: 'Sidecar', metadata });
    await deletePod(client, identity(), unaborted());
    expect(api.objects.size).toBe(0);
    const { body } = api.requests.find(({ method, path }) => method === 'DELETE' && path.includes('/pods/'))!;
    expect(body).toMatchObject({ gracePeriodSeconds: 0 });
    await deletePod(client, identity(), unaborted());
  });

  test('of a gateway is deleted with its EnvoyFilter', async () => {
    const metadata = { name: 'httpbin-1', namespace: 'foo' };
    api.put({ apiVersion: 'networking.istio.io/v1alpha3', kind: 'EnvoyFilter', metadata });
    await deletePod(client, identity({ proxy: 'gateway' }), unaborted());
    expect(api.objects.size).toBe(0);
  });

  test('that cannot be deleted is an error', async () => {
    api.rule('DELETE', /pods/, failure(500, 'InternalError', 'broken'));
    await expect(deletePod(client, identity(), unaborted())).rejects.toMatchObject({ status: 500 });
  });
});
