/** Whether one rule holds for every request that another one holds for. Where that is not certain it does not. */
import type { Constraint } from './constraints.ts';

/** Whether all that the wide one demands follows from what the narrow one demands. */
export function covers(wide: readonly Constraint[], narrow: readonly Constraint[]): boolean {
  return wide.every((wanted) =>
    narrow.some((given) => {
      if (given.key !== wanted.key || given.isNot !== wanted.isNot) return false;
      const [inner, outer] = given.isNot ? [wanted, given] : [given, wanted];
      return isWithin(inner, outer);
    }),
  );
}

/** The names of two constraints that nothing can satisfy together; undefined when there are none. */
export function contradictionOf(all: readonly Constraint[]): string | undefined {
  for (const wanted of all.filter(({ isNot }) => !isNot)) {
    const refused = all.find(
      ({ key, isNot, ...rest }) => isNot && key === wanted.key && isWithin(wanted, { key, isNot, ...rest }),
    );
    if (refused !== undefined) return `${wanted.name} and ${refused.name}`;
  }
  return undefined;
}

/** Every value of the one matches only what a value of the other matches as well. */
function isWithin(inner: Constraint, outer: Constraint): boolean {
  return inner.values.every((each) => outer.values.some((other) => contains(other, each, inner.key)));
}

function contains(wide: string, narrow: string, key: string): boolean {
  if (key === 'hosts') return contains(wide.toLowerCase(), narrow.toLowerCase(), '');
  if (wide === narrow) return true;
  // Of request principals, addresses and templates of paths only the same is certainly as wide.
  if (key === 'request.auth.principal') return wide === '*';
  if (/\.ip$/.test(key) || wide.includes('{')) return false;
  if (wide === '*') return narrow !== '';
  if (narrow === '*' || narrow.includes('{')) return false;
  if (wide.endsWith('*')) return !narrow.startsWith('*') && narrow.startsWith(wide.slice(0, -1));
  return wide.startsWith('*') && !narrow.endsWith('*') && narrow.endsWith(wide.slice(1));
}
