/**
 * Ways to forge a token without the key of its issuer, or to make one that is none: what jwt_tool tries
 * (github.com/ticarpi/jwt_tool, its attacks X and its checklist) and what RFC 8725, section 2, warns of. No verifier may
 * accept any of them.
 */
export const mutations = [
  // Nobody has signed it (RFC 8725, section 2.1).
  'alg none',
  'alg None',
  'alg NONE',
  'alg nOnE',
  'alg none, signature kept',
  'no signature',
  'no third part',
  'signature cut',
  'signature of zeros',
  'one bit of the signature',
  'signature of another token',
  // Its content is not what was signed.
  'other sub',
  'other iss',
  'other aud',
  'later exp',
  'one more claim',
  'a claim twice',
  'no kid any more',
  'other typ',
  'other alg of the family',
  // A public key for a secret, and secrets that everybody knows (sections 2.1 and 2.2).
  'HS256 with the public key in PEM',
  'HS256 with the public key in PEM, no line break at its end',
  'HS256 with the public key in DER',
  'HS256 with the public key as JWK',
  'HS256 with an empty secret',
  'HS256 with the secret "secret"',
  // Another key, and a header that points to it (section 2.10).
  'another key',
  'another key as jwk',
  'another key at jku',
  'another key at x5u',
  'kid ../../../../dev/null',
  'kid with SQL',
  // Other forms (sections 2.3 and 2.6).
  'no alg',
  'alg in lower case',
  'header no JSON',
  'payload no JSON',
  'payload in UTF-16',
  'payload a list',
  'no payload',
  'JSON serialization',
  'five parts, as if encrypted',
  'two tokens in one',
] as const;

/** Those that need the public half of the key, which a secret has not. */
export const ofPublicKeys: readonly MutationName[] = [
  'HS256 with the public key in PEM',
  'HS256 with the public key in PEM, no line break at its end',
  'HS256 with the public key in DER',
  'another key',
  'another key as jwk',
  'another key at jku',
  'another key at x5u',
];

export type MutationName = (typeof mutations)[number];
