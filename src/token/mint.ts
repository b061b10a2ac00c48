import { KeyObject } from 'node:crypto';
import { CompactSign } from 'jose';
import { HarnessError } from '../base/errors.ts';
import type { TokenView } from '../base/events.ts';
import { canSign, isAlgorithm } from '../scenario/format/algorithms.ts';
import type { MutationName } from '../scenario/format/mutations.ts';
import type { Algorithm, TokenSource, TokenSpec } from '../scenario/format/schema.ts';
import { rememberToken, viewToken } from './decode.ts';
import { forge, forgeText, type SigningKey, signingInput, tamperPayload, tamperSignature } from './forge.ts';
import type { IssuerKey, IssuerKeys } from './issuer-keys.ts';
import { mutated } from './mutated.ts';
import { mergeMaps, resolveToken, withoutNulls, withTimes } from './spec.ts';

/** A token as it is sent, and as it may be shown. */
export interface Token {
  readonly name: string;
  /** What goes behind `Bearer `. Secret: show `view`, or use `redact`. */
  readonly value: string;
  readonly view: TokenView;
}

/** Asks somebody else for a token. */
export type Obtain = (name: string, source: TokenSource) => Promise<string>;

/**
 * Makes the tokens of a scenario.
 *
 * @param tokens what the scenario says about them, with `${…}` filled in
 * @param issuers the keys of every issuer, by its name in the scenario
 * @param obtain for tokens that somebody else makes
 * @returns the tokens by name, in the order given
 * @throws HarnessError `E_TOKEN` when a token names an issuer, a key or a token that does not exist, when its fields
 * contradict each other, or when the key of `signedBy` cannot sign with the token's algorithm
 */
export async function mintTokens(
  tokens: Readonly<Record<string, TokenSpec>>,
  issuers: ReadonlyMap<string, IssuerKeys>,
  obtain: Obtain = async () => '',
): Promise<Map<string, Token>> {
  return new Map(
    await Promise.all(
      Object.keys(tokens).map(async (name) => {
        const value = await mint(name, resolveToken(name, tokens), issuers, obtain);
        rememberToken(value);
        return [name, { name, value, view: viewToken(name, value) }] as const;
      }),
    ),
  );
}

async function mint(
  name: string,
  spec: TokenSpec,
  issuers: ReadonlyMap<string, IssuerKeys>,
  obtain: Obtain,
): Promise<string> {
  if (spec.raw !== undefined) return spec.raw;
  if (spec.from !== undefined) return obtain(name, spec.from);
  const issuer = findIssuer(name, 'issuer', spec.issuer ?? '', issuers);
  const key = findKey(name, issuer, spec.key);

  const filledIn = { alg: key.algorithm, kid: key.kid, typ: 'JWT' };
  const header = withoutNulls(mergeMaps(filledIn, spec.header ?? {}), `token "${name}": header`);
  const given = spec.claims ?? {};
  const allClaims = Object.hasOwn(given, 'iss') ? given : { iss: issuer.issuer, ...given };
  const timed = withTimes(allClaims, Math.floor(Date.now() / 1000));
  const claims = withoutNulls(timed, `token "${name}": claims`);

  const value = spec.unsigned
    ? `${signingInput(header, claims)}.`
    : await sign(spec, header, claims, ...chooseSigner(name, spec, header.alg, key, issuers));
  if (spec.mutate !== undefined)
    return mutated(spec.mutate as MutationName, { name, header, claims, value, key });
  if (spec.tamper === 'payload') return tamperPayload(value, claims);
  if (spec.tamper === 'signature') return tamperSignature(value);
  return value;
}

async function sign(
  { exact, form }: TokenSpec,
  header: object,
  claims: object,
  key: SigningKey,
  algorithm: Algorithm,
  ownAlgorithm: Algorithm | undefined,
): Promise<string> {
  if (exact !== undefined || form !== undefined) {
    const texts = [
      exact?.header ?? JSON.stringify(header),
      exact?.payload ?? JSON.stringify(claims),
    ] as const;
    const token = forgeText(...texts, key, algorithm, form);
    const signed = token.slice(0, token.lastIndexOf('.'));
    return exact?.signature === undefined ? token : `${signed}.${exact.signature}`;
  }
  // jose signs what is in order. It refuses an alg that is not the key's own, and extensions that it does not know.
  const inOrder = 'alg' in header && header.alg === ownAlgorithm && !('crit' in header);
  if (!inOrder || ownAlgorithm === undefined || key instanceof KeyObject)
    return forge(header, claims, key, algorithm);
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ ...header, alg: ownAlgorithm })
    .sign(key);
}

/**
 * The key that really signs, and with which algorithm. With the token's own key that is what the header says, if
 * the key can; otherwise, as for `none` or `ES256K`, the algorithm of the key. So a verifier that overlooks a wrong
 * `alg` would accept the token.
 */
function chooseSigner(
  name: string,
  spec: TokenSpec,
  headerAlg: unknown,
  key: IssuerKey,
  issuers: ReadonlyMap<string, IssuerKeys>,
): [key: SigningKey, algorithm: Algorithm, ownAlgorithm: Algorithm | undefined] {
  if (spec.secret !== undefined) {
    const algorithm = isAlgorithm(headerAlg) && headerAlg.startsWith('HS') ? headerAlg : 'HS256';
    return [Buffer.from(spec.secret), algorithm, undefined];
  }
  const wanted = isAlgorithm(headerAlg) ? headerAlg : key.algorithm;
  if (spec.signedBy === undefined)
    return [key.privateKey, canSign(key.algorithm, wanted) ? wanted : key.algorithm, key.algorithm];

  const other = findIssuer(name, 'signedBy', spec.signedBy, issuers);
  const signer = [...other.keys.values()].find((candidate) => canSign(candidate.algorithm, wanted));
  if (signer !== undefined) return [signer.privateKey, wanted, signer.algorithm];
  const has = [...other.keys.values()].map((candidate) => candidate.algorithm).join(', ');
  throw new HarnessError(
    'E_TOKEN',
    `token "${name}" is to be signed with ${wanted}, but issuer ${other.name} only has keys for ${has}`,
    { hint: `Give issuer ${other.name} a key with algorithm ${wanted}, or name another issuer in signedBy.` },
  );
}

function findIssuer(
  token: string,
  field: string,
  issuer: string,
  issuers: ReadonlyMap<string, IssuerKeys>,
): IssuerKeys {
  const found = issuers.get(issuer);
  if (found !== undefined) return found;
  throw new HarnessError('E_TOKEN', `token "${token}": ${field} names "${issuer}", which does not exist`, {
    hint: `The issuers of this scenario are: ${[...issuers.keys()].join(', ') || 'none'}.`,
  });
}

function findKey(token: string, issuer: IssuerKeys, keyName: string | undefined): IssuerKey {
  const names = [...issuer.keys.keys()];
  const found = issuer.keys.get(keyName ?? (names.length === 1 ? (names[0] ?? '') : ''));
  if (found !== undefined) return found;
  const what = keyName === undefined ? 'several keys and "key" does not say which' : `no key "${keyName}"`;
  throw new HarnessError('E_TOKEN', `token "${token}": issuer ${issuer.name} has ${what}`, {
    hint: `Write "key:" with one of: ${names.join(', ')}.`,
  });
}
