/** How checks of a scenario report mistakes, and the mistakes that many of them look for. */
import { algorithms } from './schema.ts';
import { hintFor } from './suggest.ts';
import type { Path } from './yaml-file.ts';

/** Takes one mistake: where it is, what is wrong and what to do about it. `key` points to the key, not to its value. */
export type Report = (path: Path, message: string, hint: string, at?: 'key' | 'value') => void;

/** The names that `${…}` always knows, so that no list can have one of them. */
export const reservedNames = ['issuers', 'tokens', 'keyServers', 'ca', 'images', 'row', 'column', 'now'];

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

/** Reports an algorithm that Istio does not know. */
export function mustBeAlgorithm(name: string | undefined, path: Path, report: Report): void {
  if (name === undefined || algorithms.some((known) => known === name)) return;
  report(path, `"${name}" is no algorithm that Istio knows`, hintFor(name, algorithms, 'algorithms'));
}
