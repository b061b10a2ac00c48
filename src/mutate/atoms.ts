/**
 * What policies look at: each value of each field by itself. Two requests that no such comparison tells apart are of one
 * class, and are answered alike.
 */
import { type Rule, type Subject, traceRule } from '../policy/authorize.ts';
import { claimOf } from '../policy/claims.ts';
import { defaultMesh } from '../policy/input.ts';
import type { JwtRule } from '../policy/tokens.ts';
import type { KubeObject } from '../target/target.ts';

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
  const alternatives = policies.flatMap(({ kind, spec }) =>
    kind === 'AuthorizationPolicy'
      ? ((spec as { rules?: readonly (Rule | null)[] } | undefined)?.rules ?? []).flatMap((rule) =>
          alternativesOf(rule ?? {}),
        )
      : [],
  );
  const jwtRules = policies.flatMap(({ kind, spec }) =>
    kind === 'RequestAuthentication'
      ? ((spec as { jwtRules?: readonly JwtRule[] } | undefined)?.jwtRules ?? [])
      : [],
  );
  const unique = new Map(alternatives.flat().map((field) => [JSON.stringify(field), field]));
  return { alternatives, fields: [...unique.values()], jwtRules };
}

function alternativesOf({ from = [{}], to = [{}], when = [] }: Rule): Field[][] {
  const conditions = when.flatMap(({ key, values = [], notValues = [] }) => {
    const dimension = dimensionOf(key);
    return [
      ...fieldOf(dimension, values, (some) => ({ when: [{ key, values: some }] })),
      ...fieldOf(dimension, notValues, (some) => ({ when: [{ key, notValues: some }] })),
    ];
  });
  return from.flatMap(({ source = {} }) =>
    to.map(({ operation = {} }) => [
      ...Object.entries(source).flatMap(([name, values = []]) =>
        fieldOf(dimensionOf(name), values, (some) => ({ from: [{ source: { [name]: some } }] })),
      ),
      ...Object.entries(operation).flatMap(([name, values = []]) =>
        fieldOf(dimensionOf(name), values, (some) => ({ to: [{ operation: { [name]: some } }] })),
      ),
      ...conditions,
    ]),
  );
}

function fieldOf(
  dimension: string,
  values: readonly string[],
  made: (values: readonly string[]) => Rule,
): Field[] {
  if (values.length === 0) return [];
  return [{ dimension, values, rule: made(values), atoms: values.map((value) => made([value])) }];
}

function dimensionOf(key: string): string {
  const header = /^request\.headers\[(.+)\]$/.exec(key)?.[1];
  if (header !== undefined) return `header ${header.toLowerCase()}`;
  const claim = claimOf(key);
  if (claim !== undefined) return claimDimension(claim);
  switch (key.replace(/^not(.)/, (_, letter: string) => letter.toLowerCase())) {
    case 'paths':
      return 'path';
    case 'methods':
      return 'method';
    case 'hosts':
      return 'host';
    case 'requestPrincipals':
    case 'request.auth.principal':
      return 'principal';
    case 'request.auth.audiences':
      return claimDimension(['aud']);
    case 'request.auth.presenter':
      return claimDimension(['azp']);
    default:
      // Who the client is and where it sends to are taken as they are in the scenario.
      return 'other';
  }
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
