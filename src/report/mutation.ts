/** What reports say of mistakes in policies. */
import type { Mutation } from '../events.ts';

/** `8 of 9 mistakes noticed`. */
export function mutationScore({ noticed, survived }: Pick<Mutation, 'noticed' | 'survived'>): string {
  const all = noticed + survived;
  return all === 0 ? 'no mistakes to notice' : `${noticed} of ${all} mistakes noticed`;
}

/** Of a survivor: the policy and what was changed in it. */
export function mistakeText({ policy, change }: Mutation['survivors'][number]): string {
  return `${policy}, ${change}`;
}
