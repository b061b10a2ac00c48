/** A run that stops after a scenario that failed, with everything in place. */
import { expect, test } from 'vitest';
import type { Event } from '../../src/base/events.ts';
import { FakeTarget } from '../support/fake-target.ts';
import { run, scenarioSource, sendStep } from './support.ts';

const typesOf = (events: readonly Event[]) => events.map(({ type }) => type);

test('before it is undone, with what looks into the mesh; then the run goes on', async () => {
  const target = new FakeTarget();
  target.answer = ({ url }) => (url.includes('/first') ? 500 : 200);
  const seen: string[][] = [];
  const first = sendStep('s').replaceAll('/headers', '/first');
  const { events } = await run([scenarioSource('a', first), scenarioSource('b', sendStep('s'))], {
    target,
    options: { pause: async () => void seen.push([...target.calls]) },
  });
  expect(seen).toHaveLength(1);
  expect(seen[0]?.some((call) => call.startsWith('undo'))).toBe(false);
  const paused = events.find((event) => event.type === 'paused');
  expect(paused).toMatchObject({ scenario: 'a', look: ['look at foo/httpbin-1'] });
  const types = typesOf(events);
  expect(types.indexOf('resumed')).toBeLessThan(types.indexOf('scenario-finished'));
  expect(types.filter((type) => type === 'scenario-finished')).toHaveLength(2);
});

test('also when a step could not be carried out, and not when all is well', async () => {
  const pauses: string[] = [];
  const options = { pause: async () => void pauses.push('paused') };
  await run([scenarioSource('a', sendStep('s'))], { options });
  expect(pauses).toEqual([]);
  const target = new FakeTarget();
  target.before = (method) => {
    if (method === 'send') throw new Error('the pod is gone');
  };
  await run([scenarioSource('a', sendStep('s'))], { target, options });
  expect(pauses).toHaveLength(1);
});

test('what goes wrong while it waits does not keep the scenario from being undone', async () => {
  const target = new FakeTarget();
  target.answer = () => 500;
  const pause = async () => {
    throw new Error('the terminal is gone');
  };
  const { exitCode } = await run([scenarioSource('a', sendStep('s'))], { target, options: { pause } });
  expect(exitCode).toBe(1);
  expect(target.calls.some((call) => call.startsWith('undo'))).toBe(true);
});
