/**
 * What policies look at: each value of each field by itself. Two requests that no such comparison tells apart are of one
 * class, and are answered alike.
 */

import { distinct } from '../../base/group.ts';
import { alternativesOf, type Constraint } from '../../policy/doubts/constraints.ts';
import { defaultMesh } from '../../policy/input.ts';
import { claimOf, headerOf } from '../../policy/match/claims.ts';
import { type Rule, rulesOf, type Subject, traceRule } from '../../policy/rules.ts';
import { type JwtRule, jwtRulesOf } from '../../policy/token-locations.ts';
import type { KubeObject } from '../../target/target.ts';

/** One field of a rule, with all its values. */
export interface Field {
  /** Of a request: `path`, `method`, `host`, `principal`, `header x-name`, `claim role`, or `other`. */
  readonly dimension: string;
  readonly values: readonly string[];
  /** The rule that has this field alone. */
  readonly rule: Rule;
  /** The same with each of its values alone. */
  readonly atoms: readonly Rule[];
}

/** What all rules of all policies look at. */
export interface LookedAt {
  /** A list for each way to satisfy a rule. */
  readonly alternatives: readonly (readonly Field[])[];
  readonly fields: readonly Field[];
  readonly jwtRules: readonly JwtRule[];
}

/** A path of claims as a dimension. */
export const claimDimension = (path: readonly string[]): string => `claim ${JSON.stringify(path)}`;

/** @param policies of both kinds; others are passed over */
export function lookedAt(policies: readonly KubeObject[]): LookedAt {
  const alternatives = policies
    .flatMap(rulesOf)
    .flatMap(alternativesOf)
    .map((constraints) => constraints.map(fieldOf));
  const jwtRules = policies.flatMap(jwtRulesOf);
  return { alternatives, fields: distinct(alternatives.flat()), jwtRules };
}

function fieldOf({ key, name, isNot, values }: Constraint): Field {
  const alone = (some: readonly string[]): Rule => {
    if (isOperation.has(key)) return { to: [{ operation: { [name]: some } }] };
    return { when: [{ key, [isNot ? 'notValues' : 'values']: some }] };
  };
  return {
    dimension: dimensionOf(key),
    values,
    rule: alone(values),
    atoms: values.map((value) => alone([value])),
  };
}

/** What no condition is about. */
const isOperation: ReadonlySet<string> = new Set(['paths', 'methods', 'hosts']);

function dimensionOf(key: string): string {
  const header = headerOf(key);
  if (header !== undefined) return `header ${header.toLowerCase()}`;
  const claim = claimOf(key);
  if (claim !== undefined) return claimDimension(claim);
  if (isOperation.has(key)) return key.slice(0, -1);
  // Who the client is and where it sends to are taken as they are in the scenario.
  return key === 'request.auth.principal' ? 'principal' : 'other';
}

/** Of the values of all fields about something. */
export function valuesOf(fields: readonly Field[], dimension: string): string[] {
  return [
    ...new Set(fields.filter((field) => field.dimension === dimension).flatMap(({ values }) => values)),
  ];
}

/** The comparisons with each value of all fields about something. */
export function atomsOf(fields: readonly Field[], dimension: string): Field['atoms'] {
  return fields.filter((field) => field.dimension === dimension).flatMap(({ atoms }) => atoms);
}

/** What comparisons see; what is not given is as in a request without anything. */
export function matches(
  rule: Rule,
  seen: {
    readonly path?: string;
    readonly method?: string;
    readonly host?: string;
    readonly headers?: readonly (readonly [string, string])[];
    readonly claims?: Readonly<Record<string, unknown>>;
  },
): boolean {
  const { path = '/', method = 'GET', host = '', headers = [], claims } = seen;
  const subject: Subject = {
    request: { method, authority: host, path, headers, at: 0 },
    path,
    claims,
    whyNoClaims: undefined,
    mesh: defaultMesh,
    namespace: '',
    isTcp: false,
  };
  return traceRule(rule, 0, subject, 'ALLOW').matched === true;
}
