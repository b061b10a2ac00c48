/** One token for each class of tokens, and where they can be in a request. Nobody signs them: what the keys say is written in them. */
import type { Verify } from '../policy/authenticate.ts';
import { allowsAudience } from '../policy/jwt.ts';
import { type JwtRule, type Location, locationsOf, placeText } from '../policy/tokens.ts';
import { claimDimension, type Field, type LookedAt, matches } from './atoms.ts';
import { claimValuesFor, oneOfEach, textsFor } from './classes.ts';
import { combine } from './combine.ts';

/** A token that is in a request of a class. */
export interface ClassToken {
  readonly text: string;
  /** In words: `a good token of a@example.com with groups admin`. */
  readonly words: string;
  /** Undefined for what is no token. */
  readonly claims: Readonly<Record<string, unknown>> | undefined;
}

/** Tokens in their places; none at all for a request without a token. */
export type Carried = readonly { readonly token: ClassToken; readonly place: Location }[];

interface Dimension {
  readonly path: readonly string[];
  readonly values: readonly unknown[];
}

/** How many combinations of claims are tried for one issuer. */
const mostClaims = 400;
const anotherIssuer = 'https://another-issuer.example.com';
const nobodysKey = 'nobody';

/**
 * @returns the simplest first: no token, one good one, then others, then two tokens; and whether no class is missing
 */
export function carriedTokens(seen: LookedAt): { carried: readonly Carried[]; isComplete: boolean } {
  const { jwtRules } = seen;
  const places = oneOfEach(jwtRules.flatMap(locationsOf), (place) => JSON.stringify(place));
  const { tokens, isComplete } = tokensFor(seen);
  const single = places.flatMap((place) => tokens.map((token): Carried => [{ token, place }]));
  const second = tokens.filter(({ words }) => /^(?:a good token|no token)/.test(words)).slice(0, 40);
  const pairs = places.flatMap((place, at) =>
    places.slice(at + 1).flatMap((another) =>
      isSameHeader(place, another)
        ? []
        : tokens.flatMap((token) =>
            second.map((each): Carried => [
              { token, place },
              { token: each, place: another },
            ]),
          ),
    ),
  );
  return { carried: [[], ...single, ...pairs], isComplete };
}

function isSameHeader(one: Location, other: Location): boolean {
  return one.kind === 'header' && other.kind === 'header' && one.name === other.name;
}

/** What keys say about tokens of this file. @param fetched what comes of keys at an address; default: they are there */
export function classVerify(fetched: ReadonlyMap<string, string>): Verify {
  return (jwt, rule) => {
    const failure = fetched.get(rule.jwksUri ?? '');
    if (failure !== undefined) return failure as 'Jwt verification fails';
    return Buffer.from(jwt.signature).toString() === keyOf(rule) ? 'Ok' : 'Jwt verification fails';
  };
}

/** The keys of a rule by a name: the same keys have the same. */
function keyOf({ jwks, jwksUri, issuer = '' }: JwtRule): string {
  return jwks ?? jwksUri ?? `keys that ${issuer} names`;
}

