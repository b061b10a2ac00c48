/** One token for each class of tokens, and where they can be in a request. Nobody signs them: what the keys say is written in them. */
import { authenticate, type Verify } from '../../policy/authenticate.ts';
import { type JwtRule, type Location, locationsOf, placeText } from '../../policy/token-locations.ts';
import { type LookedAt, matches } from './atoms.ts';
import { oneOfEach } from './classes.ts';
import { combine } from './combine.ts';
import { anotherIssuer, bestIndex, claimsOf, dimensionsFor, issuersFor, wordsOf } from './token-claims.ts';

/** A token that is in a request of a class. */
interface ClassToken {
  /** `good`: keys of a rule for its issuer have signed it; `forged`: another key has, or no rule is for its issuer. */
  readonly kind: 'good' | 'expired' | 'forged' | 'no token';
  readonly text: string;
  /** In words: `a good token of a@example.com with groups admin`. */
  readonly words: string;
  /** Undefined for what is no token. */
  readonly claims: Readonly<Record<string, unknown>> | undefined;
}

/** Tokens in their places; none at all for a request without a token. */
export type Carried = readonly { readonly token: ClassToken; readonly place: Location }[];

/** How many combinations of claims are tried for one issuer. */
const mostClaims = 400;
/** How many requests with two tokens. */
const mostPairs = 4000;
const nobodysKey = 'nobody';
/** When requests arrive, in seconds since the epoch: after what has expired, and before what is not yet good. */
const now = 1e9;
/**
 * @param withPairs also two tokens in two places; requests with more are not looked at
 * @param verify what keys say about tokens of this file
 * @returns the simplest first: no token, one good one, then others, then two tokens; and whether no class is missing
 */
export function carriedTokens(
  seen: LookedAt,
  withPairs: boolean,
  verify: Verify,
): { carried: readonly Carried[]; isComplete: boolean } {
  const { jwtRules } = seen;
  const places = oneOfEach(jwtRules.flatMap(locationsOf), (place) => JSON.stringify(place));
  const { tokens: all, isComplete } = tokensFor(seen);
  const tokens = oneOfEach(all, (token) => JSON.stringify(judged(token, seen, verify, true)));
  const single = places.flatMap((place) => tokens.map((token): Carried => [{ token, place }]));
  // Of two tokens one can have any claims.
  const plain = oneOfEach(tokens, (token) => JSON.stringify(judged(token, seen, verify, false)));
  const pairs = withPairs ? pairsOf(places, tokens, plain) : [];
  const isWhole = pairs.length <= mostPairs;
  return { carried: [[], ...single, ...pairs.slice(0, mostPairs)], isComplete: isComplete && isWhole };
}

/** One of all tokens in one place, and one of `plain` in another; a few more than are of use when there are too many. */
function pairsOf(
  places: readonly Location[],
  tokens: readonly ClassToken[],
  plain: readonly ClassToken[],
): Carried[] {
  const pairs: Carried[] = [];
  for (const [at, place] of places.entries())
    for (const another of places.slice(at + 1)) {
      if (isSameHeader(place, another)) continue;
      for (const token of tokens)
        for (const other of plain) {
          if (pairs.length > mostPairs) return pairs;
          pairs.push([
            { token, place },
            { token: other, place: another },
          ]);
          pairs.push([
            { token: other, place },
            { token, place: another },
          ]);
        }
    }
  return pairs;
}

/** What each rule makes of a token, and each comparison of its claims, where any rule takes it. */
function judged(
  { text }: ClassToken,
  { jwtRules, fields }: LookedAt,
  verify: Verify,
  withClaims: boolean,
): unknown[] {
  const about = fields.filter(({ dimension }) => dimension === 'principal' || dimension.startsWith('claim '));
  return jwtRules.map((rule) => {
    const only = { ...rule, fromHeaders: [{ name: 'x' }], fromParams: [], fromCookies: [] };
    const policy = {
      apiVersion: '',
      kind: 'RequestAuthentication',
      metadata: { name: '' },
      spec: { jwtRules: [only] },
    };
    const request = { method: 'GET', authority: '', path: '/', headers: [['x', text] as const], at: now };
    const { status, claims, headers } = authenticate(request, [policy], verify);
    if (claims === undefined || !withClaims) return status;
    const output = headers.filter(([name]) => name !== rule.outputPayloadToHeader?.toLowerCase());
    return [output, ...about.flatMap(({ atoms }) => atoms.map((atom) => matches(atom, { claims })))];
  });
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
  const bad: ClassToken[] = [
    {
      kind: 'no token',
      text: 'no-token',
      words: 'no token, but the text no-token',
      claims: undefined,
    },
  ];
  for (const iss of issuers) {
    const own = new Set(jwtRules.filter(({ issuer = '' }) => issuer === '' || issuer === iss).map(keyOf));
    if (own.size === 0) {
      bad.push(tokenOf('forged', { iss, sub: 'somebody' }, keys[0] ?? nobodysKey, `a token of ${iss}`));
      continue;
    }
    const whose = iss === anotherIssuer ? `, but for its issuer ${iss},` : ` of ${iss}`;
    for (const key of own)
      for (const each of combinations) {
        const claims = claimsOf(iss, dimensions.list, each);
        const words = `a good token${whose}${wordsOf(claims, dimensions.list)}`.replace(/,$/, '');
        tokens.push(tokenOf('good', claims, key, words));
      }
    const past = { iss, sub: 'somebody', exp: 1 };
    bad.push(tokenOf('expired', past, [...own][0] ?? '', `an expired token of ${iss}`));
    for (const key of [nobodysKey, ...keys.filter((each) => !own.has(each))])
      for (const aud of audiences) {
        const claims = { iss, sub: 'somebody', ...(aud === undefined ? {} : { aud }) };
        const more = aud === undefined ? '' : `, for ${JSON.stringify(aud)}`;
        bad.push(tokenOf('forged', claims, key, `a token of ${iss} that another key has signed${more}`));
      }
  }
  return { tokens: [...tokens, ...bad], isComplete: isComplete && dimensions.isComplete };
}

function tokenOf(
  kind: ClassToken['kind'],
  claims: Readonly<Record<string, unknown>>,
  key: string,
  words: string,
): ClassToken {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = [part({ alg: 'RS256' }), part(claims), Buffer.from(key).toString('base64url')].join('.');
  return { kind, text, words, claims };
}

/** Where a token is, unless it is where people put it. */
export function placeWords(place: Location): string {
  const isUsual = place.kind === 'header' && place.name === 'authorization' && place.prefix === 'Bearer ';
  return isUsual ? '' : ` in ${placeText(place)}`;
}
