import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { KubeClient } from '../../../../src/kube/kube-client.ts';
import { Ledger } from '../../../../src/target/kubernetes/undo/ledger.ts';
import type { KubeObject } from '../../../../src/target/target.ts';
import { type FakeApi, failure } from '../../../support/fake-api.ts';
import { unaborted } from '../../../support/signals.ts';
import { useFakeApi } from '../../../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
let ledger: Ledger;
let warnings: string[];
const signal = unaborted();
useFakeApi((server, made) => {
  api = server;
  client = made;
  api.realistic = true;
  api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'foo' } });
  warnings = [];
  ledger = new Ledger({ data: client, mesh: client }, (message) => warnings.push(message));
});

const policy = (spec: unknown, metadata: object = {}): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'theirs', namespace: 'foo', ...metadata },
  spec,
});
const key = {
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  name: 'theirs',
  namespace: 'foo',
};
const current = () => api.get('security.istio.io/v1', 'AuthorizationPolicy', 'theirs', 'foo');
const undo = () => ledger.undo('scope', signal);

/** Everything but what counts changes. */
function essence(object: KubeObject | undefined) {
  const { resourceVersion: _, ...metadata } = object?.metadata ?? { name: '' };
  return { ...object, metadata };
}

describe('what was changed', () => {
  let before: KubeObject;
  beforeEach(async () => {
    before = api.put(
      policy(
        { action: 'DENY', rules: [{ to: [] }] },
        {
          labels: { team: 'a' },
          annotations: { 'example.com/why': 'because' },
          finalizers: ['example.com/keep'],
          managedFields: [{ manager: 'kubectl', operation: 'Apply' }],
        },
      ),
    );
    await ledger.apply(policy({ action: 'ALLOW', rules: [] }, { labels: { ours: 'x' } }), 'scope', signal);
    expect(current()?.spec).toEqual({ action: 'ALLOW', rules: [] });
  });

  test('is put back as it was: labels, annotations, finalizers, and who manages it', async () => {
    await undo();
    expect(essence(current())).toEqual(essence(before));
    expect(warnings).toEqual([]);
    expect(ledger.scopes()).toEqual([]);
  });

  test('is put back to what it was before the first of several changes', async () => {
    await ledger.apply(policy({ action: 'AUDIT', rules: [] }), 'scope', signal);
    await undo();
    expect(essence(current())).toEqual(essence(before));
  });

  test('keeps what somebody else has changed elsewhere meanwhile', async () => {
    const live = current()!;
    api.put({ ...live, metadata: { ...live.metadata, labels: { ...live.metadata.labels, added: 'y' } } });
    await undo();
    expect(current()?.spec).toEqual(before.spec);
    expect(current()?.metadata.labels).toEqual({ team: 'a', added: 'y' });
    expect(warnings).toEqual([]);
  });

  test('keeps what somebody else has changed in the same place, with a warning', async () => {
    const live = current()!;
    const managedFields = [...(live.metadata.managedFields as object[]), { manager: 'argocd' }];
    api.put({ ...live, metadata: { ...live.metadata, managedFields }, spec: { action: 'AUDIT', rules: [] } });
    await undo();
    expect(current()?.spec).toEqual({ action: 'AUDIT', rules: [{ to: [] }] });
    expect(current()?.metadata.labels).toEqual({ team: 'a' });
    expect(warnings).toEqual([
      'AuthorizationPolicy foo/theirs was changed meanwhile by kubectl, argocd where this run had changed it (spec.action): that stays as it is',
    ]);
    expect(ledger.scopes()).toEqual([]);
  });

  test('is not created again when somebody else has deleted it', async () => {
    api.objects.delete(api.pathOf('security.istio.io/v1', 'AuthorizationPolicy', 'foo', 'theirs'));
    await undo();
    expect(current()).toBeUndefined();
    expect(warnings).toEqual([
      'AuthorizationPolicy foo/theirs was deleted by somebody else meanwhile: it is not put back',
    ]);
  });

  test('is read again when it changes between reading and writing', async () => {
    api.rule('PATCH', /theirs$/, failure(409, 'Conflict', 'the object has been modified'), 2);
    await undo();
    expect(essence(current())).toEqual(essence(before));
  });

  test('is tried again later when the API server fails', async () => {
    api.rule('PATCH', /theirs$/, failure(500, 'InternalError', 'etcd is away'), 1);
    await expect(undo()).rejects.toThrow('etcd is away');
    await undo();
    expect(essence(current())).toEqual(essence(before));
  });

  test('keeps its other managers, and what they have said since about its status', async () => {
    const live = current()!;
    const controller = { manager: 'istiod', operation: 'Update', subresource: 'status' };
    const managedFields = [...(live.metadata.managedFields as object[]), controller];
    api.put({ ...live, metadata: { ...live.metadata, managedFields }, status: { conditions: [] } });
    await undo();
    expect(current()?.metadata.managedFields).toEqual([
      { manager: 'kubectl', operation: 'Apply' },
      controller,
    ]);
    expect(current()).toMatchObject({ spec: before.spec, status: { conditions: [] } });
  });

  test('has those who changed it meanwhile as its managers, and not this tool', async () => {
    const live = current()!;
    const other = { manager: 'argocd', operation: 'Apply' };
    const managedFields = [...(live.metadata.managedFields as object[]), other];
    const labels = { ...live.metadata.labels, added: 'y' };
    api.put({ ...live, metadata: { ...live.metadata, managedFields, labels } });
    await undo();
    expect(current()?.metadata.managedFields).toEqual([{ manager: 'kubectl', operation: 'Apply' }, other]);
    expect(current()?.metadata.labels).toEqual({ team: 'a', added: 'y' });
  });

  test('is put back although somebody is faster at saying who manages it', async () => {
    api.rule('PATCH', /theirs$/, ({ body }) =>
      'managedFields' in (body as KubeObject).metadata
        ? failure(409, 'Conflict', 'the object has been modified')
        : undefined,
    );
    await undo();
    expect(current()?.spec).toEqual(before.spec);
    expect(warnings).toEqual([]);
  });

  test('is not put back in silence when who manages it cannot be said', async () => {
    api.rule('PATCH', /theirs$/, ({ body }) =>
      'managedFields' in (body as KubeObject).metadata
        ? failure(500, 'InternalError', 'etcd is away')
        : undefined,
    );
    await expect(undo()).rejects.toThrow('etcd is away');
  });

  test('is given up after five conflicts', async () => {
    api.rule('PATCH', /theirs$/, failure(409, 'Conflict', 'the object has been modified'), 5);
    await expect(undo()).rejects.toThrow('the object has been modified');
    await undo();
    expect(essence(current())).toEqual(essence(before));
  });

  test('is not put back when somebody else has put another one in its place', async () => {
    api.put(policy({ action: 'ALLOW', rules: [] }, { uid: 'another', labels: { ours: 'x' } }));
    await undo();
    expect(current()?.metadata).toMatchObject({ uid: 'another', labels: { ours: 'x' } });
    expect(warnings).toEqual([
      'AuthorizationPolicy foo/theirs was deleted by somebody else meanwhile: it is not put back',
    ]);
  });

  test('is put back when the answer to a later deletion never came', async () => {
    api.rule('DELETE', /theirs$/, 'reset');
    await expect(ledger.delete(key, 'scope', signal)).rejects.toMatchObject({ code: 'E_KUBE' });
    await undo();
    expect(essence(current())).toEqual(essence(before));
    expect(warnings).toEqual([]);
  });

  test('and then deleted is created again', async () => {
    await ledger.delete(key, 'scope', signal);
    await undo();
    const { uid: _, managedFields: __, ...metadata } = essence(before).metadata as Record<string, unknown>;
    expect(current()).toMatchObject({ metadata, spec: before.spec });
    expect(current()?.metadata.uid).not.toBe(before.metadata.uid);
  });
});

