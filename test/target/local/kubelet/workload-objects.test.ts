import { describe, expect, test } from 'vitest';
import {
  gatewayFilter,
  podObject,
  podStatus,
  sidecarObject,
  workloadEntry,
  workloadLabel,
} from '../../../../src/target/local/kubelet/workload-objects.ts';
import { gatewaySpec, identity, podSpec } from '../support.ts';

const pod = identity({
  spec: podSpec({
    labels: { app: 'httpbin', version: 'v1' },
    annotations: { a: 'b' },
    serviceAccount: 'web',
    containers: [
      { name: 'httpbin', image: 'go-httpbin:1', ports: [], mounts: [] },
      { name: 'bare', image: '', ports: [], mounts: [] },
    ],
  }),
});

describe('the pod', () => {
  test('has the labels by which policies select, the account, and a sidecar where there is one', () => {
    const object = podObject(pod);
    expect(object).toMatchObject({
      kind: 'Pod',
      metadata: { name: 'httpbin-1', namespace: 'foo', labels: { app: 'httpbin', version: 'v1' } },
      spec: { serviceAccountName: 'web', initContainers: [{ name: 'istio-proxy' }] },
    });
    expect(podObject({ ...pod, proxy: 'none' }).spec).not.toHaveProperty('initContainers');
    // The API server wants an image of every container.
    const { containers } = object.spec as { containers: { image: string }[] };
    expect(containers.map(({ image }) => image)).toEqual(['go-httpbin:1', 'none']);
  });

  test('of a gateway has the proxy as its container, as has one whose template names the sidecar', () => {
    const gateway = identity({ proxy: 'gateway', spec: gatewaySpec() });
    const proxy = [{ name: 'istio-proxy', image: 'envoy' }];
    expect(podObject(gateway)).toMatchObject({
      metadata: {
        labels: { istio: 'my-gateway', 'sidecar.istio.io/inject': 'true', [workloadLabel]: 'httpbin-1' },
        annotations: { 'inject.istio.io/templates': 'gateway' },
      },
      spec: { containers: proxy },
    });
    expect(podStatus(gateway, { ready: true })).toMatchObject({
      containerStatuses: [{ name: 'istio-proxy', ready: true }],
    });
    const named = { ...gateway, proxy: 'sidecar' } as const;
    for (const each of [gateway, named]) {
      expect(podObject(each).spec).toMatchObject({ containers: proxy });
      expect(podObject(each).spec).not.toHaveProperty('initContainers');
      expect(podStatus(each, { ready: true })).not.toHaveProperty('initContainerStatuses');
    }
  });

  test('is running and ready, or says why it is not', () => {
    const conditions = (status: object) =>
      Object.fromEntries(
        (status as { conditions: { type: string; status: string }[] }).conditions.map((each) => [
          each.type,
          each.status,
        ]),
      );
    const ready = podStatus(pod, { ready: true });
    expect(ready).toMatchObject({ phase: 'Running', podIP: pod.address, podIPs: [{ ip: pod.address }] });
    expect(conditions(ready)).toEqual({ Ready: 'True', ContainersReady: 'True', PodScheduled: 'True' });
    const waiting = { reason: 'CreateContainerError', message: 'no such image' };
    const failed = podStatus(pod, { ready: false, waiting });
    expect(failed).toMatchObject({
      phase: 'Pending',
      containerStatuses: [{ ready: false, state: { waiting } }, {}],
    });
    expect(conditions(failed)).toMatchObject({ Ready: 'False', ContainersReady: 'False' });
    expect(podStatus(pod, { ready: false })).toMatchObject({
      containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }, {}],
    });
  });
});

describe('its endpoint', () => {
  const ports = [
    { name: 'http', port: 8000, targetPort: 80, protocol: 'HTTP' },
    { name: 'same', port: 8001, targetPort: 8080, protocol: 'HTTP' },
    { name: 'other', port: 8002, targetPort: 8080, targetName: 'web', protocol: 'HTTP' },
    { name: '', port: 81, targetPort: 81, protocol: 'HTTP' },
  ];
  const real = (port: number) => (port < 1024 ? port + 40_000 : port);

  test('has real ports by the names that istiod looks for, and mutual TLS with a sidecar only', () => {
    expect(workloadEntry(pod, ports, real).spec).toEqual({
      address: pod.address,
      labels: { app: 'httpbin', version: 'v1', 'security.istio.io/tlsMode': 'istio' },
      serviceAccount: 'web',
      ports: { http: 40_080, web: 8080 },
    });
    for (const proxy of ['none', 'gateway'] as const) {
      expect(workloadEntry({ ...pod, proxy }, ports, real).spec).toMatchObject({
        labels: { app: 'httpbin', version: 'v1', 'security.istio.io/tlsMode': 'disabled' },
      });
    }
  });

  test('says nothing of ports that are as Services say: an empty map would come back as null', () => {
    expect(workloadEntry(pod, [], real).spec).not.toHaveProperty('ports');
    expect(workloadEntry(pod, ports.slice(1, 2), real).spec).not.toHaveProperty('ports');
  });

  test('keeps the label that the pod has itself', () => {
    const labels = { 'security.istio.io/tlsMode': 'istio' };
    const entry = workloadEntry(identity({ proxy: 'none', spec: podSpec({ labels }) }), [], real);
    expect(entry.spec).toMatchObject({ labels });
  });
});

describe('the listeners of a gateway', () => {
  test('are bound to its own address, also where several pods have the same labels', () => {
    expect(gatewayFilter(pod)).toMatchObject({
      kind: 'EnvoyFilter',
      metadata: { name: 'httpbin-1', namespace: 'foo' },
      spec: {
        workloadSelector: { labels: { [workloadLabel]: 'httpbin-1' } },
        configPatches: [
          {
            match: { context: 'GATEWAY' },
            patch: { value: { address: { socket_address: { address: pod.address } } } },
          },
        ],
      },
    });
  });
});

describe('its Sidecar', () => {
  const outbound = { address: '127.99.0.21', socket: '/mesh/w1.out', ports: [8000] };

  test('is selected by the name of the pod, and binds addresses of its own only', () => {
    const inbound = [{ port: 8080, protocol: 'HTTP', app: 41_000 }];
    const object = sidecarObject(pod, { inbound, outbound });
    expect(object.spec).toMatchObject({
      workloadSelector: { labels: { [workloadLabel]: 'httpbin-1' } },
      ingress: [
        {
          port: { number: 8080, protocol: 'HTTP' },
          bind: pod.address,
          captureMode: 'NONE',
          defaultEndpoint: '127.0.0.1:41000',
        },
      ],
      egress: [
        { port: { number: 0 }, bind: 'unix:///mesh/w1.out', captureMode: 'NONE', hosts: ['*/*'] },
        { port: { number: 8000 }, bind: '127.99.0.21', captureMode: 'NONE', hosts: ['*/*'] },
      ],
    });
    expect(podObject(pod).metadata.labels?.[workloadLabel]).toBe('httpbin-1');
  });
});
