/** Ranges of versions: whether one can be meant, and what two of them have in common. */
import semver from 'semver';
import { rememberedByText } from '../../base/remembered.ts';

/** Ranges are read in the same way where they decide; see plan/versions.ts. */
const options = { includePrerelease: true };
/** Before this there is no version of anything. */
const all = '>=0.0.0';

const alternatives = (range: string) => range.split('||');
// The few ranges of a scenario stand in hundreds of cells.
const isEmpty = rememberedByText((range) => !semver.intersects(range, all, options));

/** Why a range cannot be meant, undefined when it can: it is none, or one of its alternatives is all versions or none. */
export const rangeMistake = rememberedByText((range): { message: string; hint: string } | undefined => {
  // Without numbers it would be "any version", which nobody means who writes a condition.
  const isRange = alternatives(range).every((each) => semver.validRange(each) !== null && /\d/.test(each));
  if (!isRange) {
    return {
      message: `"${range}" is not a range of versions`,
      hint: 'Write it like ">=1.21 <1.27.8", "1.27.x" or "1.21 - 1.26"; "||" joins alternatives.',
    };
  }
  const empty = alternatives(range).find(isEmpty);
  if (empty === undefined) return undefined;
  return {
    message: `no version is in the range "${empty.trim()}"`,
    hint: 'All its parts must hold together. Turn < and > round, or join alternatives with "||", such as "<1.1 || >1.2".',
  };
});

/** The versions that are in both ranges, as a range; undefined when there is none. */
export function inBoth(one: string, other: string): string | undefined {
  const plain = (range: string) => alternatives(range).map((each) => new semver.Range(each, options).range);
  const both = plain(one).flatMap((a) => plain(other).map((b) => `${a} ${b}`.trim()));
  const possible = both.filter((range) => !isEmpty(range));
  return possible.length === 0 ? undefined : possible.join(' || ');
}

/** Whether all versions of one range are in the other one. */
export function isWithin(range: string, wider: string): boolean {
  return semver.subset(range, wider, options);
}