describe('what was created', () => {
  test('is deleted', async () => {
    await ledger.apply(policy({ action: 'ALLOW' }), 'scope', signal);
    await undo();
    expect(current()).toBeUndefined();
  });

  test('is left when somebody else has put another one in its place', async () => {
    await ledger.apply(policy({ action: 'ALLOW' }), 'scope', signal);
    api.put(policy({ action: 'DENY' }, { uid: 'another' }));
    await undo();
    expect(current()?.spec).toEqual({ action: 'DENY' });
    expect(warnings).toEqual([
      'AuthorizationPolicy foo/theirs was deleted and created again by somebody else meanwhile: it is left as it is',
    ]);
  });

  test('is deleted when the answer to its creation never came', async () => {
    api.rule('PATCH', /theirs$/, (request) => {
      api.put(policy({ action: 'ALLOW' }, { managedFields: [{ manager: request.query.fieldManager }] }));
      return 'reset';
    });
    await expect(ledger.apply(policy({ action: 'ALLOW' }), 'scope', signal)).rejects.toThrow();
    await undo();
    expect(current()).toBeUndefined();
  });
});

test('what somebody else has created is left, when this tool was refused or never got an answer', async () => {
  for (const answer of [failure(422, 'Invalid', 'no such action'), 'reset'] as const) {
    api.objects.clear();
    api.rule(
      'PATCH',
      /theirs$/,
      () => {
        api.put(policy({ action: 'DENY' }, { managedFields: [{ manager: 'kubectl', operation: 'Apply' }] }));
        return answer;
      },
      answer === 'reset' ? undefined : 1,
    );
    await expect(ledger.apply(policy({ action: 'NO' }), 'scope', signal)).rejects.toThrow();
    await undo();
    expect(current()?.spec).toEqual({ action: 'DENY' });
    expect(warnings).toEqual([]);
  }
});

