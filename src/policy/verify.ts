/** Whether keys verify a token, as Envoy decides it (source/common/jwt/verify.cc, jwks.cc). */
import {
  constants,
  createHmac,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import type { Verification } from './input.ts';
import type { Jwt } from './jwt.ts';

interface Jwk extends JsonWebKey {
  readonly kid?: string;
  readonly alg?: string;
}

/** A key that Envoy takes. An empty kid or alg, or one that is no text, counts for none. */
interface Key {
  readonly kid: string | undefined;
  readonly alg: string | undefined;
  check(jwt: Jwt): Verification;
}

const fails = 'Jwt verification fails';

/**
 * A key is tried when its kid and its alg are those of the token, as far as both have one. What the type of the key has to do
 * with the alg of the token, only the alg of the key says.
 *
 * @param jwks JSON of the rule
 * @returns 'unknown' when there is no key that Envoy takes: then it takes none of the configuration
 */
export function verifyWith(jwks: string, jwt: Jwt): Verification {
  const keys = keysOf(jwks).flatMap((jwk) => takenOf(jwk) ?? []);
  if (keys.length === 0) return 'unknown';
  const fitting = keys.filter(
    ({ kid, alg }) =>
      (kid === undefined || jwt.kid === undefined || kid === jwt.kid) &&
      (alg === undefined || alg === jwt.alg),
  );
  if (fitting.length === 0) return "Jwks doesn't have key to match kid or alg from Jwt";
  for (const key of fitting) {
    const result = key.check(jwt);
    if (result !== fails) return result;
  }
  return fails;
}

/** The keys of a JWKS as they are written; none of what is no JWKS. */
export function keysOf(jwks: string): readonly Jwk[] {
  try {
    const { keys } = JSON.parse(jwks) as { keys?: unknown };
    return Array.isArray(keys) ? keys.filter((key) => typeof key === 'object' && key !== null) : [];
  } catch {
    return [];
  }
}

/** The curve of a key of elliptic curves follows from its alg, and is P-256 when it has neither. */
const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

/** Undefined for a key that Envoy passes over. */
function takenOf(jwk: Jwk): Key | undefined {
  const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
  const [kid, alg] = [textOf(jwk.kid), textOf(jwk.alg)];
  const taken = (algs: RegExp, check: Key['check']) =>
    alg === undefined || algs.test(alg) ? { kid, alg, check } : undefined;
  if (jwk.kty === 'oct') {
    const secret = Buffer.from(jwk.k ?? '', 'base64url');
    return secret.length === 0 ? undefined : taken(/^HS(?:256|384|512)$/, (jwt) => ofSecret(secret, jwt));
  }
  const crv = textOf(jwk.crv) ?? curves[alg ?? 'ES256'] ?? '';
  const key = publicKey(jwk.kty === 'EC' ? { ...jwk, crv } : jwk);
  if (key === undefined) return undefined;
  switch (key.asymmetricKeyType) {
    case 'rsa': {
      const { publicExponent } = key.asymmetricKeyDetails ?? {};
      return publicExponent === 3n || publicExponent === 65537n
        ? taken(/^[RP]S/, (jwt) => ofRsa(key, jwt))
        : undefined;
    }
    case 'ec':
      return Object.entries(curves).some(([own, curve]) => curve === crv && own === (alg ?? own))
        ? taken(/^ES/, (jwt) => ofCurve(key, jwt))
        : undefined;
    case 'ed25519':
      return taken(/^EdDSA$/, (jwt) => ofEd25519(key, jwt));
    default:
      return undefined;
  }
}

function publicKey(jwk: Jwk): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** SHA-256, unless the alg is of the same family and says another. */
function hashFor({ alg }: Jwt, families: RegExp): string {
  return families.test(alg) && /384$|512$/.test(alg) ? `sha${alg.slice(2)}` : 'sha256';
}

const resultOf = (isGood: boolean): Verification => (isGood ? 'Ok' : fails);

function ofSecret(secret: Buffer, jwt: Jwt): Verification {
  const expected = createHmac(hashFor(jwt, /^HS/), secret).update(jwt.signingInput).digest();
  return resultOf(expected.length === jwt.signature.length && timingSafeEqual(expected, jwt.signature));
}

function ofRsa(key: KeyObject, jwt: Jwt): Verification {
  if (!/^[RP]S/.test(jwt.alg)) return fails;
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return isSigned(hashFor(jwt, /^[RP]S/), { key, ...(jwt.alg.startsWith('PS') ? pss : {}) }, jwt);
}

function ofCurve(key: KeyObject, jwt: Jwt): Verification {
  return isSigned(hashFor(jwt, /^ES/), { key, dsaEncoding: 'ieee-p1363' }, jwt);
}

/** Whatever the alg of the token. Of a signature of another length it is the last key that is asked. */
function ofEd25519(key: KeyObject, jwt: Jwt): Verification {
  return jwt.signature.length === 64 ? isSigned(null, { key }, jwt) : 'Jwt ED25519 signature is wrong length';
}

function isSigned(hash: string | null, options: Parameters<typeof verify>[2], jwt: Jwt): Verification {
  try {
    return resultOf(verify(hash, Buffer.from(jwt.signingInput), options, jwt.signature));
  } catch {
    return fails;
  }
}
