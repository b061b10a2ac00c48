import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { applyObject } from '../../../../src/kube/objects.ts';
import type { Clients } from '../../../../src/target/kubernetes/client-for.ts';
import {
  declaredMeshConfig,
  leftMeshConfig,
  overlaidMeshConfig,
} from '../../../../src/target/kubernetes/settings/mesh-config-overlay.ts';
import type { FakeApi } from '../../../support/fake-api.ts';
import { unaborted } from '../../../support/signals.ts';
import { useFakeApi } from '../../../support/use-fake-api.ts';

let api: FakeApi;
let clients: Clients;
const signal = unaborted();
const namespace = 'istio-system';
useFakeApi((server, made) => {
  api = server;
  clients = { data: made, mesh: made };
});

const installed = '# of the installation\ntrustDomain: mine\npathNormalization: { normalization: NONE }\n';
const put = (mesh: string) =>
  api.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'istio', namespace }, data: { mesh } });
const merge = { pathNormalization: { normalization: 'MERGE_SLASHES' } };

/** What istiod reads. */
async function overlaid(): Promise<unknown> {
  const { data } = await overlaidMeshConfig(clients, namespace, merge, signal);
  return parse((data as { mesh: string }).mesh);
}

test('fields come over those of the installation, and others stay', async () => {
  put(installed);
  expect(await overlaid()).toEqual({ trustDomain: 'mine', ...merge });
});

test('what is said of all proxies comes over what the installation says of them, field by field', async () => {
  put('defaultConfig: { discoveryAddress: a, gatewayTopology: { numTrustedProxies: 2, proxyProtocol: {} } }');
  const own = { defaultConfig: { gatewayTopology: { numTrustedProxies: 1 }, proxyHeaders: {} } };
  const { data } = await overlaidMeshConfig(clients, namespace, own, signal);
  expect(parse((data as { mesh: string }).mesh)).toEqual({
    defaultConfig: { discoveryAddress: 'a', ...own.defaultConfig },
  });
  put('trustDomain: mine');
  expect(
    parse(((await overlaidMeshConfig(clients, namespace, own, signal)).data as { mesh: string }).mesh),
  ).toEqual({
    trustDomain: 'mine',
    ...own,
  });
});

test('what is declared is nothing where there is nothing, or nothing that istiod can read', async () => {
  expect(await declaredMeshConfig(clients, namespace, signal)).toEqual({});
  put('- a');
  expect(await declaredMeshConfig(clients, namespace, signal)).toEqual({});
  put('trustDomain: mine');
  expect(await declaredMeshConfig(clients, namespace, signal)).toEqual({ trustDomain: 'mine' });
});

test('where nothing is installed they are all', async () => {
  expect(await overlaid()).toEqual(merge);
});

test('settings that cannot be read are no ground to put others over them', async () => {
  put('- a');
  await expect(overlaidMeshConfig(clients, namespace, merge, signal)).rejects.toMatchObject({
    code: 'E_UNPROVEN',
  });
});

test('what a run has left is put back as it was written, and nothing is left of others', async () => {
  put(installed);
  expect(await leftMeshConfig(clients, namespace, signal)).toBeUndefined();
  await applyObject(clients.data, await overlaidMeshConfig(clients, namespace, merge, signal), { signal });
  const left = await leftMeshConfig(clients, namespace, signal);
  expect(left?.data).toEqual({ mesh: installed });
  expect(left?.metadata.annotations).toBeUndefined();
});

test('settings that come after others are put over those of the installation too', async () => {
  put(installed);
  const apply = async (config: object) =>
    applyObject(clients.data, await overlaidMeshConfig(clients, namespace, { ...config }, signal), {
      signal,
    });
  await apply({ trustDomain: 'other' });
  await apply(merge);
  expect(await declaredMeshConfig(clients, namespace, signal)).toEqual({ trustDomain: 'mine', ...merge });
  // Without any they are as they were written, and the note about them stays.
  await apply({});
  expect(api.get('v1', 'ConfigMap', 'istio', namespace)?.data).toEqual({ mesh: installed });
  expect((await leftMeshConfig(clients, namespace, signal))?.data).toEqual({ mesh: installed });
});