test('what is applied after its deletion counts as changed, not as deleted by this tool', async () => {
  api.put(policy({ action: 'DENY' }));
  await ledger.delete(key, 'scope', signal);
  await ledger.apply(policy({ action: 'ALLOW' }), 'scope', signal);
  api.remove('security.istio.io/v1', 'AuthorizationPolicy', 'theirs', 'foo');
  await undo();
  expect(current()).toBeUndefined();
  expect(warnings).toEqual([
    'AuthorizationPolicy foo/theirs was deleted by somebody else meanwhile: it is not put back',
  ]);
});

test('what is to be created again waits until the old one is gone', async () => {
  const before = api.put(policy({ action: 'DENY' }));
  await ledger.delete(key, 'scope', signal);
  api.put({ ...before, metadata: { ...before.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
  await undo();
  expect(current()?.metadata).not.toHaveProperty('deletionTimestamp');
  expect(current()?.metadata.uid).not.toBe(before.metadata.uid);
  expect(current()?.spec).toEqual({ action: 'DENY' });
  expect(warnings).toEqual([]);
});

test('what is applied waits until the old one of its name is gone, as a Namespace of the scenario before', async () => {
  const own = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { own: 'yes' } } };
  await ledger.apply(own, 'first', signal);
  api.lingering = 2;
  await ledger.undo('first', signal);
  expect(api.get('v1', 'Namespace', 'shop')?.metadata.deletionTimestamp).toBeDefined();

  const { change } = await ledger.apply(own, 'second', signal);
  expect(change).toBe('created');
  expect(api.get('v1', 'Namespace', 'shop')?.metadata.deletionTimestamp).toBeUndefined();
});

test('what cannot be created again is an error', async () => {
  api.put(policy({ action: 'DENY' }));
  await ledger.delete(key, 'scope', signal);
  api.rule('POST', /authorizationpolicies$/, failure(403, 'Forbidden', 'no more of these'), 1);
  await expect(undo()).rejects.toThrow('no more of these');
  await undo();
  expect(current()?.spec).toEqual({ action: 'DENY' });
});

test('what was refused is left as it is', async () => {
  const before = api.put(policy({ action: 'DENY' }));
  api.rule('PATCH', /theirs$/, failure(422, 'Invalid', 'no such action'));
  await expect(ledger.apply(policy({ action: 'NO' }), 'scope', signal)).rejects.toThrow('was refused');
  await undo();
  expect(current()).toEqual(before);
  expect(api.log('DELETE', 'POST')).toEqual([]);
});

test('what was deleted and created again by somebody else is left, with a warning', async () => {
  api.put(policy({ action: 'DENY' }));
  await ledger.delete(key, 'scope', signal);
  api.put(policy({ action: 'AUDIT' }));
  await undo();
  expect(current()?.spec).toEqual({ action: 'AUDIT' });
  expect(warnings).toEqual([
    'AuthorizationPolicy foo/theirs was created again by somebody else meanwhile: it is left as it is',
  ]);
});

test('only what is chosen is undone; the rest can be undone later', async () => {
  await ledger.apply(policy({ action: 'ALLOW' }), 'scope', signal);
  await ledger.apply(policy({ action: 'ALLOW' }, { name: 'second' }), 'scope', signal);
  await ledger.undo('scope', signal, ({ name }) => name === 'second');
  expect(current()).toBeDefined();
  expect(ledger.keys('scope').map(({ name }) => name)).toEqual(['theirs']);
  await undo();
  expect(current()).toBeUndefined();
});

test('says what it did, and what a scope has', async () => {
  api.put(policy({ action: 'DENY' }));
  expect(await ledger.delete(key, 'scope', signal)).toEqual({ key, change: 'deleted', warnings: [] });
  expect(await ledger.delete(key, 'scope', signal)).toEqual({ key, change: 'unchanged', warnings: [] });
  expect(ledger.keys('scope')).toEqual([key]);
  expect(ledger.keys('never')).toEqual([]);
});

test('says how long it has waited for the old one to go', async () => {
  const before = api.put(policy({ action: 'DENY' }));
  await ledger.delete(key, 'scope', signal);
  let tries = 0;
  api.rule('POST', /authorizationpolicies$/, () => {
    tries += 1;
    return failure(409, 'AlreadyExists', 'theirs already exists');
  });
  const real = performance.now.bind(performance);
  const later = vi.spyOn(performance, 'now').mockImplementation(() => real() + (tries < 2 ? 0 : 30_000));
  try {
    // Gone when it is looked at, and there again when it is to be created.
    await expect(undo()).rejects.toMatchObject({
      message:
        'creating AuthorizationPolicy foo/theirs again did not happen within 30 s: the old one is not gone yet',
    });
  } finally {
    later.mockRestore();
  }
  expect(tries).toBe(2);
  expect(before.spec).toEqual({ action: 'DENY' });
});

describe('what others have done meanwhile', () => {
  const ours = policy({ action: 'ALLOW', rules: [] }, { labels: { ours: 'x' }, annotations: { a: 'b' } });
  const altered = () => ledger.altered(signal);
  const name = 'AuthorizationPolicy foo/theirs';
  /** As somebody else leaves it. */
  const put = (change: (object: KubeObject) => KubeObject) => api.put(change(structuredClone(current()!)));

  test('is nothing while everything is as it was left', async () => {
    expect(await altered()).toEqual([]);
    await ledger.apply(ours, 'scope', signal);
    await ledger.apply(policy({ action: 'DENY', rules: [] }), 'scope', signal);
    expect(await altered()).toEqual([]);
    await ledger.delete(key, 'scope', signal);
    expect(await altered()).toEqual([]);
    await undo();
    expect(await altered()).toEqual([]);
  });

  test('is not what controllers write: the status, labels and annotations of their own', async () => {
    await ledger.apply(ours, 'scope', signal);
    put((object) => ({
      ...object,
      status: { conditions: [] },
      metadata: {
        ...object.metadata,
        labels: { ...object.metadata.labels, theirs: 'y' },
        annotations: { ...object.metadata.annotations, 'deployment.kubernetes.io/revision': '2' },
      },
    }));
    expect(await altered()).toEqual([]);
  });

  test.each<[string, (object: KubeObject) => KubeObject]>([
    ['its spec', (object) => ({ ...object, spec: { action: 'DENY', rules: [] } })],
    ['a label of ours', (object) => ({ ...object, metadata: { ...object.metadata, labels: { ours: 'y' } } })],
    ['an annotation', (object) => ({ ...object, metadata: { ...object.metadata, annotations: {} } })],
    ['more in it', (object) => ({ ...object, data: { more: 'x' } })],
  ])('is said of %s', async (_, change) => {
    await ledger.apply(ours, 'scope', signal);
    put(change);
    expect(await altered()).toEqual([`${name} was changed`]);
  });

  test('is said when it was deleted, made anew, or is leaving', async () => {
    await ledger.apply(ours, 'scope', signal);
    const leaving = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['example.com/keep'] };
    put((object) => ({ ...object, metadata: { ...object.metadata, ...leaving } }));
    expect(await altered()).toEqual([`${name} was deleted`]);
    api.put({ ...ours, metadata: { ...ours.metadata, uid: 'another' } });
    expect(await altered()).toEqual([`${name} was deleted`]);
    api.remove('security.istio.io/v1', 'AuthorizationPolicy', 'theirs', 'foo');
    expect(await altered()).toEqual([`${name} was deleted`]);
  });

  test('is said of what this tool has deleted and somebody has created again, in every scope', async () => {
    api.put(policy({ action: 'DENY', rules: [] }));
    await ledger.delete(key, 'one', signal);
    await ledger.apply({ ...ours, metadata: { name: 'more', namespace: 'foo' } }, 'two', signal);
    expect(await altered()).toEqual([]);
    api.put(policy({ action: 'DENY', rules: [] }));
    api.remove('security.istio.io/v1', 'AuthorizationPolicy', 'more', 'foo');
    expect(await altered()).toEqual([
      `${name} was created again`,
      'AuthorizationPolicy foo/more was deleted',
    ]);
  });
});

