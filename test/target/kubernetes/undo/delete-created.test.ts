import { describe, expect, test } from 'vitest';
import type { KubeClient } from '../../../../src/kube/kube-client.ts';
import { keyOf } from '../../../../src/kube/objects.ts';
import { deleteCreated } from '../../../../src/target/kubernetes/undo/delete-created.ts';
import type { KubeObject } from '../../../../src/target/target.ts';
import { type FakeApi, failure } from '../../../support/fake-api.ts';
import { unaborted } from '../../../support/signals.ts';
import { useFakeApi } from '../../../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
useFakeApi((server, connected) => {
  api = server;
  client = connected;
});
const ours = { manager: 'jwt-e2e', operation: 'Apply' };
const applier = { manager: 'argocd', operation: 'Apply' };
const writer = { manager: 'kubectl-edit', operation: 'Update' };
const conflict = failure(409, 'Conflict', 'the object has been modified');

const config = (...managedFields: object[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'foo', uid: 'uid-a', managedFields },
  data: { a: '1' },
});
const key = keyOf(config());
const there = () => api.get('v1', 'ConfigMap', 'a', 'foo');
const remove = (left: KubeObject | undefined) => deleteCreated(client, key, left, unaborted());
/** What each deletion was bound to. */
const bound = () =>
  api.requests
    .filter(({ method }) => method === 'DELETE')
    .map(({ body }) => (body as { preconditions: object }).preconditions);

describe('what this tool has created', () => {
  test('is deleted as it was left', async () => {
    const left = api.put(config(ours));
    expect(await remove(left)).toBeUndefined();
    expect(there()).toBeUndefined();
    expect(bound()).toEqual([{ uid: 'uid-a', resourceVersion: left.metadata.resourceVersion }]);
  });

  test('is looked at again when it has changed, and deleted when only a controller has written in it', async () => {
    const left = api.put(config(ours));
    const now = api.put(config(ours, writer));
    expect(await remove(left)).toBeUndefined();
    expect(there()).toBeUndefined();
    expect(bound().at(-1)).toEqual({ uid: 'uid-a', resourceVersion: now.metadata.resourceVersion });
    expect(bound()).toHaveLength(2);
  });

  test('is deleted whatever its version is when it does not stop to change', async () => {
    const left = api.put(config(ours));
    api.rule('DELETE', /a$/, conflict, 5);
    expect(await remove(left)).toBeUndefined();
    expect(there()).toBeUndefined();
    const { resourceVersion } = left.metadata;
    expect(bound()).toEqual([...Array(5).fill({ uid: 'uid-a', resourceVersion }), { uid: 'uid-a' }]);
  });

  test('needs not be deleted when somebody else has done so', async () => {
    const left = api.put(config(ours));
    api.rule('DELETE', /a$/, () => {
      api.objects.clear();
      return conflict;
    });
    expect(await remove(left)).toBeUndefined();
    expect(bound()).toHaveLength(1);
  });

  test('is left when another one is in its place', async () => {
    const left = api.put(config(ours));
    api.put({ ...config(ours), metadata: { ...config(ours).metadata, uid: 'another' } });
    expect(await remove(left)).toBe(
      'ConfigMap foo/a was deleted and created again by somebody else meanwhile: it is left as it is',
    );
    expect(there()).toBeDefined();
  });

  test('is not deleted in silence when it cannot be', async () => {
    const left = api.put(config(ours));
    api.rule('DELETE', /a$/, failure(500, 'InternalError', 'etcd is away'));
    await expect(remove(left)).rejects.toThrow('etcd is away');
  });
});

describe('what somebody else has applied too', () => {
  const patches = () => api.requests.filter(({ method }) => method === 'PATCH').map(({ body }) => body);

  test('loses what this tool has set, and stays', async () => {
    const left = api.put(config(ours));
    api.put(config(ours, applier, { ...applier, manager: 'helm' }));
    expect(await remove(left)).toBe(
      'ConfigMap foo/a was created by jwt-e2e, and changed since by argocd, helm: it stays, without what jwt-e2e has set',
    );
    expect(patches()).toEqual([
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'foo' } },
    ]);
    // It was not known when it was to be deleted.
    expect(bound()).toHaveLength(1);
  });

  test('also without a namespace', async () => {
    const metadata = { name: 'foo', managedFields: [ours, applier] };
    const left = api.put({ apiVersion: 'v1', kind: 'Namespace', metadata });
    await deleteCreated(client, keyOf(left), left, unaborted());
    expect(patches()).toEqual([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'foo' } }]);
    expect(bound()).toEqual([]);
  });

  test('stays as it is when it would not be valid without that', async () => {
    const left = api.put(config(ours, applier));
    api.rule('PATCH', /a$/, failure(422, 'Invalid', 'data is required'), 1);
    expect(await remove(left)).toBe(
      'ConfigMap foo/a was created by jwt-e2e, and changed since by argocd: it stays as it is',
    );
    api.rule('PATCH', /a$/, failure(403, 'Forbidden', 'User "me" cannot patch resource "configmaps"'), 1);
    await expect(remove(left)).rejects.toMatchObject({ code: 'E_KUBE' });
    api.rule('PATCH', /a$/, failure(500, 'InternalError', 'etcd is away'), 1);
    await expect(remove(left)).rejects.toThrow('etcd is away');
  });
});

describe('when nobody knows how it was left', () => {
  test('it is deleted when nobody else has written in it', async () => {
    const now = api.put(config(ours, { ...writer, subresource: 'status' }));
    expect(await remove(undefined)).toBeUndefined();
    expect(there()).toBeUndefined();
    expect(bound()).toEqual([{ uid: 'uid-a', resourceVersion: now.metadata.resourceVersion }]);
  });

  test('it stays when somebody else has written in it, who may have made it', async () => {
    api.put(config(ours, writer));
    expect(await remove(undefined)).toContain('changed since by kubectl-edit: it stays, without what');
    expect(there()).toBeDefined();
  });

  test('it is none of ours when this tool has left no trace in it', async () => {
    api.put(config());
    expect(await remove(undefined)).toBeUndefined();
    expect(there()).toBeDefined();
    api.objects.clear();
    expect(await remove(undefined)).toBeUndefined();
    expect(api.log('DELETE', 'PATCH')).toEqual([]);
  });
});
