/** What each signature algorithm of RFC 7518 section 3.1 and RFC 8037 needs, in the terms of a JWK. */
import { type Algorithm, keyAlgorithms } from './schema.ts';

interface AlgorithmInfo {
  /** `kty` of its keys (RFC 7517 section 4.1). */
  readonly kty: 'RSA' | 'EC' | 'oct' | 'OKP';
  /** `crv` of its keys, for EC and OKP. */
  readonly crv?: string;
  /** Digest by the name that node:crypto uses; EdDSA brings its own. */
  readonly hash?: 'sha256' | 'sha384' | 'sha512';
  /** Bytes of the digest; RFC 7518 section 3.2 asks for HMAC secrets of at least this length. */
  readonly hashBytes: number;
}

const sha256 = { hash: 'sha256', hashBytes: 32 } as const;
const sha384 = { hash: 'sha384', hashBytes: 48 } as const;
const sha512 = { hash: 'sha512', hashBytes: 64 } as const;

export const algorithmInfo: Readonly<Record<Algorithm, AlgorithmInfo>> = {
  ES256: { kty: 'EC', crv: 'P-256', ...sha256 },
  ES384: { kty: 'EC', crv: 'P-384', ...sha384 },
  ES512: { kty: 'EC', crv: 'P-521', ...sha512 },
  HS256: { kty: 'oct', ...sha256 },
  HS384: { kty: 'oct', ...sha384 },
  HS512: { kty: 'oct', ...sha512 },
  RS256: { kty: 'RSA', ...sha256 },
  RS384: { kty: 'RSA', ...sha384 },
  RS512: { kty: 'RSA', ...sha512 },
  PS256: { kty: 'RSA', ...sha256 },
  PS384: { kty: 'RSA', ...sha384 },
  PS512: { kty: 'RSA', ...sha512 },
  EdDSA: { kty: 'OKP', crv: 'Ed25519', hashBytes: 64 },
  // Of RFC 8812 and RFC 9864; Istio supports neither.
  ES256K: { kty: 'EC', crv: 'secp256k1', ...sha256 },
  Ed448: { kty: 'OKP', crv: 'Ed448', hashBytes: 114 },
};

/** Whether this is one of the algorithms for which there can be keys, spelled as RFC 7518 spells it. */
export function isAlgorithm(value: unknown): value is Algorithm {
  return (keyAlgorithms as readonly unknown[]).includes(value);
}

/**
 * Whether a key made for `keyAlgorithm` can sign with `algorithm`: one RSA key serves all RS and PS algorithms and one
 * secret all HS algorithms, but an elliptic curve belongs to one algorithm.
 */
export function canSign(keyAlgorithm: Algorithm, algorithm: Algorithm): boolean {
  const key = algorithmInfo[keyAlgorithm];
  const wanted = algorithmInfo[algorithm];
  return key.kty === wanted.kty && key.crv === wanted.crv;
}
