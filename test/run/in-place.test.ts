/** What a scenario has in place at a step: what it has applied last, without what it has deleted again. */
import { describe, expect, test } from 'vitest';
import type { PlannedScenario, PlannedStep } from '../../src/plan/types.ts';
import { inPlace, meantIdle, placedObjects, placeOf } from '../../src/run/in-place.ts';
import type { RunContext } from '../../src/run/template-context.ts';
import type { KubeObject } from '../../src/target/target.ts';
import { planOf } from '../plan/support.ts';
import { scenarioOf } from '../scenario/support.ts';
import { scenarioSource, sendStep } from './support.ts';

const apply = (...policies: [name: string, action: string][]) =>
  `    apply:\n${policies
    .map(
      ([name, action]) =>
        `      - { apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: { name: ${name}, namespace: foo }, spec: { action: ${action}, rules: [{ when: [{ key: "request.auth.claims[sub]", values: ["\${issuers.sample.issuer}"] }] }] } }\n`,
    )
    .join('')}`;
const remove = (name: string) =>
  `    delete: [{ apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, name: ${name}, namespace: foo }]\n`;

const source = scenarioSource(
  'placed',
  [
    sendStep('both', '[200, 200]', `${apply(['one', 'ALLOW'], ['two', 'ALLOW'])}    selectsNothing: true\n`),
    sendStep('again', '[200, 200]', apply(['one', 'DENY'])),
    sendStep('gone', '[200, 200]', remove('two')),
    sendStep('back', '[200, 200]', `${remove('one')}${apply(['one', 'ALLOW'])}`),
  ].join(''),
);
const [scenario] = planOf([scenarioOf(source)]).scenarios as readonly [PlannedScenario];
const context = { names: { issuers: { sample: { issuer: 'filled in' } } } } as unknown as RunContext;
const state = { scenario, context };
const at = (name: string) => scenario.steps.find((step) => step.name === name) as PlannedStep;
const outline = (objects: readonly KubeObject[]) =>
  objects.map(({ metadata, spec }) => `${metadata.name} ${(spec as { action: string }).action}`);
const policy = (name: string): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace: 'foo' },
});
/** In which line of the file the manifests of this name begin. */
const linesOf = (name: string) =>
  source
    .split('\n')
    .flatMap((line, index) => (line.includes(`metadata: { name: ${name},`) ? [index + 1] : []));

describe('in place', () => {
  test.each([
    ['both', ['one ALLOW', 'two ALLOW']],
    ['again', ['one DENY', 'two ALLOW']],
    ['gone', ['one DENY']],
    // A step deletes before it applies.
    ['back', ['one ALLOW']],
  ])('at step %s are %j', (name, expected) => {
    expect(outline(inPlace(at(name), state))).toEqual(expected);
  });

  test('are objects with the names of the run filled in', () => {
    expect(JSON.stringify(inPlace(at('both'), state))).toContain('filled in');
  });
});

test('the place of an object is that of the manifest that was applied last', () => {
  const [first, second, third] = linesOf('one');
  const lines = ['both', 'again', 'gone', 'back'].map(
    (name) => placeOf(policy('one'), at(name), state)?.line,
  );
  expect(lines).toEqual([first, second, second, third]);
  expect(placeOf(policy('two'), at('gone'), state)).toBeUndefined();
  expect(placeOf(policy('three'), at('back'), state)).toBeUndefined();
});

test('meant to hold for nobody is what a step that says so has applied last', () => {
  const idle = (name: string) => [...meantIdle(at(name), state)];
  expect(idle('both')).toEqual(['AuthorizationPolicy foo/one', 'AuthorizationPolicy foo/two']);
  expect(idle('again')).toEqual(['AuthorizationPolicy foo/two']);
  expect(idle('gone')).toEqual([]);
});

test('whoever asks for more gets the place and the step with each object', () => {
  const placed = placedObjects(at('again'), state).map(({ object, place, step }) => [
    object.metadata.name,
    place.line,
    step.name,
  ]);
  expect(placed).toEqual([
    ['one', linesOf('one')[1], 'again'],
    ['two', linesOf('two')[0], 'both'],
  ]);
});
