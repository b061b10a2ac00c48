/** In which order things are undone, and what happens when some of it cannot be. */
import { expect, test } from 'vitest';
import { KubeClient } from '../../../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../../../src/kube/kube-config.ts';
import { clientFor } from '../../../../src/target/kubernetes/client-for.ts';
import { Ledger } from '../../../../src/target/kubernetes/undo/ledger.ts';
import type { KubeObject } from '../../../../src/target/target.ts';
import { type FakeApi, failure } from '../../../support/fake-api.ts';
import { unaborted } from '../../../support/signals.ts';
import { useFakeApi } from '../../../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
let ledger: Ledger;
const signal = unaborted();
useFakeApi((server, made) => {
  api = server;
  client = made;
  ledger = new Ledger({ data: client, mesh: client });
});

const configMap = (name: string, value = 'ours'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'foo' },
  data: { value },
});
const keyOf = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', name, namespace: 'foo' });
const contentOf = (name: string) =>
  (api.get('v1', 'ConfigMap', name, 'foo')?.data as { value: string } | undefined)?.value;
const path = (name: string) => `/api/v1/namespaces/foo/configmaps/${name}`;

test('what was done last is undone first: created, changed and deleted', async () => {
  api.put(configMap('changed', 'theirs'));
  api.put(configMap('deleted', 'theirs'));
  await ledger.apply(configMap('created'), 'scope', signal);
  await ledger.apply(configMap('changed'), 'scope', signal);
  await ledger.delete(keyOf('deleted'), 'scope', signal);
  expect(['created', 'changed', 'deleted'].map(contentOf)).toEqual(['ours', 'ours', undefined]);
  api.requests.length = 0;
  await ledger.undo('scope', signal);
  expect(['created', 'changed', 'deleted'].map(contentOf)).toEqual([undefined, 'theirs', 'theirs']);
  const changes = api
    .log('POST', 'PATCH', 'DELETE')
    .filter((each, index, all) => all.indexOf(each) === index);
  expect(changes).toEqual([
    'POST /api/v1/namespaces/foo/configmaps',
    `PATCH ${path('changed')}`,
    `DELETE ${path('created')}`,
  ]);
  expect(ledger.scopes()).toEqual([]);
});

test('one that cannot be undone does not keep the others from it, and can be tried again', async () => {
  for (const name of ['one', 'two', 'three']) await ledger.apply(configMap(name), 'scope', signal);
  api.rule('DELETE', /two$/, failure(500, 'InternalError', 'etcd is away'), 1);
  api.rule('DELETE', /one$/, failure(500, 'InternalError', 'the second error'), 1);
  await expect(ledger.undo('scope', signal)).rejects.toThrow('etcd is away');
  expect(['one', 'two', 'three'].map(contentOf)).toEqual(['ours', 'ours', undefined]);
  await ledger.undo('scope', signal);
  expect(['one', 'two', 'three'].map(contentOf)).toEqual([undefined, undefined, undefined]);
});

test('scopes are undone each by itself', async () => {
  await ledger.apply(configMap('one'), 'first', signal);
  await ledger.apply(configMap('two'), 'second', signal);
  expect(ledger.scopes()).toEqual(['first', 'second']);
  await ledger.undo('second', signal);
  expect([contentOf('one'), contentOf('two')]).toEqual(['ours', undefined]);
  await ledger.undo('never', signal);
  expect(ledger.scopes()).toEqual(['first']);
});

test('two kinds of one name in different groups are different things, and versions of a group are not', async () => {
  api.resources.set('gateway.networking.k8s.io/v1', [
    { name: 'gateways', kind: 'Gateway', namespaced: true },
  ]);
  const gateway = (apiVersion: string, spec: object): KubeObject => ({
    apiVersion,
    kind: 'Gateway',
    metadata: { name: 'main', namespace: 'foo' },
    spec,
  });
  for (const group of ['networking.istio.io/v1', 'gateway.networking.k8s.io/v1'])
    await ledger.apply(gateway(group, {}), 'scope', signal);
  await ledger.apply(gateway('networking.istio.io/v1beta1', { servers: [] }), 'scope', signal);
  await ledger.undo('scope', signal);
  expect([...api.objects.keys()]).toEqual([]);
});

test('an object whose deletion was interrupted is put back, whether it was carried out or not', async () => {
  for (const carriedOut of [true, false]) {
    api.reset();
    api.put(configMap('theirs', 'theirs'));
    const own = new Ledger({ data: client, mesh: client }, (message) => expect.fail(message));
    api.rule('DELETE', /theirs$/, () => {
      if (carriedOut) api.objects.clear();
      return 'reset';
    });
    await expect(own.delete(keyOf('theirs'), 'scope', signal)).rejects.toMatchObject({ code: 'E_KUBE' });
    await own.undo('scope', signal);
    expect(contentOf('theirs')).toBe('theirs');
  }
});

test('what was not there to be deleted is not made', async () => {
  expect(await ledger.delete(keyOf('none'), 'scope', signal)).toMatchObject({ change: 'unchanged' });
  await ledger.undo('scope', signal);
  expect(api.objects.size).toBe(0);
});

test('says what was changed', async () => {
  const change = async () => (await ledger.apply(configMap('a'), 'scope', signal)).change;
  expect(await change()).toBe('created');
  expect(await change()).toBe('unchanged');
  api.put(configMap('a', 'theirs'));
  expect(await change()).toBe('changed');
});

test("Istio's resources go to the API server of the mesh, all others to that of the workloads", () => {
  const mesh = new KubeClient(loadKubeConfig({ file: api.kubeconfig, context: 'other' }));
  const clients = { data: client, mesh };
  const of = (apiVersion: string) => clientFor(clients, apiVersion).name;
  for (const group of ['security', 'networking', 'telemetry', 'extensions'])
    expect(of(`${group}.istio.io/v1`)).toBe('other');
  for (const version of ['v1', 'apps/v1', 'gateway.networking.k8s.io/v1', 'istio.io.example.com/v1'])
    expect(of(version)).toBe('fake');
});
