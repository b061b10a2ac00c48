/** What the documented scenarios notice, and why they do not notice the rest: a mistake that is new needs a reason. */
import { expect, test } from 'vitest';
import { forEachPlanned } from '../../src/cli/models/predictions.ts';
import { judgeScenario, type ScenarioScore } from '../../src/mutate/judge.ts';
import { tallyOf } from '../../src/mutate/scores.ts';
import { mutationScore } from '../../src/report/mutation.ts';
import { loadScenarios } from '../../src/scenario/load.ts';
import { partOf, table } from './generated.ts';
import { root } from './markdown.ts';

/** By what was changed: why the FAQ's tables do not show it. */
const reasons: readonly (readonly [RegExp, string])[] = [
  [
    /without its issuer$/,
    'the tables about keys have no token of another issuer; `request-authentication-alone` and `require-jwt` have one',
  ],
  [/\/productpage\* for/, 'the table has the excluded path and two others, of which none begins with it'],
  [
    /without its selector$/,
    'then the policy holds for the key server as well, to which the table sends no tokens',
  ],
];

async function scoresOf(profile: string): Promise<ScenarioScore[]> {
  const { scenarios, errors } = loadScenarios([`scenarios/${profile}`], { cwd: root });
  expect(errors).toEqual([]);
  const all: ScenarioScore[] = [];
  await forEachPlanned(scenarios, undefined, async (scenario, options) => {
    all.push(await judgeScenario(scenario, options));
  });
  return all.sort((one, other) => (one.scenario < other.scenario ? -1 : 1));
}

test('docs/mutation.md has the score of each documented scenario, and a reason for what is missing', {
  timeout: 120_000,
}, async () => {
  const all = await scoresOf('documented');
  const rows = all.map(({ scenario, mutants }) => {
    const missed = mutants.flatMap(({ mutant, verdict }) => {
      if (verdict.kind !== 'survived') return [];
      const what = `${mutant.policy}, ${mutant.change}`;
      return [`${what}: ${reasons.find(([pattern]) => pattern.test(what))?.[1] ?? 'no reason'}`];
    });
    return [`\`${scenario}\``, mutationScore(tallyOf(mutants)), [...new Set(missed)].join('; ')];
  });
  expect(rows.filter(([, , missed]) => missed?.includes('no reason'))).toEqual([]);
  const decided = all.flatMap(({ mutants }) => mutants).filter(({ verdict }) => verdict.kind === 'undecided');
  expect(decided).toEqual([]);
  const wanted = table(['Scenario', 'Score', 'What no check notices, and why'], rows);
  expect(partOf('docs/mutation.md', 'mutation', wanted)).toBe(wanted);
});

test('docs/mutation.md says how many mistakes the other profiles notice, which are 95 of 100 or more', {
  timeout: 240_000,
}, async () => {
  const mutants = new Map<string, ScenarioScore['mutants']>();
  for (const profile of ['extended', 'cve', 'asm'])
    mutants.set(
      profile,
      (await scoresOf(profile)).flatMap((score) => score.mutants),
    );
  const rows = [...mutants].map(([profile, own]) => [`\`${profile}\``, mutationScore(tallyOf(own))]);
  const wanted = table(['Profile', 'Score'], rows);
  expect(partOf('docs/mutation.md', 'mutation of other profiles', wanted)).toBe(wanted);
  const whole = tallyOf([...mutants.values()].flat());
  expect(whole.noticed / (whole.noticed + whole.survived)).toBeGreaterThanOrEqual(0.95);
});
