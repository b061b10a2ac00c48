/** A scenario that notices as many mistakes in its policies as it can. */
import { shellQuote } from '../../base/names.ts';
import type { JudgedMutant } from '../../mutate/judge.ts';
import type { Mutant } from '../../mutate/operators.ts';
import { mistakeText, witnessText } from '../../report/mutation.ts';
import type { Plan } from '../first-plan.ts';
import { type Written, writeScenario } from '../write/write.ts';
import type { Extra } from './more-requests.ts';

/**
 * What becomes of mistakes in the policies of a scenario.
 *
 * @param text of its file
 * @param isWanted mistakes to look at
 * @returns undefined when no scenario can be like that, such as one that is too large
 */
export type Judge = (
  text: string,
  isWanted: (mutant: Mutant) => boolean,
) => Promise<readonly JudgedMutant[] | undefined>;

/** How often the requests that would notice more are added. */
const rounds = 2;
/** To look at all mistakes in more policies takes minutes. */
const mostPolicies = 10;

/**
 * Writes the scenario, and then anew with the requests that would notice what it does not notice. What is left is named in its
 * notes.
 *
 * @param where what the policies were read from, in words
 * @param file under which it is going to be saved, for the commands in its comments
 */
export async function writeNoticing(plan: Plan, where: string, file: string, judge: Judge): Promise<Written> {
  if (plan.policies.length > mostPolicies) {
    const line = `of more than ${mostPolicies} policies it is not looked at which mistakes in them the checks would miss: "jwt-e2e mutate ${shellQuote(file)}" says it`;
    return writeScenario(plan, where, file, [], [line]);
  }
  let found: ReadonlyMap<string, Extra> = new Map();
  let written = writeScenario(plan, where, file);
  let missed = survivors(await judge(written.text, () => true));
  for (let round = 0; round < rounds && missed.length > 0; round++) {
    // What is not noticed the first time needs all of the request.
    const isWhole = round > 0;
    const more = missed.map(
      ({ sent, isReceived }) => [`${isWhole} ${sent.words}`, { sent, isWhole, isTold: isReceived }] as const,
    );
    const all = new Map([...found, ...more]);
    const larger = writeScenario(plan, where, file, [...all.values()]);
    const left = new Set(missed.map(({ mutant }) => mistakeText(mutant)));
    const judged = await judge(larger.text, (mutant) => left.has(mistakeText(mutant)));
    if (judged === undefined) break;
    [found, written, missed] = [all, larger, survivors(judged)];
  }
  if (missed.length === 0) return written;
  const lines = missed.map(
    ({ mutant, witness }) =>
      `no check here notices this mistake: ${mistakeText(mutant)} (${witnessText(witness)})`,
  );
  return writeScenario(plan, where, file, [...found.values()], lines);
}

function survivors(mutants: readonly JudgedMutant[] = []) {
  return mutants.flatMap(({ mutant, verdict }) =>
    verdict.kind === 'survived' ? [{ mutant, ...verdict }] : [],
  );
}
