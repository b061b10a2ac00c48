/** Mistakes in AuthorizationPolicies: rules, fields and values left out, negated or made wider, and the other action. */

import { isNegative, plainField } from '../policy/doubts/fields.ts';
import { actionOf, type Rule, rulesOf } from '../policy/rules.ts';
import type { KubeObject } from '../target/target.ts';
import { type Change, replaced, shortened, without } from './change.ts';

type Fields = Readonly<Record<string, readonly string[] | undefined>>;
type Condition = NonNullable<Rule['when']>[number];

/** Something in place of a rule, or of a part of it; undefined: nothing. */
interface Altered<T> {
  readonly change: string;
  readonly to: T | undefined;
}

/** The fields whose values may have an asterisk, but for methods, for which nobody writes one. */
const withPatterns = ['paths', 'hosts', 'principals', 'requestPrincipals', 'namespaces'];
/** As above, of conditions. */
const conditionsWithPatterns =
  /^request\.(?:headers|auth\.claims)\[|^request\.auth\.|^source\.(?:principal|namespace)$/;

/** @param policy an AuthorizationPolicy; one that asks somebody else, or only records, has no mistakes in its action */
export function accessChanges(policy: KubeObject): Change[] {
  const [action, rules] = [actionOf(policy), rulesOf(policy)];
  const as = (changed: object): KubeObject => ({
    ...policy,
    spec: { ...(policy.spec as object), ...changed },
  });
  const other = { ALLOW: 'DENY', DENY: 'ALLOW' }[action];
  const isOnly = rules.length === 1;
  const changes: Change[] = [];
  // Istio refuses a DENY without rules (pkg/config/validation), and one left without rules is no policy at all.
  if (other !== undefined && rules.length > 0)
    changes.push({ change: `with action ${other}`, object: as({ action: other }) });
  for (const [index, rule] of rules.entries()) {
    const name = isOnly ? 'its rule' : `rule ${index + 1}`;
    if (!isOnly || action === 'ALLOW')
      changes.push({ change: `without ${name}`, object: as({ rules: replaced(rules, index, undefined) }) });
    for (const { change, to } of ruleChanges(rule))
      changes.push({ change: `${name} ${change}`, object: as({ rules: replaced(rules, index, to) }) });
  }
  return changes;
}

function ruleChanges(rule: Rule): Altered<Rule>[] {
  const { from = [], to = [], when = [] } = rule;
  return [
    ...listChanges(
      'from',
      from,
      from.map(({ source = {} }) => fieldChanges(source, (changed) => ({ source: changed }))),
      rule,
    ),
    ...listChanges(
      'to',
      to,
      to.map(({ operation = {} }) => fieldChanges(operation, (changed) => ({ operation: changed }))),
      rule,
    ),
    ...listChanges('when', when, when.map(conditionChanges), rule),
  ];
}

/** Each entry left out or altered; without its last entry the whole list is left out, as an empty one means the same. */
function listChanges<T>(
  key: 'from' | 'to' | 'when',
  list: readonly T[],
  altered: readonly (readonly Altered<T>[])[],
  rule: Rule,
): Altered<Rule>[] {
  const as = (changed: readonly T[]): Rule =>
    changed.length === 0 ? without(rule, key) : { ...rule, [key]: changed };
  const isOnly = list.length === 1;
  return list.flatMap((_, index) => {
    const name = isOnly ? `\`${key}\`` : `\`${key}[${index}]\``;
    return [
      { change: `without its ${name}`, to: as(replaced(list, index, undefined)) },
      ...(altered[index] ?? [])
        .filter(({ to }) => to !== undefined)
        .map(({ change, to }) => ({
          change: `${change}${isOnly ? '' : ` in ${name}`}`,
          to: as(replaced(list, index, to)),
        })),
    ];
  });
}

/** Of a source or an operation. One without any field means nothing, so the last field is not left out here. */
function fieldChanges<T>(fields: Fields, made: (fields: Fields) => T): Altered<T>[] {
  const names = Object.keys(fields).filter((name) => (fields[name] ?? []).length > 0);
  return names.flatMap((name) => {
    const values = fields[name] ?? [];
    const negated = negation(name);
    const isPattern = withPatterns.includes(plainField(name));
    return [
      ...(names.length < 2 ? [] : [{ change: `without \`${name}\``, to: made(without(fields, name)) }]),
      ...(Object.hasOwn(fields, negated)
        ? []
        : [
            {
              change: `with \`${negated}\` in place of \`${name}\``,
              to: made({ ...without(fields, name), [negated]: values }),
            },
          ]),
      ...valueChanges(name, values, isPattern).map(({ change, to = [] }) => ({
        change,
        to: made({ ...fields, [name]: to }),
      })),
    ];
  });
}

function conditionChanges(condition: Condition): Altered<Condition>[] {
  const { key } = condition;
  const isPattern = conditionsWithPatterns.test(key);
  const names = (['values', 'notValues'] as const).filter((name) => (condition[name] ?? []).length > 0);
  return names.flatMap((name) => {
    const values = condition[name] ?? [];
    const negated = name === 'values' ? 'notValues' : 'values';
    return [
      ...(names.length < 2
        ? [
            {
              change: `with \`${negated}\` in place of \`${name}\` of ${key}`,
              to: { ...without(condition, name), [negated]: values },
            },
          ]
        : [{ change: `without \`${name}\` of ${key}`, to: without(condition, name) }]),
      ...valueChanges(key, values, isPattern).map(({ change, to }) => ({
        change,
        to: { ...condition, [name]: to },
      })),
    ];
  });
}

function valueChanges(
  name: string,
  values: readonly string[],
  isPattern: boolean,
): Altered<readonly string[]>[] {
  return [
    ...shortened(values).map(({ left, gone }) => ({ change: `without ${gone} in \`${name}\``, to: left })),
    ...(isPattern ? values : []).flatMap((value, index) => {
      const changed = widened(value);
      if (changed === undefined) return [];
      return [
        { change: `with ${changed} for ${value} in \`${name}\``, to: replaced(values, index, changed) },
      ];
    }),
  ];
}

/** Exact becomes a prefix, and what has an asterisk becomes exact. Templates can have none beside them. */
function widened(value: string): string | undefined {
  if (value === '*' || value === '' || value.includes('{')) return undefined;
  if (value.startsWith('*')) return value.slice(1);
  return value.endsWith('*') ? value.slice(0, -1) : `${value}*`;
}

function negation(name: string): string {
  return isNegative(name) ? plainField(name) : `not${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
