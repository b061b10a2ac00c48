import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkCount, emptyShard, nothingMatches, takeShard } from '../../src/plan/select.ts';
import type { PlannedScenario } from '../../src/plan/types.ts';
import { checksOf, idsOf, planOf, scenario, step } from './support.ts';

const rows = (count: number) => Array.from({ length: count }, (_, i) => `/path-${i}: [200, 401]`);

describe('profile and tags', () => {
  const all = [
    scenario('a', step('first', rows(1)), 'tags: [slow, gateway]'),
    scenario('b', step('first', rows(1)), 'tags: [slow]', 'extended'),
    scenario('c', step('first', rows(1)), '', 'custom'),
  ];
  test.each([
    [{}, ['a', 'b', 'c']],
    [{ profile: 'all' }, ['a', 'b', 'c']],
    [{ profile: 'documented' }, ['a']],
    [{ tags: ['slow'] }, ['a', 'b']],
    [{ tags: ['gateway', 'none'] }, ['a']],
    [{ skipTags: ['gateway'] }, ['b', 'c']],
    [{ tags: ['slow'], skipTags: ['gateway'], profile: 'extended' }, ['b']],
  ])('%j gives %j', (options, ids) => {
    expect(idsOf(planOf(all, options).scenarios)).toEqual(ids);
  });
});

describe('grep', () => {
  const refusing = `  - name: refuses
    apply: [{ apiVersion: v1, kind: Service, metadata: { name: a } }]
    refused: { message: no }
`;
  const accepting = refusing.replace('refuses', 'accepts').replace('no }', 'no, when: { istio: "<1" } }');
  const all = [
    scenario('one', step('before', rows(2)) + refusing + accepting + step('after', ['/ip: [200, 401]'])),
    scenario('two', step('before', rows(1)), 'mesh: { fetch: [istiod, envoy] }'),
  ];
  const found = (grep: string) => checksOf(planOf(all, { grep }).scenarios);

  test('takes the whole scenario by name, mode or title, without regard to capitals', () => {
    expect(found('ONE')).toHaveLength(8);
    expect(found('title of t')).toHaveLength(4);
    expect(found('two@envoy')).toEqual([
      'two@envoy/before//path-0/no token',
      'two@envoy/before//path-0/valid',
    ]);
    expect(found('')).toHaveLength(12);
    expect(found('nothing like it')).toEqual([]);
  });

  test('takes steps and checks, and nothing after the last of them', () => {
    expect(found('path-1/VALID')).toEqual(['one/before//path-1/valid']);
    expect(idsOf(planOf(all, { grep: 'path-1' }).scenarios)).toEqual(['one']);
    expect(planOf(all, { grep: 'path-1' }).scenarios[0]?.steps).toHaveLength(1);
    expect(found('refuses')).toEqual(['one/refuses/Service a/apply']);
  });

  test('keeps what earlier steps apply, except what is to be refused', () => {
    const [planned] = planOf(all, { grep: '/ip/' }).scenarios;
    expect(planned?.steps.map(({ name, apply, checks }) => [name, apply.length, checks.length])).toEqual([
      ['before', 0, 0],
      ['refuses', 0, 0],
      ['accepts', 1, 0],
      ['after', 0, 2],
    ]);
  });
});

test('grep for the check of a refusal keeps what is to be refused', () => {
  const steps = `  - name: refuses
    apply: [{ apiVersion: v1, kind: Service, metadata: { name: a } }]
    refused: { message: no }
    fetched: { from: keys, by: nobody }
`;
  const loaded = scenario('one', steps, 'keyServers: { keys: { serves: sample } }');
  const applied = (grep: string) =>
    planOf([loaded], { grep }).scenarios[0]!.steps.map(({ apply, checks }) => [apply.length, checks.length]);
  expect(applied('/Service a/')).toEqual([[1, 1]]);
  expect(applied('/fetched by')).toEqual([[0, 1]]);
  expect(applied('refuses')).toEqual([[1, 2]]);
});

