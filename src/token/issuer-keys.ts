import { createPublicKey, generateKeyPair as generateNodeKeys, KeyObject, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { HarnessError } from '../base/errors.ts';
import { algorithmInfo, isAlgorithm } from '../scenario/format/algorithms.ts';
import { type Algorithm, type IssuerSpec, keyAlgorithms } from '../scenario/format/schema.ts';
import { rememberSecret } from './decode.ts';
import type { SigningKey } from './forge.ts';
import { mergeMaps, withoutNulls } from './spec.ts';

/** A key of an issuer. The private half lives in memory only. */
export interface IssuerKey {
  readonly kid: string;
  readonly algorithm: Algorithm;
  /** The secret itself for HS256, HS384 and HS512. */
  readonly privateKey: SigningKey;
  /** As it stands in the JWKS. For the HS algorithms this is the secret too: there is no public half. */
  readonly publicJwk: JWK;
}

export interface IssuerKeys {
  /** Name of the issuer in the scenario. */
  readonly name: string;
  /** Value of the `iss` claim. */
  readonly issuer: string;
  /** In the order of the scenario; `default` for an issuer that names no keys. */
  readonly keys: ReadonlyMap<string, IssuerKey>;
  /** The JWK Set of all keys (RFC 7517 section 5), a new object each time. */
  jwks(): { keys: JWK[] };
}

/** The private key of a new pair, and the public one as a JWK. */
type Pair = readonly [SigningKey, object];

/**
 * Makes the keys of an issuer, new for every run.
 *
 * Every JWK has `kty`, `kid`, `use` and `alg`, so that a verifier can choose a key by `kid` and is held to `alg`
 * (RFC 7517 section 4). Key pairs are made in parallel, off the main thread.
 *
 * @param name name of the issuer in the scenario
 * @param spec what the scenario says about it, with `${…}` filled in
 * @param runId makes a `kid` that was not given unique to this run
 * @param pairOf where a pair of keys comes from; default: it is made
 * @throws HarnessError `E_TOKEN` when an algorithm is not known, or when one key and several are asked for at once
 */
export async function makeIssuerKeys(
  name: string,
  spec: IssuerSpec,
  runId: string,
  pairOf: (algorithm: Algorithm) => Promise<Pair> = makePair,
): Promise<IssuerKeys> {
  const keys = new Map(
    await Promise.all(
      keySpecs(name, spec, runId).map(
        async ([keyName, kid, algorithm, jwk]) =>
          [keyName, await makeKey(kid, algorithm, pairOf, jwk)] as const,
      ),
    ),
  );
  return {
    name,
    issuer: spec.issuer,
    keys,
    jwks: () => ({ keys: [...keys.values()].map((key) => ({ ...key.publicJwk })) }),
  };
}

/** Pairs of this process by algorithm, for keys that no mesh gets to see. */
const pairs = new Map<Algorithm, Promise<Pair>[]>();

/** An RSA key of this size takes a tenth of the time, and still has room for what PS512 signs. */
const predictedRsaBits = 1088;

/**
 * {@link makeIssuerKeys} for keys that no mesh gets to see: pairs are made once for this process, and smaller, because an RSA
 * one takes a fifth of a second otherwise. All pairs of one `runId` are different; those of another one are the same again.
 */
export function reusingPairs(): typeof makeIssuerKeys {
  const taken = new Map<string, number>();
  const pairOf = (runId: string, algorithm: Algorithm): Promise<Pair> => {
    const owner = JSON.stringify([runId, algorithm]);
    const index = taken.get(owner) ?? 0;
    taken.set(owner, index + 1);
    const made = pairs.get(algorithm) ?? [];
    pairs.set(algorithm, made);
    made[index] ??= makePair(algorithm, predictedRsaBits);
    return made[index];
  };
  return (name, spec, runId) => makeIssuerKeys(name, spec, runId, (algorithm) => pairOf(runId, algorithm));
}

type Members = Readonly<Record<string, unknown>>;

function keySpecs(
  name: string,
  spec: IssuerSpec,
  runId: string,
): [string, string, Algorithm, Members | undefined][] {
  if (spec.keys === undefined) {
    return [['default', spec.kid ?? `${name}-${runId}`, checked(name, spec.algorithm ?? 'RS256'), undefined]];
  }
  if (spec.algorithm !== undefined || spec.kid !== undefined) {
    throw new HarnessError(
      'E_TOKEN',
      `issuer ${name} has both "keys" and an "algorithm" or "kid" of its own`,
      {
        hint: 'Write algorithm and kid below each entry of "keys", or leave "keys" away.',
      },
    );
  }
  const entries = Object.entries(spec.keys);
  if (entries.length === 0) {
    throw new HarnessError('E_TOKEN', `issuer ${name} has no keys`, {
      hint: 'Name at least one below "keys", such as "current: { algorithm: RS256 }", or leave "keys" away.',
    });
  }
  return entries.map(([keyName, key]) => [
    keyName,
    key.kid ?? `${name}.${keyName}-${runId}`,
    checked(`${name}, key ${keyName}`, key.algorithm),
    key.jwk,
  ]);
}

function checked(owner: string, algorithm: string): Algorithm {
  if (isAlgorithm(algorithm)) return algorithm;
  throw new HarnessError('E_TOKEN', `issuer ${owner}: there is no algorithm "${algorithm}"`, {
    hint: `Write one of ${keyAlgorithms.join(', ')}. To send another alg in the header of a token, use its "header".`,
  });
}

/** @param members what is added to its JWK, or replaces what is there; null removes */
async function makeKey(
  kid: string,
  algorithm: Algorithm,
  pairOf: (algorithm: Algorithm) => Promise<Pair>,
  members: Members = {},
): Promise<IssuerKey> {
  const { kty, hashBytes } = algorithmInfo[algorithm];
  const common = { kty, kid, use: 'sig', alg: algorithm };
  const withMembers = (jwk: object) => withoutNulls(mergeMaps({ ...jwk }, members), `key ${kid}: jwk`) as JWK;
  if (kty === 'oct') {
    const secret = new Uint8Array(randomBytes(hashBytes));
    const k = Buffer.from(secret).toString('base64url');
    rememberSecret(k);
    return { kid, algorithm, privateKey: secret, publicJwk: withMembers({ ...common, k }) };
  }
  const [privateKey, jwk] = await pairOf(algorithm);
  return { kid, algorithm, privateKey, publicJwk: withMembers({ ...common, ...jwk }) };
}

/** A new pair of keys. @param rsaBits size of RSA keys; 2048 is the smallest that jose makes */
export async function makePair(algorithm: Algorithm, rsaBits = 2048): Promise<Pair> {
  const nodeKeys = nodeKeysOf(algorithm, rsaBits);
  if (nodeKeys !== undefined) {
    const { publicKey, privateKey } = await nodeKeys;
    return [privateKey, publicKey.export({ format: 'jwk' })];
  }
  // Extractable, because forging hands the key over to node:crypto. 2048 bits is jose's size for RSA.
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return [privateKey, await exportJWK(publicKey)];
}

const generatePair = promisify(generateNodeKeys);

/** Pairs that jose does not make; undefined for all others. */
function nodeKeysOf(algorithm: Algorithm, rsaBits: number) {
  if (algorithm === 'Ed448') return generatePair('ed448');
  if (algorithm === 'ES256K') return generatePair('ec', { namedCurve: 'secp256k1' });
  const isSmall = algorithmInfo[algorithm].kty === 'RSA' && rsaBits < 2048;
  return isSmall ? generatePair('rsa', { modulusLength: rsaBits }) : undefined;
}

/** The public half in PEM (SubjectPublicKeyInfo); undefined for a secret, which has none. */
export function publicPem({ privateKey }: Pick<IssuerKey, 'privateKey'>): string | undefined {
  if (privateKey instanceof Uint8Array) return undefined;
  return publicKeyOf(privateKey).export({ type: 'spki', format: 'pem' }).toString();
}

/** @param privateKey no secret */
export function publicKeyOf(privateKey: Exclude<SigningKey, Uint8Array>): KeyObject {
  return createPublicKey(
    privateKey instanceof KeyObject
      ? privateKey
      : KeyObject.from(privateKey as Parameters<typeof KeyObject.from>[0]),
  );
}