function tokensFor(seen: LookedAt): { tokens: ClassToken[]; isComplete: boolean } {
  const { jwtRules } = seen;
  const issuers = issuersFor(seen);
  const dimensions = dimensionsFor(seen, issuers);
  const bases = seen.alternatives.map((fields) =>
    dimensions.list.map(({ path, values }) => bestIndex(path, values, fields)),
  );
  const sizes = dimensions.list.map(({ values }) => values.length);
  const { combinations, isComplete } = combine(sizes, bases, mostClaims);
  const audiences = dimensions.list.find(({ path }) => path.join() === 'aud')?.values ?? [undefined];
  const keys = [...new Set(jwtRules.map(keyOf))];
  const tokens: ClassToken[] = [];
  const bad: ClassToken[] = [{ text: 'no-token', words: 'no token, but the text no-token', claims: undefined }];
  for (const iss of issuers) {
    const own = new Set(jwtRules.filter(({ issuer = '' }) => issuer === '' || issuer === iss).map(keyOf));
    if (own.size === 0) {
      bad.push(tokenOf({ iss, sub: 'somebody' }, keys[0] ?? nobodysKey, `a token of ${iss}`));
      continue;
    }
    for (const key of own)
      for (const each of combinations) {
        const claims = claimsOf(iss, dimensions.list, each);
        tokens.push(tokenOf(claims, key, `a good token of ${iss}${wordsOf(claims, dimensions.list)}`));
      }
    bad.push(tokenOf({ iss, sub: 'somebody', exp: 1 }, [...own][0] ?? '', `an expired token of ${iss}`));
    for (const key of [nobodysKey, ...keys.filter((each) => !own.has(each))])
      for (const aud of audiences) {
        const claims = { iss, sub: 'somebody', ...(aud === undefined ? {} : { aud }) };
        const more = aud === undefined ? '' : `, for ${JSON.stringify(aud)}`;
        bad.push(tokenOf(claims, key, `a token of ${iss} that another key has signed${more}`));
      }
  }
  return { tokens: [...tokens, ...bad], isComplete: isComplete && dimensions.isComplete };
}

/** Those of the rules, and one of none; where a rule takes any issuer, also those that policies name. */
function issuersFor({ jwtRules, fields }: LookedAt): string[] {
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
function dimensionsFor(
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
function bestIndex(path: readonly string[], values: readonly unknown[], fields: readonly Field[]): number {
  const dimension = claimDimension(path);
  const about = fields.filter((field) => field.dimension === dimension);
  const scores = values.map(
    (value) => about.filter(({ rule }) => matches(rule, { claims: withClaim({}, path, value) })).length,
  );
  return scores.indexOf(Math.max(...scores));
}

/** Of the values of all fields about something. */
export function valuesOf(fields: readonly Field[], dimension: string): string[] {
  return [...new Set(fields.filter((field) => field.dimension === dimension).flatMap(({ values }) => values))];
}

/** The comparisons with each value of all fields about something. */
export function atomsOf(fields: readonly Field[], dimension: string): Field['atoms'] {
  return fields.filter((field) => field.dimension === dimension).flatMap(({ atoms }) => atoms);
}

function claimsOf(iss: string, dimensions: readonly Dimension[], indices: readonly number[]) {
  return dimensions.reduce(
    (claims, { path, values }, at) => withClaim(claims, path, values[indices[at] ?? 0]),
    { iss } as Readonly<Record<string, unknown>>,
  );
}

function withClaim(
  claims: Readonly<Record<string, unknown>>,
  [name = '', ...rest]: readonly string[],
  value: unknown,
): Readonly<Record<string, unknown>> {
  if (value === undefined) return claims;
  const inner = claims[name];
  const map = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : {};
  return {
    ...claims,
    [name]: rest.length === 0 ? value : withClaim(map as Record<string, unknown>, rest, value),
  };
}

function wordsOf(claims: Readonly<Record<string, unknown>>, dimensions: readonly Dimension[]): string {
  const told = dimensions
    .filter(({ values }) => values.length > 1)
    .map(({ path }) => {
      const value = path.reduce<unknown>((inner, name) => (inner as Record<string, unknown>)?.[name], claims);
      const name = path.join('.');
      return value === undefined ? `without ${name}` : `with ${name} ${JSON.stringify(value)}`;
    });
  return told.length === 0 ? '' : ` ${told.join(', ')}`;
}

function tokenOf(claims: Readonly<Record<string, unknown>>, key: string, words: string): ClassToken {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = [part({ alg: 'RS256' }), part(claims), Buffer.from(key).toString('base64url')].join('.');
  return { text, words, claims };
}

/** Where a token is, unless it is where people put it. */
export function placeWords(place: Location): string {
  const isUsual = place.kind === 'header' && place.name === 'authorization' && place.prefix === 'Bearer ';
  return isUsual ? '' : ` in ${placeText(place)}`;
}
