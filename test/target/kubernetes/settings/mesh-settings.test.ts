import { beforeEach, describe, expect, test, vi } from 'vitest';
import { timeouts } from '../../../../src/base/timeouts.ts';
import type { KubeClient } from '../../../../src/kube/kube-client.ts';
import type { Clients } from '../../../../src/target/kubernetes/client-for.ts';
import { noteMeshSettings, takenByIstiod } from '../../../../src/target/kubernetes/settings/mesh-settings.ts';
import { type FakeApi, failure } from '../../../support/fake-api.ts';
import { unaborted } from '../../../support/signals.ts';
import { useFakeApi } from '../../../support/use-fake-api.ts';

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
    answers({ 'istiod-1': [{ trustDomain: 'a', rootNamespace: 'b' }] });
    const declared = configMap('{ trustDomain: a, rootNamespace: b }');
    expect(await takenByIstiod(clients, key(), undefined, declared, signal)).toEqual([
      'ConfigMap istio-system/istio: these mesh settings hold only for proxies, or an istiod, that start from now on: trustDomain, rootNamespace',
    ]);
  });

  test('are not waited for without an end', async () => {
    istiod('istiod-1');
    istiod('istiod-2');
    answers({
      'istiod-1': [{ pathNormalization: none, accessLogFile: '/dev/stdout' }],
      'istiod-2': [{ accessLogFile: 'b' }],
    });
    const real = performance.now.bind(performance);
    const later = vi
      .spyOn(performance, 'now')
      .mockImplementation(() => real() + (asked.length < 2 ? 0 : timeouts.meshSettings));
    const before = configMap('accessLogFile: b');
    try {
      await expect(takenByIstiod(clients, key(), before, now, signal)).rejects.toMatchObject({
        code: 'E_UNPROVEN',
        message:
          'istiod taking the mesh settings of ConfigMap istio-system/istio did not happen within 60 s: ' +
          'istiod-2: it does not have pathNormalization.normalization: NONE, it still has accessLogFile: b',
        hint: 'istiod ignores fields that it does not know, and settings of which one is wrong: its log says which.',
      });
    } finally {
      later.mockRestore();
    }
    expect(asked).toEqual(['istiod-1', 'istiod-2']);
  });

  test.each([
    ['answers nothing yet', '', 0, 'it does not answer yet'],
    ['cannot be asked now', '', 1, 'discovery of istio-system/istiod-1 does not answer /debug/mesh'],
  ])('are asked for again where istiod %s', async (_, answer, exitCode, why) => {
    istiod('istiod-1');
    let asks = 0;
    api.onExec((session) => {
      asks += 1;
      session.stdout(answer);
      session.exit(exitCode);
    });
    const real = performance.now.bind(performance);
    const later = vi
      .spyOn(performance, 'now')
      .mockImplementation(() => real() + (asks < 2 ? 0 : timeouts.meshSettings));
    try {
      await expect(takenByIstiod(clients, key(), undefined, now, signal)).rejects.toMatchObject({
        code: 'E_UNPROVEN',
        message: expect.stringMatching(new RegExp(`60 s: istiod-1: ${why}$`)),
      });
    } finally {
      later.mockRestore();
    }
    expect(asks).toBe(2);
  });

  test('are not proven where no istiod can be asked', async () => {
    const unproven = (hint: unknown) =>
      expect.objectContaining({
        code: 'E_UNPROVEN',
        message:
          'no istiod that can be asked reads ConfigMap istio-system/istio, so it is not known whether the mesh has these settings',
        hint,
      });
    const taken = () => takenByIstiod(clients, key(), undefined, now, signal);
    await expect(taken()).rejects.toThrow(unproven(undefined));
    istiod('istiod-1', '1-31');
    istiod('istiod-2', '1-31');
    istiod('istiod-3', '1-30');
    istiod('istiod-4', undefined, false);
    await expect(taken()).rejects.toThrow(unproven('Those that run here read istio-1-31, istio-1-30.'));
    api.rule('GET', /pods/, failure(403, 'Forbidden', 'no'), 1);
    await expect(taken()).rejects.toThrow(unproven(undefined));
    api.rule('GET', /pods/, failure(500, 'InternalError', 'etcd is away'), 1);
    await expect(taken()).rejects.toThrow('etcd is away');
  });

  test('are not proven where this user may not ask', async () => {
    istiod('istiod-1');
    api.exec.refuse = 403;
    await expect(takenByIstiod(clients, key(), undefined, now, signal)).rejects.toMatchObject({
      code: 'E_UNPROVEN',
      message: expect.stringMatching(/^istiod cannot be asked for its mesh settings: .*403/),
      hint: 'The user of context fake must be allowed to create pods/exec in namespace istio-system.',
    });
  });

  test('are not asked of other pods there', async () => {
    istiod('istiod-1');
    api.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'gateway', namespace, labels: { app: 'istio-ingressgateway' } },
      spec: { containers: [{ name: 'istio-proxy', image: 'x' }] },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    });
    answers({ 'istiod-1': [{ pathNormalization: none }] });
    await takenByIstiod(clients, key(), undefined, now, signal);
    expect(asked).toEqual(['istiod-1']);
  });

  test('are not asked for any more after an interruption', async () => {
    istiod('istiod-1');
    const own = new AbortController();
    api.onExec(() => own.abort());
    await expect(takenByIstiod(clients, key(), undefined, now, own.signal)).rejects.toMatchObject({
      code: 'E_INTERRUPTED',
    });
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

  test('of several is taken one after the other, also when one was not there, or is not any more', async () => {
    api.put(configMap('a: 1'));
    api.put(configMap('same: 1', 'istio-canary'));
    const settled = await note([key(), key('istio-canary'), key('istio-new')]);
    api.remove('v1', 'ConfigMap', 'istio', namespace);
    api.put(configMap('b: 1', 'istio-new'));
    expect(await settled(signal)).toEqual(['later', 'later']);
    expect(taken).toEqual([
      ['istio', { mesh: 'a: 1' }, undefined],
      ['istio-new', undefined, { mesh: 'b: 1' }],
    ]);
  });

  test('that changes no data is none', async () => {
    api.put(configMap('a: 1'));
    const settled = await note([key()]);
    api.put({ ...configMap('a: 1'), metadata: { name: 'istio', namespace, labels: { a: 'b' } } });
    expect(await settled(signal)).toEqual([]);
    expect(taken).toEqual([]);
  });
});
