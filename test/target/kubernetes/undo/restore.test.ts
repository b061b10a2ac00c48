import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KubeClient } from '../../../../src/kube/kube-client.ts';
import type { FieldSet, Managed } from '../../../../src/target/kubernetes/undo/managed-fields.ts';
import {
  conflicts,
  contentOf,
  type Json,
  leftBy,
  mergePatch,
  recreate,
  restoreObject,
  without,
  withoutCreated,
} from '../../../../src/target/kubernetes/undo/restore.ts';
import type { KubeObject } from '../../../../src/target/target.ts';
import { type FakeApi, failure } from '../../../support/fake-api.ts';
import { unaborted } from '../../../support/signals.ts';
import { useFakeApi } from '../../../support/use-fake-api.ts';

/** RFC 7396, section 2, written down once more. */
function apply(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const isMap = typeof target === 'object' && target !== null && !Array.isArray(target);
  const result: Record<string, unknown> = isMap ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = apply(result[name], value);
  }
  return result;
}

/** Maps as Kubernetes has them: no null, few names so that they often meet. */
const { map } = fc.letrec<{ map: Json; value: unknown }>((tie) => ({
  map: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), {
    maxKeys: 3,
    noNullPrototype: true,
  }) as fc.Arbitrary<Json>,
  value: fc.oneof(
    { depthSize: 'small' },
    fc.integer({ min: 0, max: 2 }),
    fc.constantFrom('x', 'y'),
    fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
    tie('map'),
  ),
}));

describe('mergePatch', () => {
  test('turns any map into any other', () => {
    fc.assert(
      fc.property(map, map, (from, to) => {
        expect(apply(from, mergePatch(from, to))).toEqual(to);
      }),
      { numRuns: 500 },
    );
  });

  test('is empty for what is equal', () => {
    fc.assert(
      fc.property(map, (one) => {
        expect(mergePatch(one, structuredClone(one))).toEqual({});
      }),
    );
  });
});

describe('conflicts', () => {
  const left = { spec: { action: 'DENY', rules: [1], selector: { app: 'a' } } };
  const back = { spec: { action: 'ALLOW', selector: null } };

  test('there are none where nobody else was', () => {
    fc.assert(
      fc.property(map, map, (from, to) => {
        expect(conflicts(mergePatch(from, to), from, from)).toEqual([]);
      }),
    );
  });

  test('are not about what others have changed elsewhere', () => {
    expect(conflicts(back, left, { spec: { ...left.spec, rules: [2] }, more: 1 })).toEqual([]);
  });

  test.each<[string, Json, string[]]>([
    ['another value', { ...left.spec, action: 'AUDIT' }, ['spec.action']],
    ['a value that is gone', { rules: [1], selector: { app: 'a' } }, ['spec.action']],
    [
      'a map that is to go and has more in it',
      { ...left.spec, selector: { app: 'a', v: '1' } },
      ['spec.selector'],
    ],
    [
      'a map that is no map any more',
      { ...left.spec, action: 'X', selector: 1 },
      ['spec.action', 'spec.selector'],
    ],
  ])('name the place of %s', (_, spec, places) => {
    expect(conflicts(back, left, { spec })).toEqual(places);
  });
});

test('content is what people write, not what the API server keeps', () => {
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'a',
      namespace: 'b',
      uid: '1',
      resourceVersion: '2',
      generation: 3,
      creationTimestamp: '2026-01-01T00:00:00Z',
      managedFields: [],
      labels: { a: 'b' },
      finalizers: ['example.com/x'],
    },
    spec: { ports: [] },
    status: { loadBalancer: {} },
  };
  expect(contentOf(object)).toStrictEqual({
    spec: { ports: [] },
    metadata: { labels: { a: 'b' }, annotations: {}, finalizers: ['example.com/x'] },
  });
  const { finalizers: _, labels: __, ...metadata } = object.metadata;
  const ownerReferences = [{ kind: 'Gateway', name: 'main' }];
  expect(contentOf({ ...object, metadata: { ...metadata, ownerReferences } })).toStrictEqual({
    spec: { ports: [] },
    metadata: { labels: {}, annotations: {}, ownerReferences },
  });
});

