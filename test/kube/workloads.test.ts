import { describe, expect, test } from 'vitest';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { isReady, listPods, type Pod, podLog, waitUntilReady } from '../../src/kube/workloads.ts';
import type { KubeObject } from '../../src/target/target.ts';
import { type FakeApi, failure } from '../support/fake-api.ts';
import { unaborted } from '../support/signals.ts';
import { useFakeApi } from '../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
const signal = unaborted();
useFakeApi((started, connected) => {
  api = started;
  client = connected;
});

const done = { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };

function deployment(name: string, status: Record<string, unknown>, replicas?: number): KubeObject {
  const spec = { ...(replicas === undefined ? {} : { replicas }), selector: { matchLabels: { app: name } } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'foo', generation: 2 },
    spec,
    status,
  };
}

function pod(name: string, app: string, more: Record<string, unknown> = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'foo', labels: { app } },
    spec: { containers: [] },
    ...more,
  };
}

test('a Deployment is ready when its current generation runs, and nothing of an older one', async () => {
  const stages = [
    { ...done, observedGeneration: 1 },
    { ...done, replicas: 2, availableReplicas: 2 },
    { ...done, availableReplicas: 0 },
    done,
  ];
  const object = api.put(deployment('httpbin', {}));
  api.rule('GET', /deployments\/httpbin$/, () => {
    api.put(deployment('httpbin', stages.shift() ?? done));
    return undefined;
  });
  await waitUntilReady(client, [object, pod('ignored', 'x')], signal);
  expect(stages).toEqual([]);
});

test('one that wants no pods is ready without any', async () => {
  const object = api.put(deployment('idle', { observedGeneration: 2 }, 0));
  await waitUntilReady(client, [object], signal, 0);
});

test('the error says what a container waits for', async () => {
  const object = api.put(deployment('httpbin', { observedGeneration: 2, replicas: 1, updatedReplicas: 1 }));
  const message = 'Back-off pulling image "docker.io/x"';
  api.put(
    pod('httpbin-1', 'httpbin', {
      status: {
        initContainerStatuses: [{ name: 'istio-init', ready: true, state: {} }],
        containerStatuses: [
          { name: 'httpbin', ready: false, state: { waiting: { reason: 'ErrImagePull', message } } },
          { name: 'istio-proxy', ready: false, state: { waiting: { reason: 'PodInitializing' } } },
        ],
      },
    }),
  );
  await expect(waitUntilReady(client, [object], signal, 0)).rejects.toMatchObject({
    code: 'E_NOT_READY',
    message: `Deployment foo/httpbin becoming ready did not happen within 0 s: container httpbin: ErrImagePull ${message}`,
    hint: 'Look at it with: kubectl describe deployment -n foo httpbin',
  });
});

test.each([
  [
    'how many replicas there are',
    () => api.put(deployment('a', { ...done, availableReplicas: 0 })),
    '0 of 1',
  ],
  ['that it does not exist', () => deployment('a', {}), 'it does not exist'],
])('or else %s', async (_, make, message) => {
  await expect(waitUntilReady(client, [make()], signal, 0)).rejects.toThrow(message);
});

test('when one fails, the others are not waited for, and nobody asks any more', async () => {
  const slow = api.put(deployment('slow', {}));
  const broken = api.put(deployment('broken', {}));
  api.rule('GET', /deployments\/broken$/, failure(500, 'InternalError', 'etcd is away'));
  const started = Date.now();
  await expect(waitUntilReady(client, [slow, broken], signal)).rejects.toThrow('etcd is away');
  expect(Date.now() - started).toBeLessThan(5000);
  // What was under way may still arrive.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const asked = api.requests.length;
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(api.requests.length).toBe(asked);
});

