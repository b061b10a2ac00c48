/** What a run that was killed has left in namespaces of others, found by its marks and put back. */
import { expect, test } from 'vitest';
import type { KubeObject } from '../../../src/target/target.ts';
import { type FakeApi, failure } from '../../support/fake-api.ts';
import { unaborted } from '../../support/signals.ts';
import { intent, makeReady, namespace, owned, policy, useTargets } from './support.ts';

let api: FakeApi;
const signal = unaborted();
const makeTarget = useTargets((server) => {
  api = server;
  api.realistic = true;
  api.put(namespace('istio-system'));
  makeReady(api);
});
const get = (name: string, place = 'istio-system') =>
  api.get('security.istio.io/v1', 'RequestAuthentication', name, place);

function theirs(name: string): KubeObject {
  const { metadata, ...rest } = policy('istio-system', name, { jwtRules: [{ issuer: 'theirs' }] });
  const managedFields = [{ manager: 'kubectl', operation: 'Apply' }];
  return { ...rest, metadata: { ...metadata, labels: { team: 'a' }, managedFields } };
}

/** Everything but what counts changes and who has made them. */
function content(object: KubeObject | undefined) {
  const {
    resourceVersion: _,
    managedFields: __,
    annotations = {},
    ...metadata
  } = object?.metadata ?? { name: '' };
  return { ...object, metadata: { ...metadata, annotations } };
}

/** A run with --yes that ends without any cleaning up. */
async function killedRun(...objects: KubeObject[]): Promise<void> {
  const { target } = makeTarget(api, { yes: true });
  await target.begin(intent(objects), signal);
  await target.apply(objects, 'scenario', signal);
}

test('what it has created is deleted, what it has changed is put back; its namespaces go', async () => {
  const before = api.put(theirs('changed'));
  api.put(theirs('untouched'));
  api.put(namespace('foo', owned));
  await killedRun(
    policy('istio-system', 'created'),
    policy('istio-system', 'changed', { jwtRules: [{ issuer: 'x' }] }),
  );
  expect(get('changed')?.spec).toEqual({ jwtRules: [{ issuer: 'x' }] });

  const { target } = makeTarget(api);
  expect(await target.clear(signal)).toEqual([
    'restored RequestAuthentication istio-system/changed',
    'deleted RequestAuthentication istio-system/created',
  ]);
  expect(get('created')).toBeUndefined();
  expect(content(get('changed'))).toEqual(content(before));
  expect(content(get('untouched'))).toMatchObject({ spec: { jwtRules: [{ issuer: 'theirs' }] } });
  expect(await target.clear(signal)).toEqual([]);
});

test('the next run does the same, and says so', async () => {
  await killedRun(policy('istio-system', 'created'));
  const { target, told } = makeTarget(api);
  await target.begin(intent([]), signal);
  expect(get('created')).toBeUndefined();
  expect(told).toEqual(['left by a run that was killed: deleted RequestAuthentication istio-system/created']);
});

test('an object that was changed by two killed runs becomes what it was before the first', async () => {
  const before = api.put(theirs('changed'));
  await killedRun(policy('istio-system', 'changed', { jwtRules: [{ issuer: 'one' }] }));
  const { target } = makeTarget(api, { yes: true });
  // As if the second run had not been able to clear away first.
  await target.apply(
    [policy('istio-system', 'changed', { jwtRules: [{ issuer: 'two' }] })],
    'scenario',
    signal,
  );
  await makeTarget(api).target.clear(signal);
  expect(content(get('changed'))).toEqual(content(before));
});

test('an object that was changed several times in a run is put back to what it was', async () => {
  const before = api.put(theirs('changed'));
  await killedRun(
    policy('istio-system', 'changed', { jwtRules: [{ issuer: 'one' }] }),
    policy('istio-system', 'changed', { jwtRules: [{ issuer: 'two' }] }),
  );
  await makeTarget(api).target.clear(signal);
  expect(content(get('changed'))).toEqual(content(before));
});

