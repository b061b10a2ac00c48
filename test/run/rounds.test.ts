/** Rounds on a mesh that stays up: each is a whole run to reports. */
import { expect, test } from 'vitest';
import type { Event } from '../../src/base/events.ts';
import { plan } from '../../src/plan/plan.ts';
import { KeyRing } from '../../src/run/keys/key-ring.ts';
import { type RoundRequest, runRound } from '../../src/run/run-all.ts';
import { meshesOf } from '../../src/run/run-mesh.ts';
import { scenarioOf } from '../scenario/support.ts';
import { FakeTarget } from '../support/fake-target.ts';
import { outline, scenarioSource, sendStep } from './support.ts';

function rounds(target: FakeTarget) {
  const meshes = meshesOf([target]);
  const keys = new KeyRing('abc123');
  return async (sources: readonly string[], more: Partial<RoundRequest> = {}) => {
    const events: Event[] = [];
    const scenarios = sources.map((source, index) => scenarioOf(source, 'documented', `file-${index}.yaml`));
    const exitCode = await runRound(meshes, {
      version: '0.0.0',
      plan: (facts, missing) => plan(scenarios, facts, missing, { canSwitchFetch: true }).groups,
      options: {
        runId: 'abc123',
        artifacts: '/nowhere',
        images: {},
        showTokens: false,
        consecutive: 3,
        answersMs: 100,
        holdMs: 300,
      },
      keys,
      failFast: false,
      emit: (event) => events.push(event),
      signal: new AbortController().signal,
      ...more,
    });
    return { events, exitCode };
  };
}
const plain = scenarioSource('plain', sendStep('s'));
const modes = scenarioSource('modes', sendStep('s'), 'mesh: { fetch: [istiod, envoy] }');
const callsOf = (target: FakeTarget, ...names: string[]) =>
  target.calls.filter((call) => names.includes(call.split(' ')[0] ?? ''));

test('the mesh is set up and begun once, and each round says what it is', async () => {
  const target = new FakeTarget();
  const round = rounds(target);
  const first = await round([plain]);
  const second = await round([plain]);
  expect(callsOf(target, 'up', 'begin', 'down')).toEqual(['up', 'begin']);
  expect(outline(second.events)).toEqual(outline(first.events));
  expect(outline(second.events).slice(0, 3)).toEqual(['run-started', 'mesh-ready', 'planned']);
});

test('a round begins in the fetch mode that the one before has left, and what needs none gets the first one', async () => {
  const target = new FakeTarget();
  const round = rounds(target);
  await round([modes]);
  await round([modes]);
  expect(callsOf(target, 'setIstiod')).toEqual([
    'setIstiod istiod',
    'setIstiod envoy',
    'setIstiod envoy',
    'setIstiod istiod',
  ]);
  target.mode = 'envoy';
  await round([plain]);
  expect(target.mode).toBe('istiod');
});

test('applications are applied again before anything is run, and not before the mesh is up', async () => {
  const target = new FakeTarget();
  const round = rounds(target);
  await round([plain], { reload: ['httpbin'] });
  expect(callsOf(target, 'reload')).toEqual([]);
  const before = target.calls.length;
  await round([plain], { reload: ['httpbin'] });
  expect(target.calls[before]).toBe('reload httpbin');
});

test('a round that is cut short undoes its scenario, ends no change of the mesh, and leaves it up', async () => {
  const target = new FakeTarget();
  const cut = new AbortController();
  let wasAborted: boolean | undefined;
  target.before = (method, signal) => {
    if (method === 'setIstiod') {
      cut.abort('saved');
      wasAborted = signal?.aborted;
    }
  };
  const round = rounds(target);
  const { events, exitCode } = await round([modes], { cut: cut.signal });
  expect(exitCode).toBe(130);
  expect(wasAborted).toBe(false);
  expect(events.at(-1)).toMatchObject({ type: 'run-finished', interrupted: true });
  expect(callsOf(target, 'setIstiod', 'send', 'down')).toEqual(['setIstiod istiod']);
  target.before = () => {};
  expect((await round([plain])).exitCode).toBe(0);
});
