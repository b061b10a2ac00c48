import { describe, expect, test } from 'vitest';
import {
  podObject,
  podStatus,
  sidecarObject,
  workloadEntry,
  workloadLabel,
} from '../../../src/target/local/workload-objects.ts';
import { identity, podSpec } from './support.ts';

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
    expect(podObject({ ...pod, injected: false }).spec).not.toHaveProperty('initContainers');
    // The API server wants an image of every container.
    const { containers } = object.spec as { containers: { image: string }[] };
    expect(containers.map(({ image }) => image)).toEqual(['go-httpbin:1', 'none']);
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
    { name: '', port: 81, targetPort: 81, protocol: 'HTTP' },
  ];

  test('has the real ports by the names of those of Services, and speaks mutual TLS with a sidecar only', () => {
    const entry = workloadEntry(pod, ports, (target) => target + 40_000);
    expect(entry.spec).toEqual({
      address: pod.address,
      labels: { app: 'httpbin', version: 'v1', 'security.istio.io/tlsMode': 'istio' },
      serviceAccount: 'web',
      ports: { http: 40_080 },
    });
    const bare = workloadEntry({ ...pod, injected: false }, ports, (target) => target);
    expect(bare.spec).toMatchObject({ labels: { app: 'httpbin', version: 'v1' }, ports: { http: 80 } });
    expect(JSON.stringify(bare)).not.toContain('tlsMode');
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

  test('has no ingress at all when no Service leads to it: an empty one is refused', () => {
    expect(sidecarObject(pod, { inbound: [], outbound }).spec).not.toHaveProperty('ingress');
  });
});
