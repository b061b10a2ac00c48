/** How checks of a scenario report mistakes, and the mistakes that many of them look for. */

import { hintFor } from '../../base/suggest.ts';
import { keyAlgorithms } from '../format/schema.ts';
import type { Path } from '../yaml/yaml-file.ts';

/** Takes one mistake: where it is, what is wrong and what to do about it. `key` points to the key, not to its value. */
export type Report = (path: Path, message: string, hint: string, at?: 'key' | 'value') => void;

/**
 * What kind of mistake one at this path is. A condition that can never hold, a step that applies nothing and a scenario
 * without a check leave something untested, which looks like a success; everything else is a mistake in writing.
 *
 * @param isEmpty whether it is about a list that has too little in it
 */
export function mistakeCode(path: Path, isEmpty = false): 'E_SCENARIO' | 'E_NOTHING_TESTED' {
  const isWhole = path.length === 1 && path[0] === 'steps';
  const isNothing = isEmpty && ['apply', 'delete', 'steps', 'when'].includes(String(path.at(-1)));
  return path.includes('when') || isWhole || isNothing ? 'E_NOTHING_TESTED' : 'E_SCENARIO';
}

/** The names that `${…}` always knows, so that no list can have one of them. */
export const reservedNames = [
  'issuers',
  'tokens',
  'keyServers',
  'certificates',
  'ca',
  'images',
  'env',
  'row',
  'column',
  'token',
  'now',
];

/** Reports a name that is not one of those that exist. Returns whether it exists. */
export function mustExist(
  name: string,
  existing: Readonly<Record<string, unknown>>,
  what: string,
  path: Path,
  report: Report,
): boolean {
  if (Object.hasOwn(existing, name)) return true;
  report(path, `there is no ${what} "${name}"`, hintFor(name, Object.keys(existing), `${what}s`));
  return false;
}

/** Reports an algorithm for which there are no keys. */
export function mustBeAlgorithm(name: string | undefined, path: Path, report: Report): void {
  if (name === undefined || keyAlgorithms.some((known) => known === name)) return;
  report(path, `"${name}" is no algorithm of a key`, hintFor(name, keyAlgorithms, 'algorithms'));
}
