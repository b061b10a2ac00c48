import { describe, expect, test, vi } from 'vitest';
import { timeouts } from '../../../../src/base/timeouts.ts';
import type { Clients } from '../../../../src/target/kubernetes/client-for.ts';
import {
  beginRestart,
  extraRootCa,
  inspectIstiod,
  restartIstiod,
  setExtraRootCa,
} from '../../../../src/target/kubernetes/settings/istiod-settings.ts';
import { type FakeApi, failure } from '../../../support/fake-api.ts';
import { unaborted } from '../../../support/signals.ts';
import { useFakeApi } from '../../../support/use-fake-api.ts';

let api: FakeApi;
let clients: Clients;
const signal = unaborted();
useFakeApi((server, made) => {
  api = server;
  clients = { data: made, mesh: made };
});

const ready = { conditions: [{ type: 'Ready', status: 'True' }] };

function istiod(env: object[] = [], annotations: Record<string, string> = {}) {
  api.put({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'istiod',
      namespace: 'istio-system',
      generation: 1,
      labels: { app: 'istiod' },
      annotations,
    },
    spec: {
      selector: { matchLabels: { app: 'istiod' } },
      template: {
        spec: { containers: [{ name: 'discovery', image: 'docker.io/istio/pilot:1.31.1', env }] },
      },
    },
    status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
  });
}

function pod(name: string, namespace: string, containers: string[], more: object = {}) {
  const labels = name.startsWith('istiod') ? { app: 'istiod' } : {};
  api.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: { containers: containers.map((each) => ({ name: each, image: 'x' })) },
    status: ready,
    ...more,
  });
}

describe('inspectIstiod', () => {
  test('reads image and mode of the Deployment', async () => {
    istiod([
      { name: 'OTHER', value: 'x' },
      { name: 'PILOT_JWT_ENABLE_REMOTE_JWKS', value: 'envoy' },
    ]);
    expect(await inspectIstiod(clients, 'istio-system', signal)).toEqual({
      image: 'docker.io/istio/pilot:1.31.1',
      fetch: 'envoy',
      variables: {},
    });
    istiod();
    expect((await inspectIstiod(clients, 'istio-system', signal))?.fetch).toBe('istiod');
  });

  // pkg/jwt/jwt.go of Istio
  test.each([
    ['', 'istiod'],
    ['false', 'istiod'],
    ['istiod', 'istiod'],
    ['nonsense', 'istiod'],
    ['true', 'hybrid'],
    ['hybrid', 'hybrid'],
    ['envoy', 'envoy'],
  ] as const)('PILOT_JWT_ENABLE_REMOTE_JWKS=%s means %s', async (value, mode) => {
    istiod([{ name: 'PILOT_JWT_ENABLE_REMOTE_JWKS', value }]);
    expect((await inspectIstiod(clients, 'istio-system', signal))?.fetch).toBe(mode);
  });

  test('one that this user may not see is undefined, and an error is one', async () => {
    api.rule('GET', /deployments/, failure(403, 'Forbidden', 'no'), 1);
    expect(await inspectIstiod(clients, 'istio-system', signal)).toBeUndefined();
    api.rule('GET', /deployments/, failure(500, 'InternalError', 'etcd is away'), 1);
    await expect(inspectIstiod(clients, 'istio-system', signal)).rejects.toThrow('etcd is away');
  });

  test('a control plane that cannot be seen is undefined', async () => {
    expect(await inspectIstiod(clients, 'istio-system', signal)).toBeUndefined();
    revision('istiod', { namespace: 'elsewhere' });
    revision('other', { labels: { app: 'other' } });
    revision('istiod', {}, 'something-else');
    expect(await inspectIstiod(clients, 'istio-system', signal)).toBeUndefined();
  });

  test('of several revisions it is the one that is called istiod, or else the first', async () => {
    const image = async () => (await inspectIstiod(clients, 'istio-system', signal))?.image;
    revision('istiod-canary');
    revision('istiod-stable');
    expect(await image()).toBe('example.com/istiod-canary');
    revision('istiod');
    expect(await image()).toBe('example.com/istiod');
  });

  function revision(name: string, more: object = {}, container = 'discovery'): void {
    const metadata = { name, namespace: 'istio-system', labels: { app: 'istiod' }, ...more };
    const containers = [
      { name: 'istio-proxy', image: 'example.com/proxy' },
      { name: container, image: `example.com/${name}` },
    ];
    const spec = { template: { spec: { containers } } };
    api.put({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec });
  }
});

