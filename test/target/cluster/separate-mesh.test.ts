/** A mesh whose resources are behind an API server of their own, as with ASM. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { FakeApi, failure } from '../../support/fake-api.ts';
import { unaborted } from '../../support/signals.ts';
import { intent, makeReady, makeTarget, namespace, owned, policy } from './support.ts';

let data: FakeApi;
let mesh: FakeApi;
let open: KubeClient[];
const signal = unaborted();
beforeAll(async () => {
  [data, mesh] = await Promise.all([FakeApi.start(), FakeApi.start()]);
});
beforeEach(() => {
  for (const api of [data, mesh]) {
    api.reset();
    api.realistic = true;
    api.put(namespace('istio-system'));
  }
  makeReady(data);
  open = [];
});
afterEach(async () => {
  for (const client of open) await client.close();
});
afterAll(async () => {
  await Promise.all([data.stop(), mesh.stop()]);
});

const made = (settings = {}) => makeTarget(data, settings, mesh, open);
const kindsIn = (api: FakeApi) =>
  [...api.objects.values()]
    .filter(({ metadata }) => metadata.name !== 'istio-system')
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    .sort();

test('each gets its part, and neither keeps anything', async () => {
  const { target, told } = made();
  await target.begin(intent([policy('foo')], ['sleep']), signal);
  await target.apply([policy('foo'), policy('foo', 'second')], 'scenario', signal);
  expect(kindsIn(data)).toEqual(['Deployment sleep', 'Namespace foo', 'Service sleep']);
  expect(kindsIn(mesh)).toEqual([
    'Namespace foo',
    'RequestAuthentication jwt-example',
    'RequestAuthentication second',
  ]);
  expect(mesh.get('v1', 'Namespace', 'foo')?.metadata.labels).toEqual(owned);
  data.lingering = 2;
  await target.down(signal);
  expect(kindsIn(data)).toEqual([]);
  expect(kindsIn(mesh)).toEqual([]);
  expect(told).toEqual(['Starting sleep', 'Deleting namespaces foo', 'Deleting namespaces foo from other']);
});

test('a namespace that somebody has on the side of the mesh only is not its own', async () => {
  mesh.put(namespace('foo', { team: 'a' }));
  const { target } = made();
  await expect(target.begin(intent([policy('foo')], ['sleep']), signal)).rejects.toThrow(
    expect.objectContaining({ details: 'in namespace foo: RequestAuthentication jwt-example (created)' }),
  );
});

test('a user who may not see namespaces there uses those that exist', async () => {
  mesh.put(namespace('foo', { team: 'a' }));
  mesh.rule('GET', /\/namespaces(\/foo)?$/, failure(403, 'Forbidden', 'namespaces is forbidden'));
  const { target } = made();
  await target.begin(intent([policy('foo')], ['sleep']), signal);
  await target.apply([policy('foo')], 'scenario', signal);
  await target.undo('scenario', signal);
  await target.down(signal);
  expect(kindsIn(mesh)).toEqual(['Namespace foo']);
  expect(kindsIn(data)).toEqual([]);
});

test('a namespace that must not be created there is asked for', async () => {
  mesh.rule('PATCH', /\/namespaces\/foo$/, failure(403, 'Forbidden', 'may not create namespaces'));
  const { target } = made();
  await target.begin(intent([policy('foo')], ['sleep']), signal);
  await expect(target.apply([policy('foo')], 'scenario', signal)).rejects.toThrow(
    expect.objectContaining({
      code: 'E_NOT_READY',
      message: 'context other has no namespace foo',
      hint: 'Create it there, with the label app.kubernetes.io/managed-by=istio-jwt-e2e.',
    }),
  );
});

test('what a killed run has left is removed on both sides', async () => {
  const killed = made();
  await killed.target.begin(intent([policy('foo')], ['sleep']), signal);
  await killed.target.apply([policy('foo')], 'scenario', signal);
  expect(await made().target.clear(signal)).toEqual([
    'deleted Namespace foo',
    'deleted Namespace foo from other',
  ]);
  expect([kindsIn(data), kindsIn(mesh)]).toEqual([[], []]);
});
