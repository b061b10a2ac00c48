import { expect, test } from 'vitest';
import { countMatching, inventory, whyLeftOut } from '../../src/plan/inventory.ts';
import { checksOf, facts, planOf, scenario, step } from './support.ts';

const one = scenario(
  'one',
  [
    step('first', ['/a: [200, 401]']),
    step('newer', ['/b: [200, 401]'], '    when: { istio: ">=1.40" }\n'),
    step('second', ['/c: [200, 401]', '/d: [200, 200]']),
    step('third', ['/e: [200, 401]']),
  ].join(''),
);

test('what can be listed is every check, with its place, whatever the mesh', () => {
  const [only, ...more] = inventory(one);
  expect(more).toEqual([]);
  expect(only?.steps.map(({ name, checks }) => [name, checks.length])).toEqual([
    ['first', 2],
    ['newer', 2],
    ['second', 4],
    ['third', 2],
  ]);
  const [first, second] = only?.steps[0]?.checks ?? [];
  expect(first).toMatchObject({ id: 'one/first//a/no token', row: '/a', column: 'no token' });
  expect(second?.place).toEqual({
    file: 'one.yaml',
    line: first?.place.line,
    column: first!.place.column + 5,
  });
});

test('ids are those of a plan, also with several fetch modes', () => {
  const both = scenario('both', step('first', ['/a: [200, 401]']), 'mesh: { fetch: [istiod, envoy] }');
  const listed = inventory(both).flatMap(({ steps }) =>
    steps.flatMap(({ checks }) => checks.map(({ id }) => id)),
  );
  expect(listed).toEqual(checksOf(planOf([both]).scenarios));
  expect(inventory(both).map(({ fetch }) => fetch)).toEqual(['istiod', 'envoy']);
});

test('checks that are not planned have a reason: the mesh, or else the settings', () => {
  const planned = planOf([one], { grep: '/a' }).scenarios;
  const reasons = whyLeftOut(one, planned, facts, 'left out');
  expect(reasons).toMatchObject({
    'one/newer//b/valid': 'needs istio >=1.40, the mesh has 1.30.3',
    'one/second//c/valid': 'left out',
  });
  expect(Object.keys(reasons)).not.toContain('one/first//a/valid');
});

test('a step stands where its name stands', () => {
  const [only] = inventory(one);
  const lines = only!.steps.map(({ place }) => place);
  expect(lines.slice(0, 2)).toEqual([
    { file: 'one.yaml', line: 8, column: 11 },
    { file: 'one.yaml', line: 13, column: 11 },
  ]);
});

test('what a selection leaves is counted before there is a mesh, once for each fetch mode', () => {
  const two = scenario('two', step('first', ['/f: [200, 401]']), 'mesh: { fetch: [istiod, envoy] }');
  const count = (selection: Parameters<typeof countMatching>[1]) => countMatching([one, two], selection);
  expect(count({})).toBe(3);
  expect(count({ grep: 'ONE/Newer' })).toBe(1);
  expect(count({ grep: 'title OF two' })).toBe(2);
  expect(count({ grep: 'two@envoy' })).toBe(1);
  expect(count({ grep: 'newer' })).toBe(1);
  expect(count({ grep: '/second//d/' })).toBe(1);
  expect(count({ grep: 'nothing like it' })).toBe(0);
  expect(count({ profile: 'extended' })).toBe(0);
  expect(count({ only: new Set(['two@envoy', 'other']) })).toBe(1);
});