test('pods that are being deleted do not count', async () => {
  api.put(pod('old', 'sleep'));
  const old = api.get('v1', 'Pod', 'old', 'foo');
  if (old !== undefined) old.metadata.deletionTimestamp = '2026-11-22T10:00:00Z';
  api.put(pod('new', 'sleep', { status: { conditions: [{ type: 'Ready', status: 'True' }] } }));
  const pods = await listPods(client, 'foo', { app: 'sleep' }, signal);
  expect(pods.map((each) => each.metadata.name)).toEqual(['new']);
  expect(pods.map(isReady)).toEqual([true]);
  expect(isReady({ ...pods[0], status: { conditions: [{ type: 'Ready', status: 'False' }] } } as Pod)).toBe(
    false,
  );
  expect(isReady(pod('none', 'x') as Pod)).toBe(false);
});

test('a log is text as it was written, also when it happens to be JSON, and empty without a container', async () => {
  const query = { namespace: 'foo', pod: 'a', container: 'c', since: Date.now() - 9_500, timestamps: true };
  api.rule('GET', /log$/, { status: 200, body: 'one\ntwo\n' }, 1);
  expect(await podLog(client, query, signal)).toBe('one\ntwo\n');
  expect(api.requests.at(-1)?.query).toEqual({
    container: 'c',
    limitBytes: String(32 * 1024 * 1024),
    // No time: the clock of the node may be another.
    sinceSeconds: '10',
    timestamps: 'true',
  });
  api.rule('GET', /log$/, { status: 200, body: '{"level": "info",  "msg": "x"}\n' }, 1);
  expect(await podLog(client, query, signal)).toBe('{"level": "info",  "msg": "x"}\n');
  for (const status of [400, 404]) {
    api.rule('GET', /log$/, failure(status, 'BadRequest', 'container c is waiting to start'), 1);
    expect(await podLog(client, query, signal)).toBe('');
  }
  api.rule('GET', /log$/, failure(403, 'Forbidden', 'no logs for you'), 1);
  await expect(podLog(client, query, signal)).rejects.toThrow('no logs for you');
});

