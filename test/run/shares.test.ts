/** Scenarios that are divided among meshes alike: each runs once, and what becomes of a mesh is seen. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import type { PlannedGroup } from '../../src/plan/types.ts';
import { sharesOf } from '../../src/run/shares.ts';
import { FakeTarget } from '../support/fake-target.ts';
import { outline, run, scenarioSource, sendStep } from './support.ts';

describe('shares', () => {
  const groupsOf = (lengths: readonly (readonly (readonly [number, boolean])[])[]) =>
    lengths.map(
      (group, index) =>
        ({
          fetch: undefined,
          settings: { config: {}, variables: { GROUP: String(index) } },
          scenarios: group.map(([steps, isSkipped], at) => ({
            info: { id: `${index}-${at}` },
            steps: Array.from({ length: steps }, () => ({ checks: [1] })),
            skip: isSkipped ? 'not here' : undefined,
          })),
        }) as unknown as PlannedGroup,
    );
  const idsOf = (groups: readonly PlannedGroup[]) =>
    groups.flatMap(({ scenarios }) => scenarios.map(({ info }) => info.id));
  const lengthOf = (groups: readonly PlannedGroup[]) =>
    groups
      .flatMap(({ scenarios }) => scenarios)
      .reduce((sum, { skip, steps }) => sum + (skip === undefined ? steps.length * 6 : 0), 0);

  test('have every scenario once, in its order and its group, and about as much to do', () => {
    const scenario = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.boolean());
    const lengths = fc.array(fc.array(scenario, { minLength: 1, maxLength: 20 }), { maxLength: 12 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 6 }), (given, most) => {
        const groups = groupsOf(given);
        const shares = sharesOf(groups, most);
        expect(shares.length).toBeLessThanOrEqual(most);
        expect(shares.flatMap(idsOf)).toEqual(idsOf(groups));
        for (const { scenarios, settings } of shares.flat()) {
          const [group] = new Set(scenarios.map(({ info }) => info.id.split('-')[0]));
          expect(settings.variables).toEqual({ GROUP: group });
        }
        if (shares.length === 1) return;
        const all = lengthOf(groups);
        expect(all / shares.length).toBeGreaterThanOrEqual(500);
        // A scenario is not divided, and has 30 steps at most.
        for (const [index, share] of shares.entries()) {
          const wanted = (all - 150) / shares.length + (index === 0 ? 150 : 0);
          expect(Math.abs(lengthOf(share) - wanted)).toBeLessThanOrEqual(180);
        }
      }),
    );
  });

  test('are none where a mesh would take longer than what it does', () => {
    const few = groupsOf([Array.from({ length: 16 }, () => [10, false] as const)]);
    expect(sharesOf(few, 8)).toEqual([few]);
  });
});

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
    expect([scenariosOf(target), scenariosOf(other!)]).toEqual([
      ['one', 'two'],
      ['three', 'four'],
    ]);
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
      'another mesh could not be started, and its scenarios run after the others on the first one: there is no memory',
    ]);
  });

  test('has no verdict where another one ends meanwhile, and the first one goes on', async () => {
    const target = new Shared();
    target.prepareOther = (other) => {
      other.before = (method) => {
        if (method === 'begin') throw new HarnessError('E_CLUSTER', 'etcd was ended by SIGKILL');
      };
    };
    const { exitCode, events, checks } = await run(sources, { target, sharing: () => 2 });
    expect(exitCode).toBe(4);
    expect(scenariosOf(target)).toEqual(['one', 'two']);
    expect(checks.every(({ state }) => state === 'passed')).toBe(true);
    expect(events.at(-1)).toMatchObject({ problem: { message: 'etcd was ended by SIGKILL' } });
    expect(target.made[0]?.calls.at(-1)).toBe('down');
  });
});
