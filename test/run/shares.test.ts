/** Scenarios that meshes alike share: each runs once, and what becomes of a mesh is seen. */
import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import { FakeTarget } from '../support/fake-target.ts';
import { outline, run, scenarioSource, sendStep } from './support.ts';

describe('a run on meshes that share', () => {
  const many = (name: string, count = 40) =>
    scenarioSource(
      name,
      Array.from({ length: count }, (_, index) => sendStep(`s${index}`, '[200, 200]')).join(''),
    );
  const sources = ['one', 'two', 'three', 'four'].map((name) => many(name));

  /** A target of which there can be more. */
  class Shared extends FakeTarget {
    readonly made: FakeTarget[] = [];
    readonly numbers: number[] = [];
    prepareOther: (other: FakeTarget) => void = () => {};
    another(number: number): FakeTarget {
      const other = new FakeTarget();
      this.prepareOther(other);
      this.numbers.push(number);
      this.made.push(other);
      return other;
    }
  }
  const scenariosOf = ({ calls }: FakeTarget) => calls.flatMap((call) => /^undo (.*)/.exec(call)?.[1] ?? []);

  test('runs each scenario on one of them, and tells it as one mesh', async () => {
    const target = new Shared();
    const { exitCode, events, checks } = await run(sources, { target, sharing: () => 2 });
    expect(exitCode).toBe(0);
    expect(checks).toHaveLength(4 * 40 * 2);
    expect(target.numbers).toEqual([2]);
    const [other] = target.made;
    const [own, others] = [scenariosOf(target), scenariosOf(other!)];
    expect([...own, ...others].sort()).toEqual(['four', 'one', 'three', 'two']);
    expect(Math.min(own.length, others.length)).toBeGreaterThan(0);
    const lines = outline(events);
    for (const once of ['mesh-ready', 'planned'])
      expect(lines.filter((line) => line === once)).toHaveLength(1);
    for (const each of [target, other!]) expect(each.calls.filter((call) => call === 'down')).toHaveLength(1);
  });

  test('sets up no other one where it is alone, or there is little to do', async () => {
    const [alone, few] = [new Shared(), new Shared()];
    expect((await run(sources, { target: alone })).exitCode).toBe(0);
    expect((await run([many('few', 20)], { target: few, sharing: () => 4 })).exitCode).toBe(0);
    expect([...alone.made, ...few.made]).toEqual([]);
  });

  test('runs all of them on the first one when no other can be had, and says so', async () => {
    const target = new Shared();
    target.prepareOther = (other) => {
      other.before = (method) => {
        if (method === 'up') throw new HarnessError('E_CLUSTER', 'there is no memory');
      };
    };
    const { exitCode, events } = await run(sources, { target, sharing: () => 2 });
    expect(exitCode).toBe(0);
    expect(scenariosOf(target)).toEqual(['one', 'two', 'three', 'four']);
    expect(events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))).toEqual([
      'one more mesh could not be started, and its scenarios run on those that are there: there is no memory',
    ]);
  });

  test('goes on where another one ends meanwhile, and says that it has', async () => {
    const target = new Shared();
    target.prepareOther = (other) => {
      other.before = (method) => {
        if (method === 'begin') throw new HarnessError('E_CLUSTER', 'etcd was ended by SIGKILL');
      };
    };
    const { exitCode, events, checks } = await run(sources, { target, sharing: () => 2 });
    expect(exitCode).toBe(4);
    expect(scenariosOf(target)).toEqual(['one', 'two', 'three', 'four']);
    expect(checks).toHaveLength(4 * 40 * 2);
    expect(checks.every(({ state }) => state === 'passed')).toBe(true);
    expect(events.at(-1)).toMatchObject({ problem: { message: 'etcd was ended by SIGKILL' } });
    expect(target.made[0]?.calls.at(-1)).toBe('down');
  });
});
