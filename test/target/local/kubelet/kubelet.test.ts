import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { KubeObject } from '../../../../src/target/target.ts';
import { FakeApi, failure } from '../../../support/fake-api.ts';
import { FakeMesh } from '../fake-mesh.ts';
import { ends } from '../processes.ts';
import { deployment, gatewaySpec, service } from '../support.ts';

let api: FakeApi;
let mesh: FakeMesh;
beforeAll(async () => {
  api = await FakeApi.start();
});
beforeEach(async () => {
  api.reset();
  api.realistic = true;
  mesh = await FakeMesh.start(api);
});
afterEach(async () => {
  await mesh.stop();
});
afterAll(async () => {
  await api.stop();
});

const namespace = (labels: Record<string, string> = {}, more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'foo', labels, ...more },
});
const injected = () => api.put(namespace({ 'istio-injection': 'enabled' }));
const configMap = (name: string, data: Record<string, string>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'foo' },
  data,
});
const nginx = (configuration = 'settings') =>
  deployment('nginx', {
    spec: {
      volumes: [{ name: 'v', configMap: { name: configuration } }],
      containers: [
        {
          name: 'nginx',
          image: 'nginx',
          ports: [{ containerPort: 8080 }],
          volumeMounts: [{ name: 'v', mountPath: '/etc/nginx/conf.d' }],
        },
      ],
    },
  });
const server = (body: string) => `server { listen 8080; location / { return 200 '${body}'; } }`;
const only = (kind: string) => {
  const all = api.all(kind);
  expect(all).toHaveLength(1);
  return all[0]!;
};
/** Where a sidecar listens, and where its application does. */
const ingressOf = ({ spec }: KubeObject) =>
  (spec as { ingress?: { defaultEndpoint: string }[] }).ingress ?? [];
/** Why a pod is not ready. */
const waiting = (pod: KubeObject | undefined) =>
  (
    pod?.status as
      | { containerStatuses?: { state: { waiting?: { reason: string; message?: string } } }[] }
      | undefined
  )?.containerStatuses?.[0]?.state.waiting;
/** Everything that was seen until now has been acted on. */
const settled = async () => {
  const marker = deployment('marker', {}, { replicas: 0 });
  marker.metadata.namespace = 'elsewhere';
  api.put(marker);
  const status = () => api.get('apps/v1', 'Deployment', 'marker', 'elsewhere')?.status;
  await expect.poll(status).toMatchObject({ observedGeneration: 1 });
};

