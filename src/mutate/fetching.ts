/**
 * Keys that rules name by an address. Whether somebody gets them is no matter of policies, so it is taken to be as the scenario
 * expects it: what makes all its checks right.
 */
import type { Verify } from '../policy/authenticate.ts';
import type { Verification } from '../policy/input.ts';
import type { Jwt } from '../policy/jwt.ts';
import { jwtRulesOf } from '../policy/token-locations.ts';
import { verifyWith } from '../policy/verify.ts';
import { agrees } from '../run/explain/agrees.ts';
import { decidingOf } from '../run/explain/hops.ts';
import { hopsFor, type ModelStep } from '../run/explain/predict.ts';
import type { Survey } from '../target/target.ts';

/** What comes of the keys at each address. */
export interface Fetching {
  /** Names of issuers whose keys are there; undefined: nobody knows. */
  readonly issuers: ReadonlyMap<string, string | undefined>;
  /** What is answered instead, as the keys are not to be had. */
  readonly failures: ReadonlyMap<string, Verification>;
}

/** What the proxies say when they, or istiod, have not got the keys. */
const failures: readonly Verification[] = ['Jwks remote fetch is failed', 'Jwt verification fails'];

/** The first guess that makes every check of a step right; without one nobody knows. */
export function fetchingOf(model: ModelStep, survey: Survey): Fetching {
  const uris = [
    ...new Set(
      model.applied.flatMap(({ object }) =>
        jwtRulesOf(object).flatMap(({ jwks, jwksUri }) =>
          jwks === undefined && jwksUri !== undefined ? [jwksUri] : [],
        ),
      ),
    ),
  ];
  const unknown: Fetching = {
    issuers: new Map(uris.map((uri) => [uri, undefined])),
    failures: new Map(),
  };
  if (uris.length === 0) return unknown;
  return guessesFor(uris, [...model.keys.keys()]).find((guess) => isRight(guess, model, survey)) ?? unknown;
}

function isRight(guess: Fetching, { asked, keys }: ModelStep, survey: Survey): boolean {
  const verify = verifyWithKeys(guess, keys);
  return asked.every(
    ({ expected, request, origin }) =>
      agrees(expected, decidingOf(hopsFor(origin, request, survey, verify))) !== false,
  );
}

/** For each address each issuer, or each failure. */
function guessesFor(uris: readonly string[], issuers: readonly string[]): Fetching[] {
  return uris.reduce<Fetching[]>(
    (all, uri) =>
      all.flatMap((each) => [
        ...issuers.map((name) => ({ ...each, issuers: new Map([...each.issuers, [uri, name]]) })),
        ...failures.map((failure) => ({ ...each, failures: new Map([...each.failures, [uri, failure]]) })),
      ]),
    [{ issuers: new Map(), failures: new Map() }],
  );
}

/** @param keys by the names of issuers */
export function verifyWithKeys(fetching: Fetching, keys: ReadonlyMap<string, string>): Verify {
  return (jwt, { jwks, jwksUri = '' }) => {
    if (jwks !== undefined && jwks !== '') return verifiedOnce(jwt, jwks);
    const failure = fetching.failures.get(jwksUri);
    if (failure !== undefined) return failure;
    const known = keys.get(fetching.issuers.get(jwksUri) ?? '');
    return known === undefined ? 'unknown' : verifiedOnce(jwt, known);
  };
}

/** The same tokens are asked about for every mistake, and signatures take long. */
const verified = new WeakMap<Jwt, Map<string, Verification>>();

function verifiedOnce(jwt: Jwt, jwks: string): Verification {
  const known = verified.get(jwt) ?? new Map<string, Verification>();
  verified.set(jwt, known);
  const result = known.get(jwks) ?? verifyWith(jwks, jwt);
  known.set(jwks, result);
  return result;
}
