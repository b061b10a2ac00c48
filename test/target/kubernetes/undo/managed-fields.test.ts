import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  appliersOf,
  type FieldSet,
  type Managed,
  managersWithout,
  minus,
  otherManagers,
  othersBeside,
  union,
} from '../../../../src/target/kubernetes/undo/managed-fields.ts';
import type { KubeObject } from '../../../../src/target/target.ts';

const object = (...managedFields: Managed[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', managedFields },
});

/** The paths of a set, spelt out. */
function paths(set: FieldSet | undefined, at: string[] = []): string[] {
  if (set === undefined) return [];
  const steps = Object.keys(set);
  const isItself = at.length > 0 && (steps.length === 0 || steps.includes('.'));
  return [
    ...(isItself ? [at.join('/')] : []),
    ...steps.filter((step) => step !== '.').flatMap((step) => paths(set[step], [...at, step])),
  ].toSorted();
}

/** Sets as the API server writes them: no node that is neither a member nor has any below. */
function setOf(members: readonly string[]): FieldSet {
  const root: Record<string, FieldSet> = {};
  for (const member of members) {
    let node = root as Record<string, Record<string, FieldSet>>;
    for (const step of member.split('/')) {
      node[step] ??= {};
      node = node[step] as Record<string, Record<string, FieldSet>>;
    }
    node['.'] = {};
  }
  const tidy = (node: FieldSet): FieldSet =>
    Object.keys(node).every((step) => step === '.')
      ? {}
      : Object.fromEntries(
          Object.entries(node).map(([step, below]) => [step, step === '.' ? {} : tidy(below)]),
        );
  return tidy(root);
}
const step = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}');
const members = fc.array(
  fc.array(step, { minLength: 1, maxLength: 3 }).map((steps) => steps.join('/')),
  { maxLength: 6 },
);

describe('sets of fields', () => {
  test('are united and taken apart as sets of paths are', () => {
    fc.assert(
      fc.property(members, members, (one, other) => {
        const [a, b] = [setOf(one), setOf(other)];
        expect(paths(a)).toEqual([...new Set(one)].toSorted());
        expect(paths(union(a, b))).toEqual([...new Set([...one, ...other])].toSorted());
        expect(paths(minus(a, b))).toEqual(
          [...new Set(one)].filter((path) => !other.includes(path)).toSorted(),
        );
      }),
      { numRuns: 500 },
    );
  });
});

test('a field of both sets is written as the API server writes it', () => {
  expect(union({ 'f:a': {} }, { 'f:a': {} })).toEqual({ 'f:a': {} });
  expect(union({ 'f:a': {} }, { 'f:a': { 'f:b': {} } })).toEqual({ 'f:a': { '.': {}, 'f:b': {} } });
});

const spec: FieldSet = { 'f:spec': { 'f:action': {}, 'f:rules': {} } };
const action: FieldSet = { 'f:spec': { 'f:action': {} } };
const rules: FieldSet = { 'f:spec': { 'f:rules': {} } };
const owner: Managed = {
  manager: 'argocd',
  operation: 'Apply',
  apiVersion: 'v1',
  time: 't1',
  fieldsV1: spec,
};
const ours: Managed = {
  manager: 'jwt-e2e',
  operation: 'Apply',
  apiVersion: 'v1',
  time: 't2',
  fieldsV1: action,
};
const robbed: Managed = { ...owner, fieldsV1: rules };

describe('without this tool', () => {
  test('an owner has again what was taken from it, and its own time', () => {
    const left = object(robbed, ours);
    expect(managersWithout(object(owner), left, left)).toEqual([owner]);
  });

  test('an owner that has lost everything is there again', () => {
    const [small, left] = [{ ...owner, fieldsV1: action }, object(ours)];
    expect(managersWithout(object(small), left, left)).toEqual([small]);
  });

  test('an owner that has applied since has what it has applied', () => {
    const applied = { ...owner, time: 't3', fieldsV1: { 'f:data': {} } };
    expect(managersWithout(object(owner), object(robbed, ours), object(applied, ours))).toEqual([applied]);
  });

  test('one that has written since keeps that, and has again what was taken from it', () => {
    const [writer, left] = [
      { ...owner, operation: 'Update' },
      { ...robbed, operation: 'Update' },
    ];
    const written = { ...left, time: 't3', fieldsV1: { ...rules, 'f:data': {} } };
    expect(managersWithout(object(writer), object(left, ours), object(written, ours))).toEqual([
      { ...written, fieldsV1: { ...spec, 'f:data': {} } },
    ]);
  });

  test('who has come since stays, who has gone since is gone, and the status is as it is', () => {
    const newcomer = { manager: 'kubectl', operation: 'Update', fieldsV1: { 'f:data': {} } };
    const status = (time: string) => ({
      manager: 'istiod',
      operation: 'Update',
      subresource: 'status',
      time,
    });
    expect(
      managersWithout(
        object(owner, status('t1')),
        object(robbed, status('t1'), ours),
        object(newcomer, status('t2'), ours),
      ),
    ).toEqual([status('t2'), newcomer]);
  });

  test('who has gone since is gone, also with no fields, and also when only the status was theirs', () => {
    const [bare, status] = [
      { manager: 'old', operation: 'Update' },
      { manager: 'istiod', operation: 'Update', subresource: 'status' },
    ];
    expect(managersWithout(object(bare, status), object(bare, status, ours), object(ours))).toEqual([]);
    expect(managersWithout(object(status), object(ours), object(ours))).toEqual([]);
    expect(managersWithout(object(bare), object(bare, ours), object(bare, ours))).toEqual([bare]);
    expect(managersWithout(object(), object(ours), object(status, ours))).toEqual([status]);
  });

  test('what this tool had before, it has again', () => {
    const before = { ...ours, time: 't0' };
    expect(managersWithout(object(owner, before), object(robbed, ours), object(robbed, ours))).toEqual([
      owner,
      before,
    ]);
  });

  test('others have what this tool has not taken from them', () => {
    const small = { ...owner, manager: 'helm', fieldsV1: action };
    const unknown = { manager: 'old' };
    expect(othersBeside(object(owner, small, unknown), object(ours))).toEqual([robbed, unknown]);
  });
});

test('managers are told apart: who applies means the object to be there, who writes the status means nothing', () => {
  const all = object(
    ours,
    { manager: 'argocd', operation: 'Apply' },
    { manager: 'kubectl-client-side-apply', operation: 'Update' },
    { manager: 'kubectl-edit', operation: 'Update' },
    { manager: 'istiod', operation: 'Apply', subresource: 'status' },
  );
  expect(otherManagers(all)).toEqual(['argocd', 'kubectl-client-side-apply', 'kubectl-edit']);
  expect(appliersOf(all)).toEqual(['argocd', 'kubectl-client-side-apply']);
  const bare = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
  expect([otherManagers(bare), appliersOf(bare)]).toEqual([[], []]);
});
