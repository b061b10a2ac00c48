/** Which values claims of tokens can have, one of each class, as far as policies and rules look at them. */
import { allowsAudience } from '../../policy/jwt.ts';
import { valueAt, withClaim } from '../../policy/match/claims.ts';
import { atomsOf, claimDimension, type Field, type LookedAt, matches, valuesOf } from './atoms.ts';
import { claimValuesFor, oneOfEach, textsFor } from './classes.ts';

/** A claim, by its path, and its values; undefined: it is missing. */
export interface Dimension {
  readonly path: readonly string[];
  readonly values: readonly unknown[];
}

/** An issuer of which no policy knows. */
export const anotherIssuer = 'https://another-issuer.example.com';

/** Those of the rules, and one of none; where a rule takes any issuer, also those that policies name. */
export function issuersFor({ jwtRules, fields }: LookedAt): string[] {
  const named = jwtRules.flatMap(({ issuer = '' }) => (issuer === '' ? [] : [issuer]));
  const isOpen = jwtRules.some(({ issuer = '' }) => issuer === '');
  const mentioned = isOpen
    ? valuesOf(fields, 'principal')
        .filter((value) => value !== '*')
        .map((value) => value.slice(0, Math.max(value.lastIndexOf('/'), 0)).replace(/^\*|\*$/g, ''))
        .filter((value) => value !== '')
    : [];
  return [...new Set([...named, ...mentioned, anotherIssuer])];
}

/** What is in tokens besides their issuer, in classes. */
export function dimensionsFor(
  { fields, jwtRules }: LookedAt,
  issuers: readonly string[],
): { list: Dimension[]; isComplete: boolean } {
  const list: Dimension[] = [{ path: ['sub'], values: subjectsFor(fields, issuers) }];
  const outputs = jwtRules.flatMap(({ outputClaimToHeaders = [] }) => outputClaimToHeaders);
  const audiences = jwtRules.flatMap((rule) => rule.audiences ?? []);
  const named = [
    ...fields.filter(({ dimension }) => dimension.startsWith('claim ')).map(({ dimension }) => dimension),
    ...outputs.map(({ claim }) => claimDimension(claim.split('.'))),
    ...(audiences.length > 0 ? [claimDimension(['aud'])] : []),
  ];
  let isComplete = true;
  for (const dimension of new Set(named)) {
    const path = JSON.parse(dimension.slice('claim '.length)) as string[];
    if (['iss', 'sub'].includes(path.join())) continue;
    const isAudience = path.join() === 'aud';
    const header = outputs.find(({ claim }) => claimDimension(claim.split('.')) === dimension)?.header;
    const patterns = [
      ...valuesOf(fields, dimension),
      ...(isAudience ? audiences : []),
      ...(header === undefined ? [] : valuesOf(fields, `header ${header.toLowerCase()}`)),
    ];
    const atoms = atomsOf(fields, dimension);
    const possible = claimValuesFor(patterns);
    const values = oneOfEach(possible.values, (value) =>
      JSON.stringify([
        // What becomes a header is different for each text.
        header === undefined ? '' : value,
        ...formsOf(value).flatMap((form) =>
          atoms.map((rule) => matches(rule, { claims: withClaim({}, path, form) })),
        ),
        ...(isAudience
          ? audiences.map((each) => allowsAudience([each], { audiences: [value ?? []].flat() as string[] }))
          : []),
      ]),
    );
    // One that lies within another cannot have every value beside it.
    const overlaps = list.some((each) => each.path[0] === path[0]);
    isComplete &&= possible.isComplete && !overlaps;
    list.push({ path, values });
  }
  return { list, isComplete };
}

/** As it is, and as a list of words: some claims are taken for such (scope, and spaceDelimitedClaims). */
function formsOf(value: unknown): unknown[] {
  return typeof value === 'string' ? [value, value.split(' ')] : [value, value];
}

function subjectsFor(fields: readonly Field[], issuers: readonly string[]): unknown[] {
  const sub = claimDimension(['sub']);
  const patterns = [
    ...valuesOf(fields, 'principal').map((value) => value.slice(value.lastIndexOf('/') + 1)),
    ...valuesOf(fields, sub),
  ];
  const atoms = [...atomsOf(fields, 'principal'), ...atomsOf(fields, sub)];
  return oneOfEach(['somebody', ...textsFor(patterns), undefined, ''], (subject) =>
    JSON.stringify(
      issuers.flatMap((iss) =>
        atoms.map((rule) => matches(rule, { claims: withClaim({ iss }, ['sub'], subject) })),
      ),
    ),
  );
}

/** The value that satisfies most of the fields about it. */
export function bestIndex(
  path: readonly string[],
  values: readonly unknown[],
  fields: readonly Field[],
): number {
  const dimension = claimDimension(path);
  const about = fields.filter((field) => field.dimension === dimension);
  const scores = values.map(
    (value) => about.filter(({ rule }) => matches(rule, { claims: withClaim({}, path, value) })).length,
  );
  return scores.indexOf(Math.max(...scores));
}

/** @param indices of the value of each dimension */
export function claimsOf(
  iss: string,
  dimensions: readonly Dimension[],
  indices: readonly number[],
): Readonly<Record<string, unknown>> {
  return dimensions.reduce(
    (claims, { path, values }, at) => withClaim(claims, path, values[indices[at] ?? 0]),
    { iss } as Readonly<Record<string, unknown>>,
  );
}

/** The claims that matter, such as ` with groups "admin", without aud`. */
export function wordsOf(claims: Readonly<Record<string, unknown>>, dimensions: readonly Dimension[]): string {
  const told = dimensions
    .filter(({ values }) => values.length > 1)
    .map(({ path }) => {
      const value = valueAt(claims, path);
      const name = path.join('.');
      return value === undefined ? `without ${name}` : `with ${name} ${JSON.stringify(value)}`;
    });
  return told.length === 0 ? '' : ` ${told.join(', ')}`;
}
