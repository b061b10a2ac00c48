/** What every result of a check has, whatever came of it. */
import { expect, test } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import type { PlannedCheck, PlannedScenario, PlannedStep } from '../../src/plan/types.ts';
import { resultBase, withoutVerdict } from '../../src/run/results.ts';
import { planOf } from '../plan/support.ts';
import { scenarioOf } from '../scenario/support.ts';
import { applyAuthorization, scenarioSource, sendStep } from './support.ts';

const source = scenarioSource(
  'all',
  [
    `${sendStep('fetch', '[[{ code: 403, finding: istio/istio#1 }], 200]')}    fetched: { from: outside, by: { istiod: istiod, envoy: nobody } }\n`,
    `  - name: refuse\n${applyAuthorization}    refused: { message: must be set }\n`,
  ].join(''),
  'mesh: { fetch: [istiod, envoy] }\nkeyServers: { outside: { serves: sample } }',
);
const [one, other] = planOf([scenarioOf(source)]).scenarios as readonly [PlannedScenario, PlannedScenario];

/** The check of this kind that comes first in a scenario, with its step. */
function found(scenario: PlannedScenario, kind: PlannedCheck['kind']) {
  const all = scenario.steps.flatMap((step) => step.checks.map((check) => ({ scenario, step, check })));
  return all.find(({ check }) => check.kind === kind) as {
    scenario: PlannedScenario;
    step: PlannedStep;
    check: PlannedCheck;
  };
}
const baseOf = (scenario: PlannedScenario, kind: PlannedCheck['kind']) => {
  const { step, check } = found(scenario, kind);
  return resultBase(scenario, step, check);
};

test('a result says which check it is of, and where in the file and in its source that stands', () => {
  const { step, check } = found(one, 'request');
  expect(baseOf(one, 'request')).toEqual({
    id: 'all@istiod/fetch//headers/no token',
    kind: 'request',
    scenario: 'all@istiod',
    fetch: 'istiod',
    step: 'fetch',
    row: '/headers',
    column: 'no token',
    source: step.source,
    place: check.place,
    expected: '403',
    finding: 'istio/istio#1',
  });
  expect(step.source).toMatchObject({ document: 'FAQ', section: 'Sample' });
});

test('it says in words what is expected, by the kind of the check', () => {
  expect(baseOf(one, 'apply').expected).toBe('refused: must be set');
  expect(baseOf(one, 'fetched').expected).toBe('keys fetched by istiod');
  expect(baseOf(other, 'fetched').expected).toBe('keys fetched by nobody');
  const { step, check } = found(one, 'apply');
  const accepted = { ...check, refused: undefined } as PlannedCheck;
  expect(resultBase(one, step, accepted).expected).toBe('accepted');
});

test('a check that was skipped has the reason, and took no time', () => {
  const { scenario, step, check } = found(one, 'request');
  expect(withoutVerdict(scenario, step, check, 'skipped', 'not for this mesh')).toEqual({
    ...resultBase(scenario, step, check),
    state: 'skipped',
    message: 'not for this mesh',
    durationMs: 0,
  });
});

test('a check that an error has kept from a verdict has its code and what to do', () => {
  const { scenario, step, check } = found(one, 'request');
  const error = new HarnessError('E_KUBE', 'no answer', { hint: 'Is it up?' });
  expect(withoutVerdict(scenario, step, check, 'error', error)).toEqual({
    ...resultBase(scenario, step, check),
    state: 'error',
    message: 'no answer',
    hint: 'Is it up?',
    code: 'E_KUBE',
    durationMs: 0,
  });
});
