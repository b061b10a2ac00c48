/** What takes its time on each mesh: what was heard of it first, and last. */
import type { Event } from '../../../base/events.ts';
import type { Pace } from '../../work-text.ts';

type Progress = Extract<Event, { type: 'progress' }>;

export interface Doing {
  readonly message: string;
  readonly since: number;
  /** Undefined for a step of which nobody knows how far it is. */
  readonly pace: Pace | undefined;
}

/** What a mesh does, when it did that before: the same thing goes on, a new one begins, or it is not heard of yet. */
export function goOn(before: Doing | undefined, { message, work, at }: Progress): Doing {
  const isSame = before?.message === message;
  const since = isSame ? before.since : at;
  if (work === undefined) return { message, since, pace: undefined };
  const pace = isSame ? before.pace : undefined;
  return { message, since, pace: { first: pace?.first ?? work, since: pace?.since ?? at, now: work, at } };
}