test('what somebody has changed since stays, with a warning', async () => {
  api.put(theirs('changed'));
  await killedRun(
    policy('istio-system', 'created'),
    policy('istio-system', 'changed', { jwtRules: [{ issuer: 'x' }] }),
  );
  for (const name of ['created', 'changed']) {
    const live = get(name)!;
    const managedFields = [
      ...(live.metadata.managedFields as object[]),
      { manager: 'argocd', operation: 'Update' },
    ];
    api.put({
      ...live,
      metadata: { ...live.metadata, managedFields },
      spec: { jwtRules: [{ issuer: 'since' }] },
    });
  }
  const { target, told } = makeTarget(api);
  expect(await target.clear(signal)).toEqual([]);
  expect(told).toEqual([
    'RequestAuthentication istio-system/changed was changed meanwhile by kubectl, argocd where this run had changed it (spec.jwtRules): that stays as it is',
    'RequestAuthentication istio-system/created was created by jwt-e2e, and changed since by argocd: it stays, without what jwt-e2e has set',
  ]);
  expect(get('changed')?.spec).toEqual({ jwtRules: [{ issuer: 'since' }] });
});

test('without the annotation nothing is guessed', async () => {
  api.put(theirs('changed'));
  await killedRun(policy('istio-system', 'changed', { jwtRules: [{ issuer: 'x' }] }));
  const live = get('changed')!;
  api.put({ ...live, metadata: { ...live.metadata, annotations: { 'jwt-e2e/restore': 'cut o' } } });
  const { target, told } = makeTarget(api);
  expect(await target.clear(signal)).toEqual([]);
  expect(told).toEqual([
    'RequestAuthentication istio-system/changed was changed by a run that was killed, and what it was before is lost: it stays as it is',
  ]);
});

test('kinds that this user may not list, and versions that the mesh does not have, are left out', async () => {
  await killedRun(policy('istio-system', 'created'));
  api.rule('GET', /serviceentries$/, failure(403, 'Forbidden', 'serviceentries is forbidden'));
  api.resources.delete('security.istio.io/v1');
  const { target } = makeTarget(api);
  expect(await target.clear(signal)).toEqual(['deleted RequestAuthentication istio-system/created']);
});

test('what a killed run has deleted is created again, whatever the run has put in its place', async () => {
  const before = [api.put(theirs('one')), api.put(theirs('two'))];
  const { target } = makeTarget(api, { yes: true });
  await target.begin(intent([]), signal);
  const keyOf = (name: string) => ({
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    name,
    namespace: 'istio-system',
  });
  await target.delete([keyOf('one'), keyOf('two')], 'scenario', signal);
  await target.apply([policy('istio-system', 'two')], 'scenario', signal);
  expect(await makeTarget(api).target.clear(signal)).toEqual([
    'deleted RequestAuthentication istio-system/two',
    'created RequestAuthentication istio-system/one again',
    'created RequestAuthentication istio-system/two again',
  ]);
  for (const each of before) {
    const { uid: _, ...metadata } = content(get(each.metadata.name)).metadata as Record<string, unknown>;
    const { uid: __, ...wanted } = content(each).metadata as Record<string, unknown>;
    expect(metadata).toEqual(wanted);
    expect(get(each.metadata.name)?.spec).toEqual(each.spec);
    expect(get(each.metadata.name)?.metadata.managedFields).toEqual(each.metadata.managedFields);
  }
  expect(await makeTarget(api).target.clear(signal)).toEqual([]);
});

test('what a run has deleted is created again at its end, and what remembered it is gone', async () => {
  api.put(theirs('one'));
  const { target } = makeTarget(api, { yes: true });
  await target.begin(intent([]), signal);
  const name = { name: 'one', namespace: 'istio-system' };
  await target.delete(
    [{ apiVersion: 'security.istio.io/v1', kind: 'RequestAuthentication', ...name }],
    'x',
    signal,
  );
  expect(get('one')).toBeUndefined();
  await target.undo('x', signal);
  expect(get('one')?.spec).toEqual({ jwtRules: [{ issuer: 'theirs' }] });
  expect([...api.objects.keys()].filter((path) => path.includes('jwt-e2e-deleted'))).toEqual([]);
});
