import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { conflicts, contentOf, type Json, mergePatch } from '../../../src/target/kubernetes/restore.ts';
import type { KubeObject } from '../../../src/target/target.ts';

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
