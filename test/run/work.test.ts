/** Scenarios that meshes take one by one: each is taken once, and no mesh is changed more often than it is worth. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PlannedGroup } from '../../src/plan/types.ts';
import { Mesh } from '../../src/run/run-mesh.ts';
import { meshesWorth, Work } from '../../src/run/work.ts';
import { FakeTarget } from '../support/fake-target.ts';

describe('work', () => {
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
  const meshes = Array.from({ length: 6 }, () => new Mesh(new FakeTarget(), undefined));

  /** Lets meshes take scenarios, whoever comes next by `turns`. @returns for each mesh what it did, and in which groups */
  function worked(groups: readonly PlannedGroup[], count: number, turns: readonly number[]) {
    const work = new Work(groups, meshes[0]!);
    const now: (PlannedGroup | undefined)[] = [];
    const did = meshes.slice(0, count).map(() => ({ groups: [] as PlannedGroup[], ids: [] as string[] }));
    const idle = new Set<number>();
    for (let turn = 0; idle.size < count; turn++) {
      const index = (turns[turn % turns.length] ?? 0) % count;
      const which = idle.has(index) ? [...did.keys()].find((each) => !idle.has(each))! : index;
      let group = now[which];
      const taken = group && work.take(group);
      if (taken !== undefined) {
        did[which]!.ids.push(taken.info.id);
        continue;
      }
      group = work.next(meshes[which]!);
      now[which] = group;
      if (group === undefined) idle.add(which);
      else did[which]!.groups.push(group);
    }
    return did;
  }

  test('is done by one mesh in its order, and by many each scenario once, in as few states as possible', () => {
    const scenario = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.boolean());
    const lengths = fc.array(fc.array(scenario, { minLength: 1, maxLength: 20 }), { maxLength: 12 });
    const turns = fc.array(fc.nat(5), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 6 }), turns, (given, count, order) => {
        const groups = groupsOf(given);
        const did = worked(groups, count, order);
        if (count === 1) expect(did[0]).toEqual({ groups, ids: idsOf(groups) });
        expect(did.flatMap(({ ids }) => ids).sort()).toEqual(idsOf(groups).sort());
        // Nobody changes a mesh for a group twice, or joins others for what is not worth it.
        for (const { groups: own } of did) expect(new Set(own).size).toBe(own.length);
        const changes = did.reduce((sum, each) => sum + each.groups.length, 0);
        expect(changes).toBeLessThanOrEqual(groups.length + count * groups.filter(isLong).length);
      }),
    );
  });

  const isLong = ({ scenarios }: PlannedGroup) =>
    scenarios.reduce((sum, { steps, skip }) => sum + (skip === undefined ? steps.length * 6 : 0), 0) >= 60;

  test('is begun by the first mesh at its front and by others at its back; then all do where most is left', () => {
    const groups = groupsOf([
      Array.from({ length: 5 }, () => [10, false] as const),
      [[2, false]],
      [[30, false]],
    ]);
    const work = new Work(groups, meshes[0]!);
    const next = (mesh: number) => groups.indexOf(work.next(meshes[mesh]!)!);
    expect([next(0), next(1), next(2)]).toEqual([0, 2, 1]);
    expect(groups.map((group) => work.take(group)?.info.id)).toEqual(['0-0', '2-0', '1-0'].sort());
    expect([next(1), next(2)]).toEqual([0, 0]);
    work.take(groups[0]!);
    expect(work.takeAll(groups[0]!).map(({ info }) => info.id)).toEqual(['0-2', '0-3', '0-4']);
    expect(next(0)).toBe(-1);
  });

  test('that others have begun is left to them where it would not be worth a change', () => {
    const groups = groupsOf([
      [
        [1, false],
        [9, false],
      ],
    ]);
    const work = new Work(groups, meshes[0]!);
    expect(work.next(meshes[0]!)).toBe(groups[0]);
    expect(work.next(meshes[1]!)).toBe(groups[0]);
    work.take(groups[0]!);
    expect(work.next(meshes[1]!)).toBeUndefined();
  });

  test('is worth as many meshes as take longer for it than to start', () => {
    const ten = groupsOf([Array.from({ length: 10 }, () => [10, false] as const)]);
    const skipped = groupsOf([Array.from({ length: 10 }, () => [10, true] as const)]);
    expect(meshesWorth(ten, 8)).toBe(1);
    expect(meshesWorth([...ten, ...ten, ...skipped], 8)).toBe(2);
    expect(meshesWorth([...ten, ...ten, ...ten, ...ten], 3)).toBe(3);
    expect(meshesWorth([], 3)).toBe(1);
  });
});
