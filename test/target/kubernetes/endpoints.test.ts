import { describe, expect, test } from 'vitest';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import {
  isPodOf,
  waitForDeployed,
  waitForEndpoints,
  workloadsAmong,
} from '../../../src/target/kubernetes/endpoints.ts';
import type { KubeObject, ObjectKey } from '../../../src/target/target.ts';
import { type FakeApi, failure } from '../../support/fake-api.ts';
import { unaborted } from '../../support/signals.ts';
import { useFakeApi } from '../../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
useFakeApi((started, connected) => {
  api = started;
  client = connected;
});

const service: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'httpbin', namespace: 'foo' },
  spec: { selector: { app: 'httpbin' }, ports: [{ port: 8000 }] },
};
const key: ObjectKey = { apiVersion: 'v1', kind: 'Service', name: 'httpbin', namespace: 'foo' };

function pod(name: string, isReady = true, more: Partial<KubeObject['metadata']> = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'foo', labels: { app: 'httpbin' }, ...more },
    spec: { containers: [] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  };
}

function slice(pods: Record<string, boolean | undefined>, of = 'httpbin'): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${of}-${Object.keys(pods).join('-')}`,
      namespace: 'foo',
      labels: { 'kubernetes.io/service-name': of },
    },
    endpoints: Object.entries(pods).map(([name, isReady]) => ({
      conditions: isReady === undefined ? {} : { ready: isReady },
      targetRef: { kind: 'Pod', name },
    })),
  } as unknown as KubeObject;
}

/** A slice with an endpoint that somebody has made. */
function otherSlice(targetRef: object | undefined): KubeObject {
  return { ...slice({}), endpoints: [{ targetRef }] } as unknown as KubeObject;
}

/** Waits until nothing is missing, or something has been missing three times; says which. */
async function missing(changed: readonly ObjectKey[] = [key]): Promise<'asked' | undefined> {
  const own = new AbortController();
  let asked = 0;
  api.rule('GET', /\/pods$/, () => {
    // Once for what is there, and once more each time it is not enough.
    if (++asked > 3) own.abort();
    return undefined;
  });
  try {
    await waitForEndpoints({ data: client }, changed, own.signal, 10);
    return undefined;
  } catch (error) {
    if (!own.signal.aborted) throw error;
    return 'asked';
  }
}

describe('a Service', () => {
  test.each<[string, KubeObject[]]>([
    ['with the ready pod', [pod('a'), slice({ a: true })]],
    ['of several slices', [pod('a'), pod('b'), slice({ a: true }), slice({ b: undefined })]],
    ['whose pod is not ready, and no endpoint', [pod('a', false), slice({ a: false })]],
    ['whose pod is leaving', [pod('a', true, { deletionTimestamp: 'now' }), slice({ a: false })]],
    ['without any pod', []],
    ['beside pods of another', [pod('x', true, { labels: { app: 'x' } })]],
    ['beside a pod without labels', [{ ...pod('x'), metadata: { name: 'x', namespace: 'foo' } }]],
    [
      'whose pod has ended',
      [{ ...pod('a'), status: { ...(pod('a').status as object), phase: 'Succeeded' } }],
    ],
    ['whose pod has failed', [{ ...pod('a'), status: { ...(pod('a').status as object), phase: 'Failed' } }]],
    ['whose pod has no status yet', [{ ...pod('a'), status: undefined }]],
    [
      'with a slice that is empty',
      [pod('a'), { ...slice({}), endpoints: null } as KubeObject, slice({ a: true })],
    ],
    ['with a slice that has just been made', [{ ...slice({}), endpoints: undefined } as KubeObject]],
    ['with endpoints that are no pods', [otherSlice({ kind: 'Node', name: 'n' })]],
    ['with endpoints of nothing', [otherSlice(undefined)]],
  ])('%s is as it should be', async (_, objects) => {
    for (const object of [service, ...objects]) api.put(object);
    expect(await missing()).toBeUndefined();
  });

  test.each<[string, KubeObject[]]>([
    ['has no slice for a ready pod', [pod('a')]],
    ['has one of two ready pods', [pod('a'), pod('b'), slice({ a: true })]],
    ['says of a ready pod that it is not', [pod('a'), slice({ a: false })]],
    ['has the pods in the slice of another Service', [pod('a'), slice({ a: true }, 'other')]],
    ['still has a pod that is gone', [pod('a'), slice({ a: true, gone: true })]],
    ['still has a pod that is leaving', [pod('a', true, { deletionTimestamp: 'now' }), slice({ a: true })]],
    ['still has a pod that is not ready any more', [pod('a', false), slice({ a: true })]],
  ])('that %s is waited for', async (_, objects) => {
    for (const object of [service, ...objects]) api.put(object);
    expect(await missing()).toBe('asked');
  });

  test.each([
    ['has no selector', { selector: undefined }],
    ['is an ExternalName', { type: 'ExternalName' }],
    ['has pods that are not ready too', { publishNotReadyAddresses: true }],
  ])('that %s is not', async (_, spec) => {
    api.put({ ...service, spec: { ...(service.spec as object), ...spec } });
    api.put(pod('a'));
    expect(await missing()).toBeUndefined();
  });

  test('of another namespace is not', async () => {
    api.put(service);
    api.put(pod('a'));
    expect(await missing([{ ...key, namespace: 'bar' }])).toBeUndefined();
  });

  test('is taken as it is by a user who may not read EndpointSlices', async () => {
    api.put(service);
    api.put(pod('a'));
    api.rule('GET', /endpointslices$/, () => failure(403, 'Forbidden', 'no'));
    expect(await missing()).toBeUndefined();
  });
});

describe('a Deployment', () => {
  const deployment: ObjectKey = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', namespace: 'foo' };

  test('that was deleted is gone when its pods are leaving', async () => {
    api.put(pod('web-6b4-x2'));
    expect(await missing([deployment])).toBe('asked');
    api.put(pod('web-6b4-x2', true, { deletionTimestamp: 'now' }));
    api.put(pod('web-canary-6b4-x2'));
    expect(await missing([deployment])).toBeUndefined();
  });

  test('that was put back is waited for until it runs', async () => {
    const stages = [{ replicas: 2, updatedReplicas: 1, availableReplicas: 2 }];
    const done = { replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
    const put = (status: object) =>
      api.put({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web', namespace: 'foo' },
        spec: { selector: { matchLabels: { app: 'web' } } },
        status,
      });
    put({});
    api.rule('GET', /deployments\/web$/, () => {
      put(stages.shift() ?? done);
      return undefined;
    });
    await waitForEndpoints({ data: client }, [deployment], unaborted(), 10);
    expect(stages).toEqual([]);
  });
});

describe('a Gateway of the Gateway API', () => {
  const gateway: ObjectKey = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    name: 'edge',
    namespace: 'foo',
  };
  const wait = () => waitForDeployed({ data: client }, [gateway], unaborted(), 10, 30);
  const labels = {
    'gateway.networking.k8s.io/gateway-name': 'edge',
    'gateway.istio.io/managed': 'istio.io-gateway-controller',
  };

  test('that was deleted is gone when the pods that istiod has made for it are leaving', async () => {
    api.put(pod('edge-istio-6b4-x2', true, { labels }));
    await expect(wait()).rejects.toMatchObject({
      code: 'E_NOT_READY',
      message: expect.stringMatching(
        /^what was deployed for Gateway foo\/edge being gone with it .*: pod edge-istio-6b4-x2 is still there$/,
      ),
    });
    await expect(waitForEndpoints({ data: client }, [gateway], unaborted(), 10, 30)).rejects.toThrow(
      'pod edge-istio-6b4-x2 is still there',
    );
    api.put(pod('edge-istio-6b4-x2', true, { labels, deletionTimestamp: 'now' }));
    await wait();
  });

  test('keeps its pods while it is there, and pods that istiod has not made are not waited for', async () => {
    api.put(pod('by-hand', true, { labels: { 'gateway.networking.k8s.io/gateway-name': 'edge' } }));
    await wait();
    api.put(pod('edge-istio-6b4-x2', true, { labels }));
    const { name, namespace, ...rest } = gateway;
    api.put({ ...rest, metadata: { name, namespace: namespace! } });
    await wait();
  });
});

describe('says at the end', () => {
  const wait = (changed: ObjectKey) => waitForEndpoints({ data: client }, [changed], unaborted(), 10, 30);

  test.each<[string, KubeObject[], string]>([
    ['which pod is missing', [pod('a')], 'Service httpbin does not have the ready pod a yet'],
    ['which pod is left', [slice({ gone: true })], 'Service httpbin still has the pod gone'],
  ])('%s', async (_, objects, why) => {
    for (const object of [service, ...objects]) api.put(object);
    await expect(wait(key)).rejects.toMatchObject({
      code: 'E_NOT_READY',
      message: `the Services of namespace foo having their pods as endpoints did not happen within 0 s: ${why}`,
    });
  });

  test('which pod of a deleted Deployment is there, of those in its namespace', async () => {
    const deployment: ObjectKey = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
    const own = pod('web-6b4-x2', true, { namespace: 'default' });
    const others = [pod('other-6b4-x2', true, { namespace: 'default' }), pod('web-7c5-x3')];
    for (const object of [...others, own]) api.put(object);
    await expect(wait({ ...deployment, namespace: undefined })).rejects.toThrow(
      'did not happen within 0 s: pod web-6b4-x2 of Deployment web, which was deleted, is still there',
    );
    api.remove('v1', 'Pod', 'web-6b4-x2', 'default');
    await wait({ ...deployment, namespace: undefined });
  });

  test('which of several namespaces is not as it should be', async () => {
    const elsewhere = { ...key, namespace: 'bar' };
    const deployment: ObjectKey = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: 'web',
      namespace: 'bar',
    };
    api.put(pod('web-6b4-x2'));
    await waitForEndpoints({ data: client }, [deployment, key, elsewhere], unaborted(), 10, 30);
    for (const object of [service, pod('a')]) api.put(object);
    await expect(waitForEndpoints({ data: client }, [elsewhere, key], unaborted(), 10, 30)).rejects.toThrow(
      'the Services of namespace foo',
    );
  });
});

test('names of pods tell Deployments apart', () => {
  expect(isPodOf('web-6b4-x2', 'web')).toBe(true);
  expect(isPodOf('web-canary-6b4-x2', 'web')).toBe(false);
  expect(isPodOf('website-6b4-x2', 'web')).toBe(false);
  expect(isPodOf('web-6b4', 'web')).toBe(false);
  expect(isPodOf('web-6B4-x2', 'web')).toBe(false);
  expect(isPodOf('web-6b4-x2.', 'web')).toBe(false);
});

test.each(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Pod', 'Service'])('a %s does', (kind) => {
  const workload = { apiVersion: 'apps/v1', kind, name: 'x', namespace: 'foo' };
  expect(workloadsAmong([workload])).toEqual([workload]);
});

test('policies and routes do not change which pods there are', () => {
  const of = (apiVersion: string, kind: string) => ({ apiVersion, kind, name: 'x', namespace: 'foo' });
  const gateway = of('gateway.networking.k8s.io/v1', 'Gateway');
  expect(
    workloadsAmong([
      of('security.istio.io/v1', 'AuthorizationPolicy'),
      of('networking.istio.io/v1', 'Gateway'),
      gateway,
      key,
    ]),
  ).toEqual([gateway, key]);
});
