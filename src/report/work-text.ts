/** How far something is that takes its time: how much of how much, how fast, and what is left. */
import type { Work } from '../base/events.ts';
import { duration } from './text.ts';

/** What it was when it was first heard of, and what it is now. Times are milliseconds since the epoch. */
export interface Pace {
  readonly first: Work;
  readonly since: number;
  readonly now: Work;
  readonly at: number;
}

/** A rate over less than this says nothing, in milliseconds. */
const leastMs = 1000;

/** Such as `45.2 of 98.1 MB, 5.1 MB/s, about 10.4s left`. */
export function workText({ first, since, now, at }: Pace): string {
  const { done, total, unit } = now;
  const left = total === undefined ? undefined : Math.max(0, total - done);
  const amount = `${value(done, unit)}${total === undefined ? '' : ` of ${value(total, unit)}`} ${nouns[unit]}`;
  const perMs = (done - first.done) / Math.max(1, at - since);
  if (at - since < leastMs || perMs <= 0) return amount;
  const rate = `${((perMs * 1000) / scale[unit]).toFixed(1)} ${nouns[unit]}/s`;
  return left === undefined
    ? `${amount}, ${rate}`
    : `${amount}, ${rate}, about ${duration(left / perMs)} left`;
}

const nouns: Readonly<Record<Work['unit'], string>> = {
  bytes: 'MB',
  modules: 'modules',
  packages: 'packages',
};
const scale: Readonly<Record<Work['unit'], number>> = { bytes: 1_000_000, modules: 1, packages: 1 };

function value(count: number, unit: Work['unit']): string {
  return (count / scale[unit]).toFixed(unit === 'bytes' ? 1 : 0);
}
