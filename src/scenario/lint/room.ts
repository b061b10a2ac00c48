/** Which meshes conditions leave, one within the other: whether there is any on which all of them hold. */

import type { Condition } from '../format/schema.ts';
import { fetchMode, targetName } from '../format/schema-words.ts';
import { inBoth, isWithin, rangeMistake } from './ranges.ts';

export const versionKeys = ['istio', 'envoy', 'kubernetes', 'asm'] as const;
type VersionKey = (typeof versionKeys)[number];

/** What is left of all meshes. */
export interface Room {
  readonly versions: Readonly<Partial<Record<VersionKey, string>>>;
  readonly fetch: readonly string[];
  readonly target: readonly string[];
}

/** @param fetch the modes in which the scenario runs; any when it does not say */
export function roomOf(fetch: readonly string[] | undefined): Room {
  return { versions: {}, fetch: fetch ?? fetchMode.options, target: targetName.options };
}

/** The part of a condition that leaves nothing, and what there was before it. */
interface Conflict {
  readonly key: VersionKey | 'fetch' | 'target';
  readonly message: string;
  readonly hint: string;
}

/** What a condition leaves of a room, or which part of it can never hold there. Ranges that are none are passed over. */
export function narrowed(room: Room, when: Condition | undefined): Room | Conflict {
  const versions = { ...room.versions };
  for (const key of versionKeys) {
    const range = when?.[key];
    if (range === undefined || rangeMistake(range) !== undefined) continue;
    const before = versions[key];
    const left = before === undefined ? range : inBoth(before, range);
    if (left === undefined) return conflict(key, range, `versions ${before}`);
    versions[key] = left;
  }
  const fetch = common(room.fetch, when?.fetch);
  if (fetch.length === 0) {
    return conflict('fetch', String(when?.fetch), `the fetch modes ${room.fetch.join(', ')}`);
  }
  const target = common(room.target, when?.target);
  if (target.length === 0)
    return conflict('target', String(when?.target), `the targets ${room.target.join(', ')}`);
  // The other targets install Istio themselves.
  if (versions.asm !== undefined && !target.includes('cluster')) {
    return conflict(when?.asm === undefined ? 'target' : 'asm', String(when?.asm ?? when?.target), {
      hint: 'Only the target cluster can have ASM.',
    });
  }
  return { versions, fetch, target: versions.asm === undefined ? target : ['cluster'] };
}

export function isConflict(result: Room | Conflict): result is Conflict {
  return 'message' in result;
}

function common(
  before: readonly string[],
  wanted: string | readonly string[] | undefined,
): readonly string[] {
  if (wanted === undefined) return before;
  const all = [wanted].flat();
  return before.filter((each) => all.includes(each));
}

function conflict(key: Conflict['key'], value: string, left: string | { readonly hint: string }): Conflict {
  const hint =
    typeof left === 'string' ? `The conditions around it, and mesh.fetch, leave only ${left}.` : left.hint;
  return { key, message: `"${key}: ${value}" can never hold here`, hint };
}

/** Whether a condition holds for all that is left of a room. One with a range that is none holds for nothing. */
export function alwaysHolds(when: Condition, room: Room): boolean {
  return (
    versionKeys.every((key) => {
      const range = when[key];
      const has = room.versions[key];
      if (range === undefined) return true;
      return has !== undefined && rangeMistake(range) === undefined && isWithin(has, range);
    }) &&
    common(room.fetch, when.fetch).length === room.fetch.length &&
    common(room.target, when.target).length === room.target.length
  );
}
