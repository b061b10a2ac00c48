/** What is said of mistakes in policies, in reports and by `mutate`. */
import type { Mutation } from '../base/events.ts';

type Survivor = Mutation['survivors'][number];

/** `8 of 9 mistakes noticed`. */
export function mutationScore({ noticed, survived }: Pick<Mutation, 'noticed' | 'survived'>): string {
  const all = noticed + survived;
  return all === 0 ? 'no mistakes to notice' : `${noticed} of ${all} mistakes noticed`;
}

/** The policy and what was changed in it. */
export function mistakeText({ policy, change }: Pick<Survivor, 'policy' | 'change'>): string {
  return `${policy}, ${change}`;
}

/** The request that would notice it, and what is answered. */
export function witnessText({
  request,
  answer,
  mistaken,
}: Pick<Survivor, 'request' | 'answer' | 'mistaken'>): string {
  return `${request}: ${answer}; with the mistake: ${mistaken}`;
}
