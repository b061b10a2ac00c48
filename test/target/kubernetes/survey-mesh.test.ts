import { beforeEach, describe, expect, test } from 'vitest';
import type { Clients } from '../../../src/target/kubernetes/client-for.ts';
import { hasProxy, surveyMesh } from '../../../src/target/kubernetes/survey-mesh.ts';
import type { KubeObject, ObjectKey } from '../../../src/target/target.ts';
import { type FakeApi, failure } from '../../support/fake-api.ts';
import { unaborted } from '../../support/signals.ts';
import { useFakeApi } from '../../support/use-fake-api.ts';

let api: FakeApi;
let clients: Clients;
useFakeApi((server, client) => {
  api = server;
  clients = { data: client, mesh: client };
});
let absent: Set<string>;
beforeEach(() => {
  absent = new Set();
});
const mesh = { rootNamespace: 'istio-system', ingress: { namespace: 'gate', labels: { istio: 'gate' } } };
const survey = (apps: readonly ObjectKey[] = []) => surveyMesh(clients, mesh, apps, absent, unaborted());
const container = (name: string) => ({ name, image: 'x' });

function pod(metadata: KubeObject['metadata'], more: object = {}): void {
  api.put({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container('app')] }, ...more });
}

describe('a pod', () => {
  test('is told with all that policies and routes go by', async () => {
    pod(
      {
        name: 'web-6b4-x2',
        namespace: 'foo',
        labels: { app: 'web' },
        annotations: { 'ambient.istio.io/redirection': 'enabled' },
      },
      { status: { phase: 'Running', podIP: '10.0.0.7', conditions: [{ type: 'Ready', status: 'True' }] } },
    );
    expect((await survey()).pods).toEqual([
      {
        namespace: 'foo',
        name: 'web-6b4-x2',
        labels: { app: 'web' },
        ip: '10.0.0.7',
        isReady: true,
        proxy: undefined,
        isAmbient: true,
        isApp: false,
      },
    ]);
  });

  test('with nothing but a name has no labels, no address and no proxy', async () => {
    pod({ name: 'bare' });
    expect((await survey()).pods).toEqual([
      {
        namespace: 'default',
        name: 'bare',
        labels: {},
        ip: undefined,
        isReady: false,
        proxy: undefined,
        isAmbient: false,
        isApp: false,
      },
    ]);
  });

  test('that has ended, or is being deleted, is none', async () => {
    for (const phase of ['Running', 'Pending', 'Succeeded', 'Failed'])
      pod({ name: phase.toLowerCase(), namespace: 'foo' }, { status: { phase } });
    pod({ name: 'leaving', namespace: 'foo', deletionTimestamp: '2026-01-01T00:00:00Z' });
    expect((await survey()).pods.map(({ name }) => name)).toEqual(['running', 'pending']);
  });

  test('is one of an application when a Deployment of the same namespace has made it', async () => {
    const app = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', namespace: 'foo' };
    pod({ name: 'web-6b4-x2', namespace: 'foo' });
    pod({ name: 'web-6b4-x3', namespace: 'bar' });
    pod({ name: 'other-6b4-x2', namespace: 'foo' });
    const { pods } = await survey([{ ...app, name: 'sleep' }, app]);
    expect(pods.filter(({ isApp }) => isApp)).toMatchObject([{ name: 'web-6b4-x2', namespace: 'foo' }]);
  });

  test.each<[string, string[], string[] | undefined, string | undefined]>([
    ['of a gateway has nothing but a proxy', ['istio-proxy'], undefined, 'gateway'],
    ['with a sidecar has an application besides', ['app', 'istio-proxy'], undefined, 'sidecar'],
    ['may have the sidecar first', ['istio-proxy', 'app'], [], 'sidecar'],
    ['with a native sidecar has it among those that start first', ['app'], ['istio-proxy'], 'sidecar'],
    ['with another container only has no proxy', ['app'], ['istio-init'], undefined],
  ])('%s', async (_, containers, initContainers, proxy) => {
    const spec = {
      containers: containers.map(container),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(container) }),
    };
    pod({ name: 'web', namespace: 'foo' }, { spec });
    expect((await survey()).pods).toMatchObject([{ proxy }]);
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec };
    expect(hasProxy(object)).toBe(proxy !== undefined);
  });
});

describe('objects', () => {
  test('are told without what only the API server is interested in, the marker not at all', async () => {
    const policy = { apiVersion: 'security.istio.io/v1beta1', kind: 'AuthorizationPolicy' };
    const full = {
      ...policy,
      metadata: { name: 'a', namespace: 'foo', labels: { b: 'c' }, annotations: { d: 'e' } },
      spec: { action: 'DENY' },
    };
    api.put({ ...full, metadata: { ...full.metadata, finalizers: ['x'] }, status: { conditions: [] } });
    api.put({ ...policy, metadata: { name: 'jwt-e2e-marker', namespace: 'istio-system' } });
    const gatewayClass = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway' };
    api.put({ ...gatewayClass, metadata: { name: 'bare' }, spec: {} });
    const { objects } = await survey();
    expect(objects).toStrictEqual([full, { ...gatewayClass, metadata: { name: 'bare' }, spec: {} }]);
  });

  test('are those of all namespaces, and of every kind that decides about requests', async () => {
    const kinds: [string, string][] = [
      ['v1', 'Service'],
      ['security.istio.io/v1beta1', 'RequestAuthentication'],
      ['networking.istio.io/v1beta1', 'VirtualService'],
      ['networking.istio.io/v1beta1', 'Gateway'],
      ['networking.istio.io/v1beta1', 'ServiceEntry'],
      ['networking.istio.io/v1alpha3', 'EnvoyFilter'],
      ['gateway.networking.k8s.io/v1', 'Gateway'],
    ];
    for (const [index, [apiVersion, kind]] of kinds.entries())
      api.put({ apiVersion, kind, metadata: { name: 'a', namespace: `namespace-${index}` } });
    const { objects, hidden, ...rest } = await survey();
    expect(objects.map(({ apiVersion, kind, metadata }) => [apiVersion, kind, metadata.namespace])).toEqual(
      kinds.map((kind, index) => [...kind, `namespace-${index}`]),
    );
    expect(hidden).toEqual([]);
    expect(rest).toEqual({ ...mesh, pods: [] });
  });

  test('that this user may not see are named, those of kinds that are not there are remembered', async () => {
    api.rule('GET', /virtualservices$/, failure(403, 'Forbidden', 'no'));
    api.resources.delete('networking.istio.io/v1alpha3');
    expect((await survey()).hidden).toEqual(['VirtualService']);
    expect([...absent].toSorted()).toEqual([
      'extensions.istio.io/v1alpha1 WasmPlugin',
      'gateway.networking.k8s.io/v1 HTTPRoute',
      'networking.istio.io/v1alpha3 EnvoyFilter',
    ]);
    api.requests.length = 0;
    await survey();
    expect(api.log().filter((each) => /extensions|v1alpha3/.test(each))).toEqual([]);
  });
});
