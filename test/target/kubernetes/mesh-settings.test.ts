import { beforeEach, describe, expect, test } from 'vitest';
import type { KubeClient } from '../../../src/kube/client.ts';
import type { Clients } from '../../../src/target/kubernetes/clients.ts';
import { noteMeshSettings, takenByIstiod } from '../../../src/target/kubernetes/mesh-settings.ts';
import { type FakeApi, failure } from '../../support/fake-api.ts';
import { unaborted } from '../../support/signals.ts';
import { useFakeApi } from '../../support/use-fake-api.ts';

let api: FakeApi;
let clients: Clients;
useFakeApi((server, client: KubeClient) => {
  api = server;
  clients = { data: client, mesh: client };
});
const signal = unaborted();
const namespace = 'istio-system';
const key = (name = 'istio') => ({ apiVersion: 'v1', kind: 'ConfigMap', name, namespace });
const configMap = (mesh: string, name = 'istio') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data: { mesh },
});

function istiod(name: string, revision?: string, isReady = true) {
  const labels = { app: 'istiod', ...(revision === undefined ? {} : { 'istio.io/rev': revision }) };
  api.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: { containers: [{ name: 'discovery', image: 'x' }] },
    status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  });
}

/** What each istiod shows, an answer after the other; the last one stays. */
let asked: string[];
function answers(byPod: Record<string, (object | string)[]>) {
  asked = [];
  api.onExec((session) => {
    asked.push(session.pod);
    expect(session.command).toEqual(['pilot-discovery', 'request', 'GET', '/debug/mesh']);
    const left = byPod[session.pod] ?? [];
    const answer = left.length > 1 ? left.shift() : left[0];
    session.stdout(typeof answer === 'string' ? answer : JSON.stringify(answer));
    session.exit(0);
  });
}
const none = { normalization: 'NONE' };
const now = configMap('pathNormalization: { normalization: NONE }');

describe('settings that were applied', () => {
  test('are taken once every istiod that reads them shows them', async () => {
    istiod('istiod-1');
    istiod('istiod-2', 'default');
    istiod('istiod-3', 'canary');
    istiod('istiod-4', undefined, false);
    answers({
      'istiod-1': [{}, '', { pathNormalization: none }],
      'istiod-2': [{}, { pathNormalization: none }],
    });
    expect(await takenByIstiod(clients, key(), undefined, now, signal)).toEqual([]);
    expect(asked).toEqual(['istiod-1', 'istiod-1', 'istiod-1', 'istiod-2', 'istiod-1', 'istiod-2']);
  });

  test('are gone once no istiod shows them', async () => {
    istiod('istiod-1', 'canary');
    answers({ 'istiod-1': [{ pathNormalization: none }, {}] });
    await takenByIstiod(clients, key('istio-canary'), now, undefined, signal);
    expect(asked).toHaveLength(2);
  });

  test('are said to hold later where they do', async () => {
    istiod('istiod-1');
    answers({ 'istiod-1': [{ trustDomain: 'a' }] });
    expect(await takenByIstiod(clients, key(), undefined, configMap('trustDomain: a'), signal)).toEqual([
      'ConfigMap istio-system/istio: these mesh settings hold only for proxies, or an istiod, that start from now on: trustDomain',
    ]);
  });

  test('are not proven where no istiod can be asked', async () => {
    const unproven = (hint: unknown) =>
      expect.objectContaining({
        code: 'E_UNPROVEN',
        message: expect.stringContaining('istio-system/istio'),
        hint,
      });
    await expect(takenByIstiod(clients, key(), undefined, now, signal)).rejects.toThrow(unproven(undefined));
    istiod('istiod-1', '1-31');
    await expect(takenByIstiod(clients, key(), undefined, now, signal)).rejects.toThrow(
      unproven('Those that run here read istio-1-31.'),
    );
    api.rule('GET', /pods/, failure(403, 'Forbidden', 'no'), 1);
    await expect(takenByIstiod(clients, key(), undefined, now, signal)).rejects.toThrow(unproven(undefined));
  });

  test('are not proven where this user may not ask', async () => {
    istiod('istiod-1');
    api.exec.refuse = 403;
    await expect(takenByIstiod(clients, key(), undefined, now, signal)).rejects.toThrow(
      expect.objectContaining({ code: 'E_UNPROVEN', hint: expect.stringContaining('pods/exec') }),
    );
  });

  test('are no settings in a ConfigMap of another name', async () => {
    istiod('istiod-1');
    answers({});
    await takenByIstiod(
      clients,
      key('istio-ca-root-cert'),
      undefined,
      configMap('', 'istio-ca-root-cert'),
      signal,
    );
    expect(asked).toEqual([]);
  });
});

describe('a change', () => {
  let taken: unknown[];
  beforeEach(() => {
    taken = [];
  });
  const note = (keys: Parameters<typeof noteMeshSettings>[2]) =>
    noteMeshSettings(
      clients,
      namespace,
      keys,
      async (of, before, after) => {
        taken.push([of.name, before?.data, after?.data]);
        return ['later'];
      },
      signal,
    );

  test('is taken with what was there before', async () => {
    api.put(configMap('a: 1'));
    const settled = await note([key(), { ...key(), namespace: 'foo' }, { ...key(), kind: 'Secret' }]);
    api.put(configMap('a: 2'));
    expect(await settled(signal)).toEqual(['later']);
    expect(taken).toEqual([['istio', { mesh: 'a: 1' }, { mesh: 'a: 2' }]]);
  });

  test('that changes no data is none', async () => {
    api.put(configMap('a: 1'));
    const settled = await note([key()]);
    api.put({ ...configMap('a: 1'), metadata: { name: 'istio', namespace, labels: { a: 'b' } } });
    expect(await settled(signal)).toEqual([]);
    expect(taken).toEqual([]);
  });
});