/** Fields of spec and labels, such as `spec.action`; a path that ends with `.` has others below it. */
function fields(...paths: string[]): FieldSet {
  const root: Record<string, FieldSet> = {};
  for (const path of paths) {
    let node = root as Record<string, Record<string, FieldSet>>;
    for (const step of path.split('.')) {
      const name = step === '' ? '.' : `f:${step}`;
      node[name] ??= {};
      node = node[name] as Record<string, Record<string, FieldSet>>;
    }
  }
  return root;
}
const by = (manager: string, fieldsV1: FieldSet, operation = 'Apply'): Managed => ({
  manager,
  operation,
  apiVersion: 'v1',
  fieldsV1,
});
const policy = (spec: Json, managers: readonly Managed[], metadata: object = {}): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'a', namespace: 'foo', uid: '1', ...metadata, managedFields: managers },
  spec,
});
/** What people see of it, and who has which fields. */
function parts({ spec, metadata }: KubeObject) {
  return [spec, metadata.managedFields];
}

describe('an object without this tool', () => {
  const owner = by('argocd', fields('spec.action', 'spec.rules'));
  const before = policy({ action: 'DENY', rules: [1] }, [owner], { labels: { team: 'a' } });
  const robbed = by('argocd', fields('spec.rules'));
  const mine = by('jwt-e2e', fields('spec.action', 'spec.selector.', 'spec.selector.app'));
  const left = policy({ action: 'ALLOW', rules: [1], selector: { app: 'a' } }, [robbed, mine], {
    labels: { team: 'a', ours: 'b' },
  });

  test('is as it was, with what only the API server knows as it is now', () => {
    const now = { ...left, metadata: { ...left.metadata, resourceVersion: '9' }, status: { a: 1 } };
    const { object, theirs } = without(before, left, now);
    expect(theirs).toEqual([]);
    expect(object).toEqual({
      ...before,
      metadata: { ...before.metadata, annotations: {}, resourceVersion: '9' },
    });
  });

  test('keeps what others have written since, beside what was changed and in the same place', () => {
    const now = policy({ action: 'AUDIT', rules: [2], selector: { app: 'a', v: '1' } }, [robbed, mine]);
    const { object, theirs } = without(before, left, now);
    expect(object.spec).toEqual({ action: 'AUDIT', rules: [2], selector: { app: 'a', v: '1' } });
    expect(theirs).toEqual(['spec.action', 'spec.selector', 'metadata.labels.ours']);
  });

  test('keeps what others mean to be so by now, though this tool has set it as well', () => {
    const also = by('helm', fields('spec.action', 'spec.selector.', 'spec.selector.app'));
    const now = { ...left, metadata: { ...left.metadata, managedFields: [robbed, mine, also] } };
    const { object, theirs } = without(before, left, now);
    expect(parts(object)).toEqual([{ action: 'ALLOW', rules: [1], selector: { app: 'a' } }, [owner, also]]);
    expect(theirs).toEqual([]);
  });

  test('keeps a part of a map that others mean to be so, and has the rest back', () => {
    const [was, then] = [
      policy({ selector: { app: 'a', v: '1' } }, []),
      policy({ selector: { app: 'b', v: '2' } }, [
        by('jwt-e2e', fields('spec.selector.app', 'spec.selector.v')),
      ]),
    ];
    const helm = by('helm', fields('spec.selector.v'));
    const now = policy({ selector: { app: 'b', v: '2' } }, [
      ...(then.metadata.managedFields as Managed[]),
      helm,
    ]);
    expect(parts(without(was, then, now).object)).toEqual([{ selector: { app: 'a', v: '2' } }, [helm]]);
  });

  test('does not have what its owner had before and does not mean to have any more', () => {
    const again = by('argocd', fields('spec.other'));
    const now = policy({ action: 'ALLOW', selector: { app: 'a' }, other: 1 }, [again, mine]);
    expect(parts(without(before, left, now).object)).toEqual([{ other: 1 }, [again]]);
  });

  test('has what another owner still means it to have', () => {
    const helm = by('helm', fields('spec.action'));
    const [was, then] = [{ ...before, metadata: { ...before.metadata, managedFields: [owner, helm] } }, left];
    const again = by('argocd', fields('spec.rules', 'spec.other'));
    const now = policy({ action: 'ALLOW', rules: [1], selector: { app: 'a' }, other: 1 }, [again, mine]);
    expect(parts(without(was, then, now).object)).toEqual([
      { action: 'DENY', rules: [1], other: 1 },
      [again, helm],
    ]);
  });

  test('that it has created is what others have set in it', () => {
    const helm = by('helm', fields('spec.rules', 'metadata.labels.theirs'));
    const all = by('jwt-e2e', fields('spec.action', 'spec.rules', 'spec.gone', 'metadata.labels.ours'));
    const now = policy({ action: 'ALLOW', rules: [1] }, [all, helm], { labels: { ours: 'a', theirs: 'b' } });
    const object = withoutCreated(now);
    expect(parts(object)).toEqual([{ rules: [1] }, [helm]]);
    expect(object.metadata).toMatchObject({ name: 'a', uid: '1', labels: { theirs: 'b' } });
    expect(object.metadata.labels).not.toHaveProperty('ours');
    expect(withoutCreated(policy({ a: 1 }, [{ manager: 'old' }])).spec).toEqual({ a: 1 });
  });
});

