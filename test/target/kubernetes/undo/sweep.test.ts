import { beforeEach, describe, expect, test } from 'vitest';
import { KubeClient } from '../../../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../../../src/kube/kube-config.ts';
import {
  istioVersion,
  listKinds,
  listVisible,
  serves,
  sweep,
} from '../../../../src/target/kubernetes/undo/sweep.ts';
import { FakeApi, failure } from '../../../support/fake-api.ts';
import { unaborted } from '../../../support/signals.ts';
import { useFakeApi } from '../../../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
const signal = unaborted();
useFakeApi((server, made) => {
  api = server;
  client = made;
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

test('kinds are listed for each query, those without a group too, in the version that there is', async () => {
  api.resources.delete('networking.istio.io/v1');
  const labels = { mine: 'yes' };
  const put = (apiVersion: string, kind: string, name: string) =>
    api.put({ apiVersion, kind, metadata: { name, namespace: 'bar', labels } });
  put('v1', 'ConfigMap', 'a');
  put('v1', 'Secret', 'b');
  put('networking.istio.io/v1beta1', 'Gateway', 'c');
  const found = await listKinds(
    clients(),
    [
      ['', ['v1'], ['ConfigMap', 'Secret']],
      ['networking.istio.io', ['v1', 'v1beta1', 'v1alpha3'], ['Gateway']],
    ],
    [{ namespace: 'foo' }, { namespace: 'bar', labelSelector: 'mine=yes' }],
    signal,
  );
  expect(found.map(({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name}`)).toEqual([
    'v1 ConfigMap configmap-1',
    'v1 ConfigMap a',
    'v1 Secret b',
    'networking.istio.io/v1beta1 Gateway gateway-1',
    'networking.istio.io/v1beta1 Gateway c',
  ]);
});

test('what is in the API server of the mesh is swept there', async () => {
  const elsewhere = await FakeApi.start();
  const mesh = new KubeClient(loadKubeConfig({ file: elsewhere.kubeconfig }));
  try {
    const policy = { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy' };
    elsewhere.put({ ...policy, metadata: { name: 'a', namespace: 'foo' } });
    expect(await sweep({ data: client, mesh }, signal)).toBe(1);
    expect(elsewhere.objects.size).toBe(0);
    expect(left()).toHaveLength(9);
  } finally {
    await mesh.close();
    await elsewhere.stop();
  }
});

describe('versions', () => {
  const version = () => istioVersion(client, 'security.istio.io', 'AuthorizationPolicy', signal);

  test('of Istio are v1 where there is one, or else v1beta1', async () => {
    expect(await version()).toBe('security.istio.io/v1');
    // The version is there, and the kind is not in it.
    api.resources.set('security.istio.io/v1', []);
    expect(await version()).toBe('security.istio.io/v1beta1');
    api.resources.delete('security.istio.io/v1');
    expect(await version()).toBe('security.istio.io/v1beta1');
  });

  test('are not known when the API server does not say', async () => {
    api.rule('GET', /security.istio.io\/v1$/, failure(403, 'Forbidden', 'no discovery for you'));
    await expect(version()).rejects.toThrow('no discovery for you');
  });

  test('have a kind or not, also those without a group', async () => {
    expect(await serves(client, 'v1', 'Pod', signal)).toBe(true);
    expect(await serves(client, 'v1', 'Deployment', signal)).toBe(false);
    expect(await serves(client, 'apps/v1', 'Deployment', signal)).toBe(true);
    expect(await serves(client, 'apps/v2', 'Deployment', signal)).toBe(false);
  });
});

describe('what can be seen', () => {
  let told: string[];
  beforeEach(() => {
    told = [];
  });
  const on = { hidden: () => void told.push('hidden'), absent: () => void told.push('absent') };
  const list = (kind: string, own = signal) =>
    listVisible(client, { apiVersion: 'networking.istio.io/v1', kind }, own, on);

  test('is listed, and nothing is told', async () => {
    expect(await list('Sidecar')).toMatchObject([{ metadata: { name: 'sidecar-1' } }]);
    expect(told).toEqual([]);
  });

  test('is nothing where this user may not look, which is told', async () => {
    api.rule('GET', /sidecars$/, failure(403, 'Forbidden', 'no'));
    expect(await list('Sidecar')).toEqual([]);
    expect(told).toEqual(['hidden']);
  });

  test('is nothing of a kind that has just gone', async () => {
    api.rule('GET', /sidecars$/, { status: 404, body: '404 page not found\n' });
    expect(await list('Sidecar')).toEqual([]);
    expect(told).toEqual([]);
  });

  test('is nothing of a kind that is not there, which is told, or not', async () => {
    expect(await list('ProxyConfig')).toEqual([]);
    expect(told).toEqual(['absent']);
    const query = { apiVersion: 'networking.istio.io/v1', kind: 'ProxyConfig' };
    expect(await listVisible(client, query, signal)).toEqual([]);
  });

  test('is not known when there is another error', async () => {
    api.rule('GET', /sidecars$/, failure(500, 'InternalError', 'etcd is away'));
    await expect(list('Sidecar')).rejects.toThrow('etcd is away');
    api.rule('GET', /gateways$/, 'reset');
    await expect(list('Gateway')).rejects.toThrow('does not answer');
    expect(told).toEqual([]);
  });

  test('is not looked for any more after an interruption', async () => {
    const own = new AbortController();
    api.rule('GET', /sidecars$/, () => {
      own.abort();
      return 'hang';
    });
    await expect(list('Sidecar', own.signal)).rejects.toMatchObject({
      code: 'E_INTERRUPTED',
      message: 'interrupted',
    });
    const before = api.requests.length;
    await expect(list('ProxyConfig', own.signal)).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    expect(api.requests.length).toBe(before);
    expect(told).toEqual([]);
  });
});
