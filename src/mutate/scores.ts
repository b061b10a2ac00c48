/** What is said about mistakes in policies, for people and for programs. */
import { formatPlace } from '../base/errors.ts';
import type { Mutation } from '../base/events.ts';
import { mistakeText, mutationScore, witnessText } from '../report/mutation.ts';
import type { JudgedMutant, ScenarioScore, Verdict } from './judge.ts';

/** How many mistakes there are of each kind. */
type Tally = Omit<Mutation, 'survivors'>;

export function tallyOf(mutants: readonly JudgedMutant[]): Tally {
  const count = (kind: Verdict['kind']) => mutants.filter(({ verdict }) => verdict.kind === kind).length;
  return {
    noticed: count('noticed'),
    survived: count('survived'),
    equivalent: count('equivalent'),
    undecided: count('undecided'),
  };
}

/** @returns in percent, rounded down, so that only all is 100; 100 also when there is nothing to notice */
export function percentOf({ noticed, survived }: Tally): number {
  const all = noticed + survived;
  return all === 0 ? 100 : Math.floor((noticed / all) * 100);
}

/** The score of a scenario, then what no check notices, then what is not counted. */
export function scenarioText({ scenario, mutants, blind, idle }: ScenarioScore): string {
  const tally = tallyOf(mutants);
  const beyond = new Set(
    mutants.flatMap(({ verdict }) => (verdict.kind === 'equivalent' ? verdict.beyond : [])),
  );
  const lines = [`${scenario}: ${mutationScore(tally)}`];
  lines.push(...idle.map((each) => `  ${each}`));
  for (const each of mutants) lines.push(...mutantLines(each));
  if (tally.equivalent > 0)
    lines.push(
      `  not counted: ${tally.equivalent}, which change no answer to any request that can be sent here`,
    );
  if (beyond.size > 0)
    lines.push(`    no request reaches ${[...beyond].join(', ')}, so what policies do there is not seen`);
  if (blind.length > 0)
    lines.push(
      `  ${blind.length === 1 ? '1 check notices' : `${blind.length} checks notice`} nothing, as the policies say something else than ${blind.length === 1 ? 'it expects' : 'they expect'}: ${blind.join(', ')}`,
    );
  return lines.join('\n');
}

function mutantLines({ mutant, place, verdict }: JudgedMutant): string[] {
  const what = `  ${formatPlace(place)}: ${mistakeText(mutant)}`;
  if (verdict.kind === 'survived')
    return [`${what}: no check notices it`, `    ${witnessText(verdict.witness)}`];
  return verdict.kind === 'undecided' ? [`${what}: not decided, not counted: ${verdict.why}`] : [];
}

/** All scenarios together, in one line. */
export function totalText(scores: readonly ScenarioScore[]): string {
  const tally = tallyOf(scores.flatMap(({ mutants }) => mutants));
  const { equivalent, undecided } = tally;
  const more = undecided === 0 ? '' : `, ${undecided} not decided`;
  return `${mutationScore(tally)} (${percentOf(tally)} %), ${equivalent} change nothing${more}`;
}

/** As events have it. */
export function mutationOf(mutants: readonly JudgedMutant[]): Mutation {
  const survivors = mutants.flatMap(({ mutant: { policy, change }, place, verdict }) =>
    verdict.kind === 'survived' ? [{ policy, change, place, ...verdict.witness }] : [],
  );
  return { ...tallyOf(mutants), survivors };
}

/** As `mutate --json` prints it. */
export function scoresJson(scores: readonly ScenarioScore[]): object {
  const counts = (mutants: readonly JudgedMutant[]) => {
    const tally = tallyOf(mutants);
    return { ...tally, percent: percentOf(tally) };
  };
  return {
    ...counts(scores.flatMap(({ mutants }) => mutants)),
    scenarios: scores.map(({ scenario, place, mutants, blind, idle }) => ({
      scenario,
      file: place.file,
      ...counts(mutants),
      blind,
      idle,
      mutants: mutants.map(({ mutant: { policy, change }, place, verdict }) => ({
        policy,
        change,
        place,
        ...verdictJson(verdict),
      })),
    })),
  };
}

function verdictJson(verdict: Verdict): object {
  if (verdict.kind === 'noticed')
    return { kind: verdict.kind, step: verdict.step.name, by: verdict.by.check.id };
  return verdict.kind === 'survived' ? { ...verdict, sent: undefined } : verdict;
}
