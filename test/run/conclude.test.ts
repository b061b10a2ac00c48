/** What is said, and what runs besides, when the scenarios of a mesh have run. */
import { expect, test } from 'vitest';
import type { PlannedGroup } from '../../src/plan/types.ts';
import { FakeTarget } from '../support/fake-target.ts';
import { run, scenarioSource, sendStep } from './support.ts';

const another = (groups: readonly PlannedGroup[]): PlannedGroup[] =>
  groups.map((group) => ({
    ...group,
    scenarios: group.scenarios.map((each) => ({ ...each, info: { ...each.info, id: `${each.info.id}~1` } })),
  }));

test('it comes after the scenarios, and what it wants to run is a part of the run', async () => {
  const mutation = { noticed: 1, survived: 0, equivalent: 0, undecided: 0, survivors: [] };
  const { events, exitCode } = await run([scenarioSource('x', sendStep('s'))], {
    conclude: async (groups, emit) => {
      emit({ type: 'mutated', mesh: 'fake mesh', scenario: 'x', mutation });
      return another(groups);
    },
  });
  expect(exitCode).toBe(0);
  const told = events.flatMap((event) =>
    event.type === 'scenario-finished' || event.type === 'mutated' ? [`${event.type} ${event.scenario}`] : [],
  );
  expect(told).toEqual(['scenario-finished x', 'mutated x', 'scenario-finished x~1']);
  expect(events.at(-1)).toMatchObject({ type: 'run-finished', counts: { passed: 4 } });
});

test('what fails then makes the run fail, and what is thrown is no verdict', async () => {
  const target = new FakeTarget();
  target.answer = () => (target.calls.some((call) => call.startsWith('undo')) ? 500 : 200);
  const source = scenarioSource('x', sendStep('s'));
  const failing = await run([source], { target, conclude: async (groups) => another(groups) });
  expect(failing.exitCode).toBe(1);
  const broken = await run([source], {
    conclude: async () => {
      throw new Error('the model is broken');
    },
  });
  expect(broken.exitCode).toBe(4);
});
