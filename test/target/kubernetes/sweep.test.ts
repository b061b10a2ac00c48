import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { KubeClient, loadKubeConfig } from '../../../src/kube/client.ts';
import { sweep } from '../../../src/target/kubernetes/sweep.ts';
import { FakeApi, failure } from '../../support/fake-api.ts';
import { unaborted } from '../../support/signals.ts';

let api: FakeApi;
let client: KubeClient;
const signal = unaborted();
beforeAll(async () => {
  api = await FakeApi.start();
});
beforeEach(() => {
  api.reset();
  client = new KubeClient(loadKubeConfig({ file: api.kubeconfig }));
  const put = (apiVersion: string, kind: string, namespace: string) =>
    api.put({ apiVersion, kind, metadata: { name: `${kind.toLowerCase()}-1`, namespace } });
  put('security.istio.io/v1', 'RequestAuthentication', 'foo');
  put('security.istio.io/v1', 'AuthorizationPolicy', 'istio-system');
  put('security.istio.io/v1', 'PeerAuthentication', 'bar');
  put('networking.istio.io/v1', 'ServiceEntry', 'foo');
  put('networking.istio.io/v1', 'DestinationRule', 'foo');
  put('networking.istio.io/v1', 'Sidecar', 'foo');
  put('networking.istio.io/v1', 'Gateway', 'foo');
  put('networking.istio.io/v1alpha3', 'EnvoyFilter', 'foo');
  put('v1', 'ConfigMap', 'foo');
});
afterEach(async () => {
  await client.close();
});
afterAll(async () => {
  await api.stop();
});

const left = () => [...api.objects.values()].map(({ kind }) => kind);
const clients = () => ({ data: client, mesh: client });

test('removes policies and routes everywhere, and leaves workloads and the applications alone', async () => {
  expect(await sweep(clients(), signal)).toBe(8);
  expect(left()).toEqual(['ConfigMap']);
  expect(await sweep(clients(), signal)).toBe(0);
});

test('or only in some namespaces', async () => {
  expect(await sweep(clients(), signal, ['foo'])).toBe(6);
  expect(left()).toEqual(['AuthorizationPolicy', 'PeerAuthentication', 'ConfigMap']);
});

test('an Istio that has only v1beta1 is swept too', async () => {
  for (const group of ['security', 'networking']) api.resources.delete(`${group}.istio.io/v1`);
  expect(await sweep(clients(), signal)).toBe(8);
});

test('what Istio is installed with stays', async () => {
  const labels = { 'install.operator.istio.io/owning-resource': 'installed-state' };
  const apiVersion = 'networking.istio.io/v1alpha3';
  api.put({ apiVersion, kind: 'EnvoyFilter', metadata: { name: 'stats', namespace: 'foo', labels } });
  await sweep(clients(), signal);
  expect(left()).toEqual(['ConfigMap', 'EnvoyFilter']);
});

test('what this user may not see is left, but other errors are told', async () => {
  api.rule('GET', /peerauthentications$/, failure(403, 'Forbidden', 'no'));
  expect(await sweep(clients(), signal)).toBe(7);
  api.rule('GET', /sidecars$/, failure(500, 'InternalError', 'etcd is away'));
  await expect(sweep(clients(), signal)).rejects.toThrow('etcd is away');
});

test('what was deleted in between by somebody else is no error', async () => {
  api.rule('DELETE', /serviceentry-1$/, failure(404, 'NotFound', 'gone'));
  await sweep(clients(), signal);
  expect(left()).toEqual(['ServiceEntry', 'ConfigMap']);
});
