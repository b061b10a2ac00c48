import { describe, expect, test } from 'vitest';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import {
  applyObject,
  createObject,
  deleteObject,
  getObject,
  keyOf,
  listObjects,
  patchObject,
} from '../../src/kube/objects.ts';
import type { KubeObject } from '../../src/target/target.ts';
import { type FakeApi, failure } from '../support/fake-api.ts';
import { unaborted } from '../support/signals.ts';
import { useFakeApi } from '../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
const signal = unaborted();
useFakeApi((started, connected) => {
  api = started;
  client = connected;
});

const authentication: KubeObject = {
  apiVersion: 'security.istio.io/v1',
  kind: 'RequestAuthentication',
  metadata: { name: 'jwt', namespace: 'foo' },
  spec: { jwtRules: [{ issuer: 'sample', 'x-kubernetes-unknown': 1 }] },
};
const path = '/apis/security.istio.io/v1/namespaces/foo/requestauthentications/jwt';

describe('applyObject', () => {
  test('applies strictly and by force, under one name, and keeps fields that no class knows', async () => {
    const { object, warnings } = await applyObject(client, authentication, { signal });
    expect(object.spec).toEqual(authentication.spec);
    expect(warnings).toEqual([]);
    const request = api.requests.at(-1);
    expect(request).toMatchObject({
      method: 'PATCH',
      path,
      query: { fieldManager: 'jwt-e2e', force: 'true', fieldValidation: 'Strict' },
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: authentication,
    });
    expect(request?.query).not.toHaveProperty('dryRun');
  });

  test('changes nothing in a dry run', async () => {
    await applyObject(client, authentication, { signal, dryRun: true });
    expect(api.requests.at(-1)?.query.dryRun).toBe('All');
    expect(await getObject(client, keyOf(authentication), signal)).toBeUndefined();
  });

  test('puts an object without a namespace into default, and one that cannot have any nowhere', async () => {
    await applyObject(client, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }, { signal });
    await applyObject(client, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'foo' } }, { signal });
    expect(api.log('PATCH')).toEqual([
      'PATCH /api/v1/namespaces/default/configmaps/a',
      'PATCH /api/v1/namespaces/foo',
    ]);
  });

  test.each([
    [400, 'BadRequest', 'strict decoding error: unknown field "spec.jwtRule"'],
    [403, 'Forbidden', 'admission webhook "validation.istio.io" denied the request: issuer must be set'],
    [422, 'Invalid', 'RequestAuthentication "jwt" is invalid: spec.jwtRules[0]: only one of jwks or jwksUri'],
  ])('a refusal with %d has the reason of the API server', async (status, reason, message) => {
    api.rule('PATCH', /./, failure(status, reason, message));
    await expect(applyObject(client, authentication, { signal })).rejects.toMatchObject({
      code: 'E_REFUSED',
      message: `RequestAuthentication foo/jwt was refused: ${message}`,
    });
  });

  test('a misspelt field is refused, although server-side apply answers 500', async () => {
    const known =
      'failed to create typed patch object (foo/jwt; security.istio.io/v1beta1, Kind=RequestAuthentication): ';
    api.rule('PATCH', /./, failure(500, '', `${known}.spec.selektor: field not declared in schema`));
    await expect(applyObject(client, authentication, { signal })).rejects.toMatchObject({
      code: 'E_REFUSED',
      message: 'RequestAuthentication foo/jwt was refused: .spec.selektor: field not declared in schema',
    });
  });

  test('that a webhook does not answer is no refusal of the object', async () => {
    api.rule('PATCH', /./, failure(500, 'InternalError', 'failed calling webhook: connection refused'));
    await expect(applyObject(client, authentication, { signal })).rejects.toMatchObject({ code: 'E_KUBE' });
  });

  test('that the user may not do it is no refusal of the object', async () => {
    const message =
      'requestauthentications.security.istio.io "jwt" is forbidden: User "dev" cannot patch resource ' +
      '"requestauthentications" in API group "security.istio.io" in the namespace "foo"';
    api.rule('PATCH', /./, failure(403, 'Forbidden', message));
    await expect(applyObject(client, authentication, { signal })).rejects.toMatchObject({
      code: 'E_KUBE',
      message: expect.stringContaining('User "dev" cannot patch'),
      hint: expect.stringContaining('context other than fake'),
    });
  });

  test.each([404, 409, 500, 503])('an error %d is no refusal', async (status) => {
    api.rule('PATCH', /./, failure(status, 'Other', 'not now'));
    await expect(applyObject(client, authentication, { signal })).rejects.toMatchObject({
      code: 'E_KUBE',
      status,
    });
  });
});

