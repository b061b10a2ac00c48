/** Whether one rule holds for every request that another one holds for. Where that is not certain it does not. */
import type { Rule } from './authorize.ts';

/** What a rule demands of one attribute: one of the values, or none of them. */
export interface Constraint {
  /** The condition of the same meaning, such as `request.auth.principal`, or the name of the field. */
  readonly key: string;
  /** As it is written in the policy. */
  readonly name: string;
  readonly isNot: boolean;
  readonly values: readonly string[];
}

/** Fields that say the same as a condition. */
const conditions: Readonly<Record<string, string>> = {
  requestPrincipals: 'request.auth.principal',
  principals: 'source.principal',
  namespaces: 'source.namespace',
  serviceAccounts: 'source.serviceAccount',
  ipBlocks: 'source.ip',
  remoteIpBlocks: 'remote.ip',
  ports: 'destination.port',
};

type Fields = Readonly<Record<string, readonly string[] | undefined>>;

/** A rule holds when all constraints of one of these hold: one of `from`, one of `to`, and all of `when`. */
export function alternativesOf(rule: Rule): readonly (readonly Constraint[])[] {
  const when = (rule.when ?? []).flatMap(({ key, values, notValues }) => [
    ...constraint(key, key, values, false),
    ...constraint(key, key, notValues, true),
  ]);
  const from = (rule.from ?? []).map(({ source }) => ofFields(source));
  const to = (rule.to ?? []).map(({ operation }) => ofFields(operation));
  const orNothing = <T>(list: readonly (readonly T[])[]) => (list.length === 0 ? [[]] : list);
  return orNothing(from).flatMap((one) => orNothing(to).map((other) => [...one, ...other, ...when]));
}

function ofFields(fields: Fields = {}): Constraint[] {
  return Object.entries(fields).flatMap(([name, values]) => {
    const plain = name.replace(/^not(.)/, (_, letter: string) => letter.toLowerCase());
    return constraint(conditions[plain] ?? plain, name, values, plain !== name);
  });
}

function constraint(key: string, name: string, values: readonly string[] = [], isNot: boolean): Constraint[] {
  return values.length === 0 ? [] : [{ key, name, isNot, values }];
}

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