describe('a Deployment', () => {
  test('with a sidecar becomes a pod, an endpoint, a Sidecar, an application and an Envoy', async () => {
    injected();
    api.put(service('httpbin'));
    api.put(deployment('httpbin'));
    await mesh.ready('httpbin');
    const workload = mesh.kubelet.workloads[0]!;
    const { name, address } = workload.identity;
    expect(only('Pod')).toMatchObject({
      metadata: { name, namespace: 'foo', labels: { app: 'httpbin' } },
      status: { phase: 'Running', podIP: address },
    });
    expect(only('WorkloadEntry')).toMatchObject({
      metadata: { name },
      spec: { address, labels: { app: 'httpbin' } },
    });
    // Its Service may be seen after it.
    await expect
      .poll(() => ingressOf(only('Sidecar')))
      .toMatchObject([{ port: { number: workload.realPort(8080) }, bind: address }]);
    // Where its Envoy finds the application.
    expect((await fetch(`http://${ingressOf(only('Sidecar'))[0]?.defaultEndpoint}/status/418`)).status).toBe(
      418,
    );
    expect(mesh.parts.map((part) => part.name)).toEqual([`Envoy of foo/${name}`]);
    expect(mesh.problems).toEqual([]);
  });

  test('without a sidecar becomes an application on an address of its own', async () => {
    api.put(namespace());
    api.put(service('httpbin'));
    api.put(
      deployment('httpbin', {
        spec: { containers: [{ name: 'a', image: 'httpbin', ports: [{ containerPort: 8080 }] }] },
      }),
    );
    await mesh.ready('httpbin');
    const workload = mesh.kubelet.workloads[0]!;
    expect((await fetch(`http://${workload.identity.address}:${workload.realPort(8080)}/get`)).status).toBe(
      200,
    );
    expect(api.all('Sidecar')).toEqual([]);
    expect(mesh.parts).toEqual([]);
  });

  test('that is created again while its pods end gets its own once', async () => {
    injected();
    api.put(deployment('httpbin'));
    await mesh.ready('httpbin');
    let goOn = () => {};
    const held = new Promise<undefined>((resolve) => {
      goOn = () => resolve(undefined);
    });
    const deleting = vi.fn(() => held);
    api.rule('DELETE', /\/pods\//, deleting, 1);
    api.remove('apps/v1', 'Deployment', 'httpbin', 'foo');
    await expect.poll(() => deleting.mock.calls.length).toBe(1);
    api.put(deployment('httpbin'));
    await settled();
    goOn();
    await mesh.ready('httpbin');
    api.put(service('httpbin'));
    await expect.poll(() => ingressOf(api.all('Sidecar')[0]!).length).toBeGreaterThan(0);
    expect(only('Pod').metadata.name).toBe(mesh.kubelet.workloads[0]?.identity.name);
    api.remove('apps/v1', 'Deployment', 'httpbin', 'foo');
    await expect.poll(() => api.all('Pod')).toEqual([]);
  });

  test('that is deleted takes everything with it, and its addresses are free', async () => {
    injected();
    api.put(deployment('httpbin'));
    await mesh.ready('httpbin');
    const { identity, outbound } = mesh.kubelet.workloads[0]!;
    api.remove('apps/v1', 'Deployment', 'httpbin', 'foo');
    await ends(mesh.parts[0]!.pid);
    await expect.poll(() => ['Pod', 'WorkloadEntry', 'Sidecar'].flatMap((kind) => api.all(kind))).toEqual([]);
    expect(mesh.kubelet.workloads).toEqual([]);
    await mesh.kubelet.stop();
    // All others are used, but for one; these two come before it.
    const others = Array.from({ length: 242 }, () => mesh.block.next());
    mesh.block.free(others[0]!);
    expect([mesh.block.next(), mesh.block.next()]).toEqual([identity.address, outbound.address]);
    expect(mesh.problems).toEqual([]);
  });

  test('has as many pods as it says', async () => {
    api.put(namespace());
    api.put(deployment('httpbin', {}, { replicas: 2 }));
    await mesh.ready('httpbin', 2);
    const [first] = mesh.kubelet.workloads;
    api.put(deployment('httpbin', {}, { replicas: 1 }));
    await mesh.ready('httpbin', 1);
    expect(mesh.kubelet.workloads).not.toContain(first);
    expect(mesh.pods).toHaveLength(1);
    api.put(deployment('httpbin', {}, { replicas: 0 }));
    await expect.poll(() => mesh.pods).toEqual([]);
    await mesh.ready('httpbin', 0);
  });

  test('gets new pods when its template changes, and keeps them otherwise', async () => {
    api.put(namespace());
    api.put(deployment('httpbin'));
    await mesh.ready('httpbin');
    const [before] = mesh.kubelet.workloads;
    const changed = deployment('httpbin');
    changed.metadata.annotations = { a: 'b' };
    api.put(changed);
    await settled();
    expect(mesh.kubelet.workloads).toEqual([before]);
    api.put(deployment('httpbin', { metadata: { labels: { app: 'httpbin', version: 'v2' } } }));
    await expect.poll(() => mesh.kubelet.workloads[0]).not.toBe(before);
    await mesh.ready('httpbin');
    expect(only('Pod').metadata.labels).toMatchObject({ version: 'v2' });
  });

  test('with a long name has pods whose names fit into a label', async () => {
    injected();
    const name = 'a'.repeat(63);
    api.put(deployment(name, { metadata: { labels: { app: 'a' } } }));
    await mesh.ready(name);
    const pod = only('Pod');
    expect(pod.metadata.name).toMatch(/^a+-?[a-z0-9-]*[a-z0-9]$/);
    for (const value of Object.values(pod.metadata.labels ?? {}))
      expect(value.length).toBeLessThanOrEqual(63);
  });
});

describe('a gateway by injection', () => {
  const { labels, annotations, containers } = gatewaySpec();
  const gateway = (template: { metadata?: Record<string, unknown> } = {}, spec = {}) =>
    deployment(
      'my-gateway',
      { metadata: { labels, annotations, ...template.metadata }, spec: { containers } },
      spec,
    );

  test('becomes a router whose listeners are bound to its own address, and an endpoint without TLS', async () => {
    injected();
    api.put(
      service('my-gateway', [{ name: 'http2', port: 80, targetPort: 8080 }], {
        selector: { istio: 'my-gateway' },
      }),
    );
    api.put(gateway({}, { replicas: 2 }));
    await mesh.ready('my-gateway', 2);
    const names = mesh.kubelet.workloads.map(({ identity }) => identity.name).sort();
    for (const kind of ['Pod', 'WorkloadEntry', 'EnvoyFilter'])
      expect(
        api
          .all(kind)
          .map(({ metadata }) => metadata.name)
          .sort(),
      ).toEqual(names);
    for (const { spec } of api.all('WorkloadEntry'))
      expect(spec).toMatchObject({
        labels: { istio: 'my-gateway', 'security.istio.io/tlsMode': 'disabled' },
      });
    expect(api.all('Sidecar')).toEqual([]);
    expect(mesh.kubelet.workloads.map(({ envoy }) => envoy?.node)).toEqual([
      expect.stringMatching(/^router~/),
      expect.stringMatching(/^router~/),
    ]);
    api.remove('apps/v1', 'Deployment', 'my-gateway', 'foo');
    await expect
      .poll(() => ['Pod', 'WorkloadEntry', 'EnvoyFilter'].flatMap((kind) => api.all(kind)))
      .toEqual([]);
    expect(mesh.problems).toEqual([]);
  });

  test('keeps the port on which a Gateway had it listen before its Service was seen', async () => {
    injected();
    api.put(gateway());
    await mesh.ready('my-gateway', 1);
    const [workload] = mesh.kubelet.workloads;
    const { address, name } = workload!.identity;
    const taken = [8080, 8443].map((port) => createServer().listen(port, address));
    await Promise.all(taken.map((server) => once(server, 'listening')));
    writeFileSync(join(mesh.folder, `listeners-${name}`), `listener::${address}:8080\n`);
    const ports = [8080, 8443].map((port) => ({ name: `http-${port}`, port, targetPort: port }));
    api.put(service('my-gateway', ports, { selector: { istio: 'my-gateway' } }));
    await expect.poll(() => workload!.realPort(8443)).not.toBe(8443);
    expect(workload!.realPort(8080)).toBe(8080);
    for (const server of taken) server.close();
  });

  test('that is not injected says what is missing, as an image that never comes', async () => {
    api.put(namespace({ 'istio-injection': 'disabled' }));
    api.put(gateway());
    await expect
      .poll(() => waiting(mesh.pods[0]))
      .toEqual({
        reason: 'ErrImageNeverPull',
        message: expect.stringMatching(
          /container istio-proxy has the image auto.* not injected\. .*inject: "true"/,
        ),
      });
    expect(mesh.parts).toEqual([]);
  });
});

describe('a Service', () => {
  test('that comes later is listened for, by its pods and by all others, and its endpoints are told', async () => {
    injected();
    const ports = [{ name: 'web', containerPort: 8080 }];
    api.put(deployment('httpbin', { spec: { containers: [{ name: 'httpbin', image: 'httpbin', ports }] } }));
    await mesh.ready('httpbin');
    // As virtualInbound in a cluster: policies are there whatever Services there are.
    const alone = [{ port: { number: 15_006, protocol: 'HTTP' }, defaultEndpoint: '127.0.0.1:1' }];
    expect(only('Sidecar').spec).toMatchObject({ ingress: alone });
    api.put(service('httpbin', [{ name: 'http', port: 8000, targetPort: 'web' }]));
    await expect.poll(() => only('WorkloadEntry').spec).toMatchObject({ ports: { web: 8080 } });
    await expect.poll(() => mesh.kubelet.workloads[0]?.clientPorts).toEqual([8000]);
    await mesh.kubelet.workloads[0]!.listening(AbortSignal.timeout(5000));
    expect(ingressOf(only('Sidecar'))).toMatchObject([{ port: { number: 8080, protocol: 'HTTP' } }]);
    api.remove('v1', 'Service', 'httpbin', 'foo');
    await expect.poll(() => only('WorkloadEntry').spec).not.toHaveProperty('ports.web');
    await expect.poll(() => only('Sidecar').spec).toMatchObject({ ingress: alone });
    expect(mesh.problems).toEqual([]);
  });

  test('that speaks no HTTP leaves a listener for HTTP beside its own, as in a cluster', async () => {
    injected();
    api.put(service('httpbin', [{ name: 'tcp', port: 9000, targetPort: 9000 }]));
    api.put(deployment('httpbin'));
    await mesh.ready('httpbin');
    await expect
      .poll(() => ingressOf(only('Sidecar')))
      .toMatchObject([{ port: { number: 9000, protocol: 'TCP' } }, { port: { number: 15_006 } }]);
  });

  test('whose change the API server refuses once is told of again', async () => {
    injected();
    api.put(deployment('httpbin'));
    await mesh.ready('httpbin');
    api.rule('PATCH', /sidecars/, failure(500, 'InternalError', 'try again'), 1);
    api.put(service('httpbin'));
    await expect.poll(() => mesh.problems).toEqual(['foo/httpbin: try again']);
    api.put(service('other', []));
    await expect.poll(() => ingressOf(only('Sidecar'))).toMatchObject([{ port: { number: 8080 } }]);
  });
});

describe('a ConfigMap', () => {
  test('that a pod mounts is waited for', async () => {
    api.put(namespace());
    api.put(nginx());
    await expect
      .poll(() => api.get('apps/v1', 'Deployment', 'nginx', 'foo')?.status)
      .toMatchObject({ readyReplicas: 0, unavailableReplicas: 1 });
    expect(mesh.pods).toEqual([]);
    api.put(configMap('settings', { 'default.conf': server('one') }));
    await mesh.ready('nginx');
    expect(mesh.mountChanges).toBe(1);
    const { identity, realPort } = mesh.kubelet.workloads[0]!;
    const port = realPort.call(mesh.kubelet.workloads[0], 8080);
    expect(await (await fetch(`http://${identity.address}:${port}/`)).text()).toBe('one');
  });

  test('that keeps a pod from starting is tried again when it has changed', async () => {
    api.put(namespace());
    api.put(configMap('settings', { 'default.conf': 'server { nonsense; }' }));
    api.put(nginx());
    await expect.poll(() => waiting(mesh.pods[0])?.message).toContain('nonsense');
    api.put(configMap('settings', { 'default.conf': server('two') }));
    await mesh.ready('nginx');
    expect(mesh.pods).toHaveLength(1);
  });
});

describe('a pod that cannot run', () => {
  test('says why, is no endpoint whatever changes, and runs once it can', async () => {
    injected();
    api.put(service('redis'));
    api.put(deployment('redis', { spec: { containers: [{ name: 'redis', image: 'redis:8' }] } }));
    await expect
      .poll(() => waiting(mesh.pods[0]))
      .toEqual({
        reason: 'ErrImageNeverPull',
        message: expect.stringMatching(/cannot run the image redis:8\. .*--target kind/),
      });
    api.put(service('redis', [{ name: 'http', port: 1, targetPort: 8080 }]));
    await settled();
    expect(api.all('WorkloadEntry')).toEqual([]);
    expect(mesh.parts).toEqual([]);
    api.put(deployment('redis'));
    await mesh.ready('redis');
    expect(mesh.pods).toHaveLength(1);
    expect(api.all('WorkloadEntry')).toHaveLength(1);
  });

  test('for want of its Envoy says so', async () => {
    await mesh.stop();
    api.reset();
    mesh = await FakeMesh.start(api, { envoy: '/nowhere/envoy' });
    injected();
    api.put(deployment('httpbin'));
    await expect
      .poll(() => waiting(mesh.pods[0])?.message)
      .toMatch(/^Envoy of foo\/httpbin-.* could not be started/);
  });

  test('because its Envoy ends says how, with the last lines', async () => {
    await mesh.stop();
    api.reset();
    mesh = await FakeMesh.start(api, { envoy: 'false' });
    injected();
    api.put(deployment('httpbin'));
    await expect.poll(() => waiting(mesh.pods[0])?.message).toMatch(/^Envoy of .* ended with exit code 1/);
  });
});

describe('a Namespace', () => {
  test('that is deleted is emptied and let go, without a complaint', async () => {
    injected();
    api.put(service('httpbin'));
    api.put(configMap('settings', {}));
    api.put(deployment('httpbin'));
    await mesh.ready('httpbin');
    api.put(namespace({ 'istio-injection': 'enabled' }, { deletionTimestamp: '2026-01-01T00:00:00Z' }));
    await expect.poll(() => api.get('v1', 'Namespace', 'foo'), { timeout: 10_000 }).toBeUndefined();
    await ends(mesh.parts[0]!.pid);
    await expect.poll(() => mesh.kubelet.workloads).toEqual([]);
    expect([...api.objects.values()].map(({ kind }) => kind)).toEqual([]);
    expect(mesh.problems).toEqual([]);
    expect(api.log('PUT')).toEqual(['PUT /api/v1/namespaces/foo/finalize']);
  });

  test('that is being deleted gets no new objects from here', async () => {
    injected();
    api.put(service('httpbin'));
    api.put(deployment('httpbin'));
    await mesh.ready('httpbin');
    // As long as this lasts its Deployment is still there.
    api.rule('DELETE', /deployments$/, 'hang', 1);
    api.put(namespace({ 'istio-injection': 'enabled' }, { deletionTimestamp: '2026-01-01T00:00:00Z' }));
    await expect.poll(() => mesh.kubelet.workloads).toEqual([]);
    api.requests.length = 0;
    api.put(service('other'));
    await settled();
    expect(api.log('PATCH').filter((line) => !line.endsWith('/status'))).toEqual([]);
  });

  test('whose label asks for sidecars, or not any more, gets other pods', async () => {
    api.put(namespace());
    api.put(deployment('httpbin'));
    await mesh.ready('httpbin');
    expect(mesh.parts).toEqual([]);
    injected();
    await expect.poll(() => mesh.parts.length).toBe(1);
    await mesh.ready('httpbin');
    expect(mesh.kubelet.workloads[0]?.identity.proxy).toBe('sidecar');
  });
});

describe('at its end', () => {
  test('all Envoys and applications have ended, and nothing is written any more', async () => {
    injected();
    api.put(service('httpbin'));
    api.put(deployment('httpbin', {}, { replicas: 2 }));
    await mesh.ready('httpbin', 2);
    await expect.poll(() => ingressOf(api.all('Sidecar')[0]!)).toMatchObject([{ port: { number: 8080 } }]);
    const ingress = ingressOf(api.all('Sidecar')[0]!);
    await mesh.stop();
    for (const part of mesh.parts) await ends(part.pid);
    await expect(fetch(`http://${ingress[0]?.defaultEndpoint}/`)).rejects.toThrow();
    const requests = api.requests.length;
    api.remove('apps/v1', 'Deployment', 'httpbin', 'foo');
    api.put(service('other'));
    await expect.poll(() => api.watches).toBe(0);
    expect(api.requests.length).toBe(requests);
  });

  test('a pod that is being started is not waited for', async () => {
    await mesh.stop();
    api.reset();
    mesh = await FakeMesh.start(api);
    // No listeners: it never gets ready.
    api.onChange = () => {};
    injected();
    api.put(deployment('httpbin'));
    await expect.poll(() => mesh.parts.length).toBe(1);
    const started = performance.now();
    await mesh.stop();
    expect(performance.now() - started).toBeLessThan(20_000);
    await ends(mesh.parts[0]!.pid);
  });
});

describe('a Gateway of the Gateway API', () => {
  const gateway: KubeObject = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: 'edge', namespace: 'foo', uid: 'its-own' },
  };

  test('takes what istiod has made of it along when it goes, also its pods', async () => {
    injected();
    api.put(gateway);
    const made = deployment('edge-istio');
    made.metadata.labels = { 'gateway.networking.k8s.io/gateway-name': 'edge' };
    made.metadata.ownerReferences = [{ uid: 'its-own' }];
    api.put(made);
    await mesh.kubelet.startGateways();
    await expect.poll(() => api.all('Pod').length).toBe(1);
    api.remove(gateway.apiVersion, 'Gateway', 'edge', 'foo');
    await expect.poll(() => [...api.all('Pod'), ...api.all('Deployment')]).toEqual([]);
  });

  test('is not watched for where there are none, and can be later', async () => {
    const kinds = api.resources.get('gateway.networking.k8s.io/v1')!;
    api.resources.delete('gateway.networking.k8s.io/v1');
    await expect(mesh.kubelet.startGateways()).rejects.toThrow();
    api.resources.set('gateway.networking.k8s.io/v1', kinds);
    await mesh.kubelet.startGateways();
  });
});