describe('how this tool has left an object, when nobody has said so', () => {
  const owner = by('argocd', fields('spec.action', 'spec.rules'));
  const before = policy({ action: 'DENY', rules: [1], selector: { app: 'a' } }, [owner]);
  const mine = by('jwt-e2e', fields('spec.action', 'spec.selector.v', 'spec.deep.er', 'spec.none'));
  const now = policy(
    { action: 'ALLOW', rules: [2], selector: { app: 'b', v: '1' }, deep: { er: 1 }, whose: 1 },
    [by('argocd', fields('spec.rules')), mine],
    { resourceVersion: '9', labels: { theirs: 'x' } },
  );

  test('is as it was, with what it has set', () => {
    expect(leftBy(before, now)).toEqual({
      ...before,
      metadata: {
        name: 'a',
        labels: {},
        annotations: {},
        managedFields: [by('argocd', fields('spec.rules'))],
      },
      spec: { action: 'ALLOW', rules: [1], selector: { app: 'a', v: '1' }, deep: { er: 1 } },
    });
  });

  test('and with what it had set before, which may be gone by now', () => {
    const had = fields('spec.rules', 'spec.selector.app', 'spec.action');
    const gone = policy({ rules: [2], selector: {} }, []);
    expect(leftBy(before, gone, had).spec).toEqual({ rules: [2], selector: {} });
    expect(leftBy(before, policy({ rules: [2] }, [])).spec).toEqual(before.spec);
  });
});

