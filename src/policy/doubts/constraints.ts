/** Rules taken apart: what each way to satisfy one demands. */
import { type Rule, valuesOf } from '../rules.ts';
import { isNegative, subjectOf } from './fields.ts';

/** What a rule demands of one attribute: one of the values, or none of them. */
export interface Constraint {
  /** The condition of the same meaning, such as `request.auth.principal`, or the plain name of the field. */
  readonly key: string;
  /** As it is written in the policy. */
  readonly name: string;
  readonly isNot: boolean;
  readonly values: readonly string[];
}

type Fields = Readonly<Record<string, readonly string[] | undefined>>;

/** A rule holds when all constraints of one of these hold: one of `from`, one of `to`, and all of `when`. */
export function alternativesOf(rule: Rule): readonly (readonly Constraint[])[] {
  const when = ofConditions(rule);
  const from = (rule.from ?? []).map(({ source }) => ofFields(source));
  const to = (rule.to ?? []).map(({ operation }) => ofFields(operation));
  const orNothing = <T>(list: readonly (readonly T[])[]) => (list.length === 0 ? [[]] : list);
  return orNothing(from).flatMap((one) => orNothing(to).map((other) => [...one, ...other, ...when]));
}

/** Of a source or an operation. */
export function ofFields(fields: Fields = {}): Constraint[] {
  return Object.entries(fields).flatMap(([name, values]) =>
    constraint(subjectOf(name), name, valuesOf(values), isNegative(name)),
  );
}

/** Of all conditions of a rule. */
export function ofConditions({ when = [] }: Rule): Constraint[] {
  return when.flatMap(({ key, values, notValues }) => [
    ...constraint(key, key, values, false),
    ...constraint(key, key, notValues, true),
  ]);
}

function constraint(
  key: string,
  name: string,
  values: readonly string[] | undefined = [],
  isNot: boolean,
): Constraint[] {
  return values.length === 0 ? [] : [{ key, name, isNot, values }];
}