describe('what is applied again without a look', () => {
  const again = (spec: unknown) => ledger.applyAgain(policy(spec), 'scope', signal);

  test('is nothing that the scope has not applied, or has deleted', async () => {
    expect(await again({ action: 'DENY' })).toBe(false);
    await ledger.apply(policy({ action: 'ALLOW' }, { name: 'second' }), 'scope', signal);
    expect(await again({ action: 'DENY' })).toBe(false);
    await ledger.apply(policy({ action: 'ALLOW' }), 'scope', signal);
    await ledger.delete(key, 'scope', signal);
    expect(await again({ action: 'DENY' })).toBe(false);
    expect(current()).toBeUndefined();
  });

  test('is nothing of which nobody knows how it was left', async () => {
    api.rule('PATCH', /theirs$/, 'reset', 1);
    await expect(ledger.apply(policy({ action: 'ALLOW' }), 'scope', signal)).rejects.toThrow();
    expect(await again({ action: 'DENY' })).toBe(false);
  });

  test('is undone as it was left the last time', async () => {
    await ledger.apply(policy({ action: 'ALLOW' }), 'scope', signal);
    api.requests.length = 0;
    expect(await again({ action: 'DENY' })).toBe(true);
    expect(current()?.spec).toEqual({ action: 'DENY' });
    await undo();
    expect(api.log()).toEqual([expect.stringMatching(/^PATCH /), expect.stringMatching(/^DELETE /)]);
    expect(current()).toBeUndefined();
  });
});