describe('shards', () => {
  test('may be more than there are scenarios, and more than fit into the memory', () => {
    const planned = planOf([scenario('a', step('first', rows(1)))]).scenarios;
    const count = Number.MAX_SAFE_INTEGER;
    expect(idsOf(takeShard(planned, { index: 1, count }))).toEqual(['a']);
    expect(takeShard(planned, { index: count, count })).toEqual([]);
  });

  const all = [5, 1, 3, 3, 2, 8, 1].map((size, index) => scenario(`s${index}`, step('first', rows(size))));

  test('have every check exactly once, in the order of the whole', () => {
    const whole = checksOf(planOf(all).scenarios);
    const shards = [1, 2, 3].map((index) => checksOf(planOf(all, { shard: { index, count: 3 } }).scenarios));
    expect(shards.flat().toSorted()).toEqual(whole.toSorted());
    for (const shard of shards) expect(shard).toEqual(whole.filter((id) => shard.includes(id)));
    expect(shards.map(({ length }) => length)).toEqual([16, 16, 14]);
  });

  test('spread scenarios without checks as well', () => {
    const planned = ['a', 'b', 'c', 'd'].map((id) => ({
      info: { id },
      steps: [{ checks: [] }],
    })) as unknown as PlannedScenario[];
    const shards = [1, 2].map((index) => idsOf(takeShard(planned, { index, count: 2 })));
    expect(shards).toEqual([
      ['a', 'c'],
      ['b', 'd'],
    ]);
  });

  test('are a partition, about equal, and the same whatever the order, for any scenarios', () => {
    const sizes = fc.array(fc.nat(30), { maxLength: 20 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 6 }), (counts, count) => {
        const planned = counts.map((size, index) => ({
          info: { id: `s${index}` },
          steps: [{ checks: Array.from({ length: size }) }],
        })) as unknown as PlannedScenario[];
        const indexes = Array.from({ length: count }, (_, i) => i + 1);
        const shards = indexes.map((index) => takeShard(planned, { index, count }));
        expect(idsOf(shards.flat()).toSorted()).toEqual(idsOf(planned).toSorted());
        const reversed = indexes.map((index) => takeShard(planned.toReversed(), { index, count }));
        expect(reversed.map((shard) => idsOf(shard).toSorted())).toEqual(
          shards.map((shard) => idsOf(shard).toSorted()),
        );
        const loads = shards.map((shard) =>
          shard.reduce((sum, each) => sum + Math.max(1, checkCount(each)), 0),
        );
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(Math.max(1, ...counts));
      }),
    );
  });

  test.each([
    [0, 3],
    [4, 3],
    [1, 0],
    [1.5, 3],
    [1, Number.NaN],
  ])('%d of %d is refused', (index, count) => {
    expect(() => planOf(all, { shard: { index, count } })).toThrow(
      expect.objectContaining({
        code: 'E_USAGE',
        message: `there is no shard ${index}/${count}`,
        hint: expect.stringContaining('1/3'),
      }),
    );
  });
});

test('a selection that leaves nothing is an error that names what selects', () => {
  const { code, message, hint } = nothingMatches();
  expect([code, message]).toEqual(['E_USAGE', 'no scenario matches what was asked for']);
  for (const flag of ['--grep', '--tag', '--skip-tag', '--profile', '--shard']) expect(hint).toContain(flag);
});

test.each([
  [1, 'shard 2/3 is empty: there is one scenario to share', 'Use at most one shard.'],
  [2, 'shard 2/3 is empty: there are 2 scenarios to share', 'Use at most 2 shards.'],
])('more shards than scenarios, which are %d, are an error', (scenarios, message, hint) => {
  expect(emptyShard({ index: 2, count: 3 }, scenarios)).toMatchObject({ code: 'E_USAGE', message, hint });
});

test('scenarios of one size are shared by their names, whatever their order', () => {
  const planned = ['b', 'a', 'd', 'c'].map((id) => ({
    info: { id },
    steps: [{ checks: [1] }],
  })) as unknown as PlannedScenario[];
  expect(idsOf(takeShard(planned, { index: 1, count: 2 }))).toEqual(['a', 'c']);
});