test.each([
  ['.', 'foo'],
  ['..', 'foo'],
  ['jwt', '..'],
])(
  'an object "%s" in the namespace "%s" is asked for nowhere: the path would be that of others',
  async (name, namespace) => {
    const key = { apiVersion: 'security.istio.io/v1', kind: 'RequestAuthentication', name, namespace };
    const wrong = {
      code: 'E_KUBE',
      message: expect.stringContaining('nothing in Kubernetes can be called ".'),
    };
    const asked = () => api.requests.filter(({ path }) => path.includes('requestauthentications')).length;
    const before = asked();
    await expect(getObject(client, key, signal)).rejects.toMatchObject(wrong);
    await expect(deleteObject(client, key, signal)).rejects.toMatchObject(wrong);
    const object = { ...authentication, metadata: { name, namespace } };
    await expect(applyObject(client, object, { signal })).rejects.toMatchObject(wrong);
    expect(asked()).toBe(before);
  },
);

describe('reading', () => {
  test('something that is not there is undefined, but an error stays an error', async () => {
    expect(await getObject(client, keyOf(authentication), signal)).toBeUndefined();
    api.rule('GET', /jwt$/, failure(500, 'InternalError', 'no'));
    await expect(getObject(client, keyOf(authentication), signal)).rejects.toThrow('no');
  });

  test('lists one namespace or all, by labels, with apiVersion and kind filled in', async () => {
    for (const [name, namespace, app] of [
      ['a', 'foo', 'x'],
      ['b', 'foo', 'y'],
      ['c', 'bar', 'x'],
    ] as const)
      api.put({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels: { app } } });
    const names = async (query: { namespace?: string; labelSelector?: string }) =>
      (await listObjects(client, { apiVersion: 'v1', kind: 'Pod', ...query }, signal)).map(
        ({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name}`,
      );
    expect(await names({ namespace: 'foo' })).toEqual(['v1 Pod a', 'v1 Pod b']);
    expect(await names({ labelSelector: 'app=x' })).toEqual(['v1 Pod a', 'v1 Pod c']);
    expect(await names({ namespace: 'foo', labelSelector: 'app=x' })).toEqual(['v1 Pod a']);
  });
});

test('patchObject changes what it names and leaves the rest', async () => {
  api.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { one: '1', two: '2' } });
  const key = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a' };
  const after = await patchObject(client, key, { data: { two: null, three: '3' } }, signal);
  expect(after.data).toEqual({ one: '1', three: '3' });
  expect(api.requests.at(-1)?.headers['content-type']).toBe('application/merge-patch+json');
});

test('createObject creates again what was deleted, without what only the API server may set', async () => {
  const before = api.put({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'settings',
      namespace: 'foo',
      labels: { owner: 'somebody' },
      managedFields: [{ manager: 'kubectl' }],
      generation: 7,
      creationTimestamp: '2026-11-22T10:00:00Z',
    },
    data: { mesh: 'as it was' },
    status: { seen: true },
  });
  await deleteObject(client, keyOf(before), signal);
  const after = await createObject(client, before, signal);
  expect(after.data).toEqual({ mesh: 'as it was' });
  expect(api.requests.at(-1)).toMatchObject({ method: 'POST', path: '/api/v1/namespaces/foo/configmaps' });
  expect(api.requests.at(-1)?.body).toEqual({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings', namespace: 'foo', labels: { owner: 'somebody' } },
    data: { mesh: 'as it was' },
  });
  await expect(createObject(client, before, signal)).rejects.toMatchObject({ status: 409 });
});

describe('deleteObject', () => {
  test('says whether there was something to delete', async () => {
    api.put(authentication);
    expect(await deleteObject(client, keyOf(authentication), signal)).toBe(true);
    expect(api.requests.at(-1)?.query.propagationPolicy).toBe('Background');
    expect(await deleteObject(client, keyOf(authentication), signal)).toBe(false);
  });

  test('deletes only the object that is meant, when its uid is given', async () => {
    const { uid } = api.put(authentication).metadata;
    await expect(
      deleteObject(client, keyOf(authentication), signal, { uid: 'another' }),
    ).rejects.toMatchObject({
      status: 409,
    });
    expect(await deleteObject(client, keyOf(authentication), signal, { uid })).toBe(true);
  });

  test('does not take another error for success', async () => {
    api.rule('DELETE', /./, failure(403, 'Forbidden', 'no'));
    await expect(deleteObject(client, keyOf(authentication), signal)).rejects.toThrow('no');
  });
});
