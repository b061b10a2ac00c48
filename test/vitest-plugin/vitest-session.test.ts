import { expect, test } from 'vitest';
import { pickChecks } from '../../src/vitest-plugin/vitest-session.ts';
import { planOf, scenario, step } from '../plan/support.ts';

const applying = (name: string) =>
  `    apply: [{ apiVersion: v1, kind: Service, metadata: { name: ${name} } }]\n`;
const one = scenario(
  'one',
  [
    step('first', ['/a: [200, 401]'], applying('a')),
    step('newer', ['/b: [200, 401]'], '    when: { istio: ">=1.40" }\n'),
    step('second', ['/c: [200, 401]', '/d: [200, 200]'], applying('c')),
    step('third', ['/e: [200, 401]'], applying('e')),
  ].join(''),
);

test('steps before a wanted check still apply, but send nothing that is not wanted; those behind it go', () => {
  const groups = pickChecks(planOf([one]).groups, new Set(['one/second//d/valid']));
  const [picked] = groups.flatMap(({ scenarios }) => scenarios);
  expect(
    picked?.steps.map(({ name, apply, checks }) => [name, apply.length, checks.map(({ id }) => id)]),
  ).toEqual([
    ['first', 1, []],
    ['second', 1, ['one/second//d/valid']],
  ]);
});

test('nothing is left when nothing is wanted', () => {
  expect(pickChecks(planOf([one]).groups, new Set(['other']))).toEqual([]);
});