test('setExtraRootCa is what istiod mounts', async () => {
  await setExtraRootCa(clients, 'istio-system', 'PEM', signal);
  expect(api.get('v1', 'ConfigMap', 'pilot-jwks-extra-cacerts', 'istio-system')?.data).toEqual({
    'extra.pem': 'PEM',
  });
});

test('extraRootCa is what was set, or what the installation has, or nothing', async () => {
  expect(await extraRootCa(clients, 'istio-system', signal)).toBeUndefined();
  const metadata = { name: 'pilot-jwks-extra-cacerts', namespace: 'istio-system' };
  api.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata });
  expect(await extraRootCa(clients, 'istio-system', signal)).toBeUndefined();
  api.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'extra.pem': 'OTHER\n' } });
  expect(await extraRootCa(clients, 'istio-system', signal)).toBe('OTHER');
  await setExtraRootCa(clients, 'istio-system', 'PEM', signal);
  expect(await extraRootCa(clients, 'istio-system', signal)).toBe('PEM');
});

describe('restartIstiod', () => {
  const sync = (...proxies: string[]) =>
    JSON.stringify(proxies.map((proxy) => ({ proxy, listener_sent: 'n1', listener_acked: 'n1' })));

  test('sets the mode, and waits until every proxy has its listeners from the new one', async () => {
    istiod();
    pod('istiod-1', 'istio-system', ['discovery']);
    pod('gateway-1', 'istio-system', ['istio-proxy']);
    pod('httpbin-1', 'foo', ['httpbin', 'istio-proxy']);
    pod('native-1', 'foo', ['app'], {
      spec: { containers: [{ name: 'app', image: 'x' }], initContainers: [{ name: 'istio-proxy' }] },
    });
    pod('plain-1', 'foo', ['app']);
    pod('starting-1', 'foo', ['app', 'istio-proxy'], { status: { conditions: [] } });
    const stages = [
      // It starts just now: no answer, then one that is none, then none that are connected.
      () => ({ code: 1, out: '' }),
      () => ({ code: 0, out: 'null' }),
      () => ({ code: 0, out: sync('gateway-1.istio-system') }),
      () => ({
        code: 0,
        out: JSON.stringify([
          ...(JSON.parse(sync('gateway-1.istio-system', 'native-1.foo')) as object[]),
          // Sent, but not acknowledged yet.
          { proxy: 'httpbin-1.foo', listener_sent: 'n2', listener_acked: 'n1' },
        ]),
      }),
      () => ({ code: 0, out: sync('gateway-1.istio-system', 'httpbin-1.foo', 'native-1.foo') }),
    ];
    const asked = stages.length;
    api.onExec((session) => {
      const stage = stages.shift()?.();
      if (stage === undefined) return session.exit(0);
      // Broken off once, as when the container ends.
      if (stages.length === asked - 1) return session.close();
      session.stdout(stage.out);
      session.exit(stage.code);
    });
    await restartIstiod(clients, 'istio-system', { fetch: 'envoy', variables: {} }, signal);
    expect(stages).toHaveLength(0);
    expect(api.exec.sessions[0]).toMatchObject({
      pod: 'istiod-1',
      container: 'discovery',
      command: ['pilot-discovery', 'request', 'GET', '/debug/syncz'],
    });
    const patch = api.requests.find((each) => each.method === 'PATCH');
    expect(patch?.headers['content-type']).toBe('application/strategic-merge-patch+json');
    expect(patch?.body).toMatchObject({
      spec: {
        template: {
          metadata: { annotations: { 'jwt-e2e/restarted-at': expect.stringMatching(/^\d{4}-/) } },
          spec: {
            containers: [
              { name: 'discovery', env: [{ name: 'PILOT_JWT_ENABLE_REMOTE_JWKS', value: 'envoy' }] },
            ],
          },
        },
      },
    });
  });

  test('takes what every istiod says together, of proxies that stay, and says at the end which are missing', async () => {
    istiod();
    pod('istiod-1', 'istio-system', ['discovery']);
    pod('istiod-2', 'istio-system', ['discovery']);
    pod('not-istiod', 'istio-system', ['discovery']);
    for (const name of ['a', 'b', 'c', 'd']) pod(name, 'foo', ['istio-proxy']);
    const metadata = { name: 'leaving', namespace: 'foo', deletionTimestamp: '2026-01-01T00:00:00Z' };
    pod('leaving', 'foo', ['istio-proxy'], { metadata });
    api.onExec((session) => {
      const nothingSent = { proxy: 'd.foo' };
      const own = JSON.parse(session.pod === 'istiod-1' ? sync('a.foo') : sync('b.foo', 'c.bar')) as object[];
      session.stdout(JSON.stringify([...own, nothingSent]));
      session.exit(0);
    });
    const asked = () => api.exec.sessions.length;
    const real = performance.now.bind(performance);
    const later = vi
      .spyOn(performance, 'now')
      .mockImplementation(() => real() + (asked() < 4 ? 0 : timeouts.istiodRestart));
    try {
      await expect(
        restartIstiod(clients, 'istio-system', { fetch: 'hybrid', variables: {} }, signal),
      ).rejects.toMatchObject({
        code: 'E_NOT_READY',
        message:
          'every proxy reconnecting to istiod did not happen within 120 s: not connected: c.foo, d.foo',
      });
    } finally {
      later.mockRestore();
    }
    expect(api.exec.sessions.map((session) => session.pod)).toEqual([
      'istiod-1',
      'istiod-2',
      'istiod-1',
      'istiod-2',
    ]);
  });

  test('the mode of istiod itself is called false', async () => {
    istiod();
    pod('istiod-1', 'istio-system', ['discovery']);
    api.onExec((session) => {
      session.stdout('[]');
      session.exit(0);
    });
    await restartIstiod(clients, 'istio-system', { fetch: 'istiod', variables: {} }, signal);
    expect(JSON.stringify(api.requests.find((each) => each.method === 'PATCH')?.body)).toContain(
      '"value":"false"',
    );
  });

  test('sets variables, and gives those of before back to the ones that are not asked for any more', async () => {
    const env = [
      { name: 'PILOT_DEBOUNCE_AFTER', value: '100ms' },
      { name: 'OTHER', value: 'x' },
    ];
    istiod(env);
    const patched = async (variables: Record<string, string>) => {
      api.requests.length = 0;
      await beginRestart(clients, 'istio-system', { fetch: 'istiod', variables }, signal);
      const [patch] = api.requests.filter((each) => each.method === 'PATCH');
      const { metadata, spec } = (patch as { body: unknown }).body as {
        metadata: { annotations: Record<string, string | null> };
        spec: { template: { spec: { containers: [{ env: object[] }] } } };
      };
      const [, ...own] = spec.template.spec.containers[0].env;
      return { own, note: metadata.annotations['jwt-e2e/istiod-variables'] };
    };
    const first = await patched({ PILOT_DEBOUNCE_AFTER: '1s', PILOT_NEW: 'a' });
    expect(first).toEqual({
      own: [
        { name: 'PILOT_DEBOUNCE_AFTER', value: '1s' },
        { name: 'PILOT_NEW', value: 'a' },
      ],
      note: '{"PILOT_DEBOUNCE_AFTER":"100ms","PILOT_NEW":null}',
    });
    // As the API server has it then, whoever asks next.
    const annotated = (more: object[]) =>
      istiod([...more, { name: 'OTHER', value: 'x' }], { 'jwt-e2e/istiod-variables': String(first.note) });
    annotated([
      { name: 'PILOT_DEBOUNCE_AFTER', value: '1s' },
      { name: 'PILOT_NEW', value: 'a' },
    ]);
    expect(await inspectIstiod(clients, 'istio-system', signal)).toMatchObject({
      variables: { PILOT_DEBOUNCE_AFTER: '1s', PILOT_NEW: 'a' },
    });
    expect(await patched({ PILOT_NEW: 'b' })).toEqual({
      own: [
        { name: 'PILOT_DEBOUNCE_AFTER', value: '100ms' },
        { name: 'PILOT_NEW', value: 'b' },
      ],
      note: '{"PILOT_NEW":null}',
    });
    expect(await patched({})).toEqual({ own: [{ $patch: 'delete', name: 'PILOT_NEW' }], note: null });
  });

  test('stops waiting when it is interrupted', async () => {
    istiod();
    pod('istiod-1', 'istio-system', ['discovery']);
    pod('gateway-1', 'istio-system', ['istio-proxy']);
    const controller = new AbortController();
    api.onExec((session) => {
      session.stdout(sync());
      session.exit(0);
      setTimeout(() => controller.abort('SIGINT'), 50);
    });
    await expect(
      restartIstiod(clients, 'istio-system', { fetch: 'envoy', variables: {} }, controller.signal),
    ).rejects.toMatchObject({
      code: 'E_INTERRUPTED',
    });
  });
});