test('a Deployment that gave up by its own progressDeadlineSeconds is not waited for', async () => {
  const exceeded = { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' };
  const status = { observedGeneration: 2, replicas: 1, updatedReplicas: 1, conditions: [exceeded] };
  const waiting = { reason: 'ErrImagePull', message: 'not found' };
  api.put(
    pod('nginx-1', 'nginx', { status: { containerStatuses: [{ name: 'nginx', state: { waiting } }] } }),
  );
  const object = api.put(deployment('nginx', status));
  await expect(waitUntilReady(client, [object], signal, 30_000)).rejects.toMatchObject({
    code: 'E_NOT_READY',
    message:
      'Deployment foo/nginx did not become ready within its progressDeadlineSeconds: container nginx: ErrImagePull not found',
    hint: expect.stringContaining('kubectl describe deployment -n foo nginx'),
  });
});

const neverPulled = (name: string, app: string) =>
  pod(name, app, {
    status: { containerStatuses: [{ name: app, state: { waiting: { reason: 'ErrImageNeverPull' } } }] },
  });

test('one whose image can never be had is not waited for', async () => {
  const object = api.put(deployment('web', { observedGeneration: 2, replicas: 1, updatedReplicas: 1 }));
  api.put(neverPulled('web-1', 'web'));
  await expect(waitUntilReady(client, [object], signal, 30_000)).rejects.toMatchObject({
    code: 'E_NOT_READY',
    message: 'Deployment foo/web cannot become ready: container web: ErrImageNeverPull',
  });
});

test('unless the pod is one of an older generation', async () => {
  const stages = [
    { observedGeneration: 2, replicas: 2, updatedReplicas: 1 },
    { observedGeneration: 1, replicas: 1, updatedReplicas: 1 },
    done,
  ];
  const object = api.put(deployment('web', {}));
  api.put(neverPulled('web-1', 'web'));
  api.rule('GET', /deployments\/web$/, () => {
    api.put(deployment('web', stages.shift() ?? done));
    return undefined;
  });
  await waitUntilReady(client, [object], signal);
  expect(stages).toEqual([]);
});

describe('a Gateway of the Gateway API', () => {
  const gateway = (spec: object = {}, metadata: object = {}): KubeObject => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: 'edge', namespace: 'foo', ...metadata },
    spec: { gatewayClassName: 'istio', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }], ...spec },
  });
  const service = (name: string, ...ports: number[]): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'foo' },
    spec: { ports: ports.map((port) => ({ port })) },
  });
  const gatewayClass = (name: string, controllerName: string): KubeObject => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GatewayClass',
    metadata: { name },
    spec: { controllerName },
  });
  const wait = (object: KubeObject, limit = 0) => waitUntilReady(client, [object], signal, limit, 1);

  test('is ready when the Deployment and the Service that istiod makes of it are there', async () => {
    await expect(wait(gateway())).rejects.toMatchObject({
      code: 'E_NOT_READY',
      message: expect.stringMatching(
        /^Gateway foo\/edge becoming ready .*: Deployment foo\/edge-istio, which istiod makes for it: it does not exist$/,
      ),
      hint: 'Look at it with: kubectl describe gateway -n foo edge',
    });
    api.put(deployment('edge-istio', { ...done, availableReplicas: 0 }));
    await expect(wait(gateway())).rejects.toThrow('0 of 1 replicas');
    api.put(deployment('edge-istio', done));
    await expect(wait(gateway())).rejects.toThrow('Service foo/edge-istio does not exist');
    api.put(service('edge-istio', 15_021));
    await expect(wait(gateway())).rejects.toThrow('Service foo/edge-istio has no port 80 yet');
    api.put(service('edge-istio', 15_021, 80));
    await wait(gateway());
  });

  test('is not ready with the Deployment of one of the same name that was deleted', async () => {
    api.put(gateway({}, { uid: 'new' }));
    api.put(service('edge-istio', 80));
    const owned = (uid: string): KubeObject => {
      const made = deployment('edge-istio', done);
      return { ...made, metadata: { ...made.metadata, ownerReferences: [{ uid }] } };
    };
    api.put(owned('old'));
    await expect(wait(gateway())).rejects.toThrow(
      'Deployment foo/edge-istio still belongs to a Gateway that was deleted',
    );
    api.put(owned('new'));
    await wait(gateway());
  });

  test.each([
    ['gateways', 'my-class', 'istio.io/gateway-controller', {}, 'edge-my-class'],
    ['waypoints', 'istio-waypoint', 'istio.io/mesh-controller', {}, 'edge'],
    [
      'a name of its own',
      'istio',
      'istio.io/gateway-controller',
      { 'gateway.istio.io/name-override': 'mine' },
      'mine',
    ],
  ])('has the name that istiod gives %s', async (_, name, controller, annotations, expected) => {
    api.put(gatewayClass(name, controller));
    await expect(wait(gateway({ gatewayClassName: name }, { annotations }))).rejects.toThrow(
      `Deployment foo/${expected}, `,
    );
  });

  test('with one IP address is deployed, with another address or several it has a Service already', async () => {
    await expect(wait(gateway({ addresses: [{ value: '10.0.0.1' }] }))).rejects.toThrow('edge-istio');
    await wait(gateway({ addresses: [{ type: 'Hostname', value: 'my-gateway.foo' }] }));
    await wait(gateway({ addresses: [{ value: '10.0.0.1' }, { value: '10.0.0.2' }] }));
  });

  test('of somebody else is not waited for', async () => {
    api.put(gatewayClass('nginx', 'nginx.org/controller'));
    api.put(gatewayClass('istio-remote', 'istio.io/unmanaged-gateway'));
    for (const name of ['nginx', 'istio-remote', 'unknown']) await wait(gateway({ gatewayClassName: name }));
    await wait({ ...gateway(), apiVersion: 'networking.istio.io/v1' });
  });
});

test('that a Deployment gave up before it was changed means nothing', async () => {
  const exceeded = { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' };
  const stages = [{ ...done, observedGeneration: 1, conditions: [exceeded] }, done];
  const object = api.put(deployment('nginx', {}));
  api.rule('GET', /deployments\/nginx$/, () => {
    api.put(deployment('nginx', stages.shift() ?? done));
    return undefined;
  });
  await waitUntilReady(client, [object], signal);
});
