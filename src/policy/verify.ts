/** Whether keys verify a token, as Envoy decides it (source/common/jwt/verify.cc, jwks.cc). */
import {
  constants,
  createHmac,
  createPublicKey,
  type JsonWebKey,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import type { Verification } from './input.ts';
import type { Jwt } from './jwt.ts';

interface Key extends JsonWebKey {
  readonly kid?: string;
  readonly alg?: string;
}

/** The first characters of an algorithm say which type of key it needs. */
const keyTypes: Readonly<Record<string, string>> = { RS: 'RSA', PS: 'RSA', ES: 'EC', HS: 'oct', Ed: 'OKP' };

/**
 * A key is tried when its kid and its alg are those of the token, as far as both have one.
 *
 * @param jwks JSON of the rule
 */
export function verifyWith(jwks: string, jwt: Jwt): Verification {
  const keys = keysOf(jwks);
  const fitting = keys.filter(
    ({ kid, alg }) =>
      (kid === undefined || jwt.kid === undefined || kid === jwt.kid) &&
      (alg === undefined || alg === jwt.alg),
  );
  if (fitting.length === 0) return "Jwks doesn't have key to match kid or alg from Jwt";
  return fitting.some((key) => isSignedBy(key, jwt)) ? 'Ok' : 'Jwt verification fails';
}

/** The keys of a JWKS as they are written; none of what is no JWKS. */
export function keysOf(jwks: string): readonly Key[] {
  try {
    const { keys } = JSON.parse(jwks) as { keys?: unknown };
    return Array.isArray(keys) ? keys.filter((key) => typeof key === 'object' && key !== null) : [];
  } catch {
    return [];
  }
}

function isSignedBy(key: Key, { alg, signingInput, signature }: Jwt): boolean {
  if (key.kty !== keyTypes[alg.slice(0, 2)]) return false;
  const hash = `sha${alg.slice(2)}`;
  try {
    if (key.kty === 'oct') {
      const expected = createHmac(hash, Buffer.from(key.k ?? '', 'base64url'))
        .update(signingInput)
        .digest();
      return expected.length === signature.length && timingSafeEqual(expected, signature);
    }
    const isPss = alg.startsWith('PS');
    const options = {
      key: createPublicKey({ key, format: 'jwk' }),
      ...(key.kty === 'EC' ? { dsaEncoding: 'ieee-p1363' as const } : {}),
      ...(isPss
        ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
        : {}),
    };
    return verify(alg === 'EdDSA' ? null : hash, Buffer.from(signingInput), options, signature);
  } catch {
    // No key that could be one.
    return false;
  }
}