describe('what was applied more than once', () => {
  const theirs = { manager: 'kubectl', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:rules': {} } } };
  const writer = { manager: 'istiod', operation: 'Update', fieldsV1: { 'f:spec': { 'f:rules': {} } } };
  const mine = (...names: string[]) => ({
    manager: 'jwt-e2e',
    operation: 'Apply',
    fieldsV1: { 'f:spec': Object.fromEntries(names.map((name) => [`f:${name}`, {}])) },
  });
  const apply = (spec: unknown) => ledger.apply(policy(spec), 'scope', signal);
  const replace = (spec: unknown, ...managedFields: object[]) =>
    api.put(policy(spec, { uid: current()?.metadata.uid ?? 'uid-new', managedFields }));
  const another = (spec: unknown, ...managedFields: object[]) =>
    api.put(policy(spec, { uid: 'another', managedFields }));

  test('is deleted also when it was refused the second time, though a controller has written in it', async () => {
    await apply({ action: 'ALLOW' });
    replace({ action: 'ALLOW', rules: [] }, mine('action'), writer);
    api.rule('PATCH', /theirs$/, failure(422, 'Invalid', 'no such action'), 1);
    await expect(apply({ action: 'NO' })).rejects.toMatchObject({ code: 'E_REFUSED' });
    await undo();
    expect(current()).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  test('stays when there was no answer the second time, as whoever has written in it may have made it', async () => {
    await apply({ action: 'ALLOW' });
    replace({ action: 'ALLOW', rules: [] }, mine('action'), writer);
    api.rule('PATCH', /theirs$/, failure(500, 'InternalError', 'etcd is away'), 1);
    await expect(apply({ action: 'NO' })).rejects.toThrow('etcd is away');
    await undo();
    expect(current()).toBeDefined();
    expect(warnings).toEqual([expect.stringContaining('changed since by istiod: it stays')]);
  });

  test('has back what it lost the first time, when there was no answer the second time', async () => {
    api.put(policy({ action: 'DENY', rules: [1] }, { managedFields: [theirs] }));
    api.rule(
      'PATCH',
      /theirs$/,
      () => ({ status: 200, body: replace({ rules: [1] }, theirs, mine('action')) }),
      1,
    );
    await apply({ action: null });
    api.rule(
      'PATCH',
      /theirs$/,
      () => {
        replace({ rules: [1], selector: 1 }, theirs, mine('selector'));
        return 'reset';
      },
      1,
    );
    await expect(apply({ selector: 1 })).rejects.toThrow();
    await undo();
    expect(current()?.spec).toEqual({ action: 'DENY', rules: [1] });
    expect(warnings).toEqual([]);
  });

  test('keeps what somebody else has applied in between to what this tool has created', async () => {
    await apply({ action: 'ALLOW' });
    replace({ action: 'ALLOW', rules: [1] }, mine('action'), theirs);
    await apply({ action: 'DENY' });
    await undo();
    expect(current()?.spec).toEqual({ rules: [1] });
  });

  test('is deleted when only a controller has written in between in what this tool has created', async () => {
    await apply({ action: 'ALLOW' });
    replace({ action: 'ALLOW', rules: [1] }, mine('action'), writer);
    await apply({ action: 'DENY' });
    await undo();
    expect(current()).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  test('is deleted when somebody else has deleted it in between', async () => {
    api.put(policy({ action: 'DENY' }));
    await apply({ action: 'ALLOW' });
    api.remove('security.istio.io/v1', 'AuthorizationPolicy', 'theirs', 'foo');
    await apply({ action: 'ALLOW' });
    await undo();
    expect(current()).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  test('is put back to the one that somebody has put in its place in between', async () => {
    for (const isDeleted of [false, true]) {
      api.remove('security.istio.io/v1', 'AuthorizationPolicy', 'theirs', 'foo');
      api.put(policy({ action: 'DENY' }));
      await apply({ action: 'ALLOW' });
      if (isDeleted) await ledger.delete(key, 'scope', signal);
      another({ action: 'AUDIT', rules: [7] }, theirs);
      await apply({ action: 'ALLOW' });
      await undo();
      expect(current()?.spec).toEqual({ action: 'AUDIT', rules: [7] });
      expect(current()?.metadata.uid).toBe('another');
      expect(warnings).toEqual([]);
    }
  });

  test('after its deletion is made anew, as some fields cannot be set back in another one', async () => {
    const before = api.put(policy({ action: 'DENY', rules: [1] }));
    await ledger.delete(key, 'scope', signal);
    await apply({ action: 'ALLOW' });
    const { uid } = current()!.metadata;
    expect(uid).not.toBe(before.metadata.uid);
    api.requests.length = 0;
    await undo();
    expect(current()?.spec).toEqual(before.spec);
    expect(api.log('DELETE', 'POST')).toEqual([
      expect.stringMatching(/^DELETE .*theirs$/),
      expect.stringMatching(/^POST /),
    ]);
    expect(api.requests.find(({ method }) => method === 'DELETE')?.body).toMatchObject({
      preconditions: { uid },
    });
  });
});