describe('putting back', () => {
  let api: FakeApi;
  let client: KubeClient;
  useFakeApi((server, connected) => {
    api = server;
    client = connected;
  });
  const owner = by('argocd', fields('spec.action'));
  const mine = by('jwt-e2e', fields('spec.action'));
  const before = policy({ action: 'DENY' }, [owner]);
  const left = policy({ action: 'ALLOW' }, [mine]);
  const current = () => api.get('security.istio.io/v1', 'AuthorizationPolicy', 'a', 'foo');
  const restore = (how: KubeObject | undefined = left, had?: FieldSet) =>
    restoreObject(client, before, how, unaborted(), had);
  const patches = () =>
    api.requests.filter(({ method }) => method === 'PATCH').map(({ body }) => body as KubeObject);

  test('changes content first, then who manages it, each as it was read', async () => {
    const { resourceVersion } = api.put(left).metadata;
    expect(await restore()).toBeUndefined();
    expect(patches()).toEqual([
      { spec: { action: 'DENY' }, metadata: { resourceVersion } },
      { metadata: { managedFields: [owner], resourceVersion: expect.any(String) } },
    ]);
    expect(parts(current()!)).toEqual([{ action: 'DENY' }, [owner]]);
  });

  test('changes nothing that is as it was', async () => {
    api.put(before);
    expect(await restoreObject(client, before, before, unaborted())).toBeUndefined();
    expect(patches()).toEqual([]);
  });

  test('leaves managers as they are when there were none: an empty list would mean something else', async () => {
    const bare = policy({ action: 'DENY' }, []);
    api.put(left);
    await restoreObject(client, bare, left, unaborted());
    expect(patches()).toHaveLength(1);
    expect(parts(current()!)).toEqual([{ action: 'DENY' }, [mine]]);
  });

  test('keeps labels that it does not know', async () => {
    const now = { ...left, metadata: { ...left.metadata, labels: { theirs: 'x' } } };
    api.put({ ...now, metadata: { ...now.metadata, labels: { theirs: 'x', ours: 'y' } } });
    const marked = { ...left, metadata: { ...left.metadata, labels: { ours: 'y' } } };
    const { resourceVersion } = current()!.metadata;
    expect(await restore(marked)).toBeUndefined();
    expect(patches()[0]).toEqual({
      spec: { action: 'DENY' },
      metadata: { labels: { ours: null }, resourceVersion },
    });
  });

  test('says that somebody has changed it, also when that one has no name', async () => {
    api.put(policy({ action: 'AUDIT' }, [mine]));
    expect(await restore()).toBe(
      'AuthorizationPolicy foo/a was changed meanwhile by somebody else where this run had changed it (spec.action): that stays as it is',
    );
  });

  test('says who and where, when there are several', async () => {
    const [was, then] = [
      policy({ action: 'DENY', rules: 1 }, []),
      policy({ action: 'ALLOW', rules: 2 }, [mine]),
    ];
    api.put(policy({ action: 'AUDIT', rules: 3 }, [mine, by('helm', {}), by('argocd', {}, 'Update')]));
    expect(await restoreObject(client, was, then, unaborted())).toBe(
      'AuthorizationPolicy foo/a was changed meanwhile by helm, argocd where this run had changed it (spec.action, spec.rules): that stays as it is',
    );
  });

  test('tries five times', async () => {
    api.put(left);
    api.rule('PATCH', /a$/, failure(409, 'Conflict', 'the object has been modified'));
    await expect(restore()).rejects.toThrow('the object has been modified');
    expect(patches()).toHaveLength(5);
  });

  test('does not touch what a request that never came would have changed', async () => {
    api.put(policy({ action: 'AUDIT' }, [by('argocd', fields('spec.action'), 'Update')]));
    expect(await restoreObject(client, before, undefined, unaborted())).toBeUndefined();
    expect(patches()).toEqual([]);
  });

  test('of what was left in an unknown way takes what this tool has set, and had set before', async () => {
    const selector = by('jwt-e2e', fields('spec.selector'));
    api.put(policy({ action: 'ALLOW', selector: 1 }, [selector]));
    expect(
      await restoreObject(client, before, undefined, unaborted(), fields('spec.action')),
    ).toBeUndefined();
    expect(current()?.spec).toEqual({ action: 'DENY' });
  });

  test('does not touch another one of its name', async () => {
    const deleted = 'AuthorizationPolicy foo/a was deleted by somebody else meanwhile: it is not put back';
    expect(await restore()).toBe(deleted);
    api.put(policy({ action: 'ALLOW' }, [mine], { uid: '2' }));
    expect(await restore()).toBe(deleted);
    expect(await restoreObject(client, before, undefined, unaborted())).toBe(deleted);
    expect(patches()).toEqual([]);
  });

  test('makes a deleted one again with those who managed it, but for its status', async () => {
    const status: Managed = { manager: 'istiod', operation: 'Update', subresource: 'status' };
    await recreate(client, policy({ action: 'DENY' }, [owner, status]), unaborted());
    expect(parts(current()!)).toEqual([{ action: 'DENY' }, [owner]]);
    await expect(recreate(client, before, unaborted())).rejects.toMatchObject({ status: 409 });
  });
});
