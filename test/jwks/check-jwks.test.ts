import { describe, expect, it } from 'vitest';
import { checkJwks } from '../../src/jwks/check-jwks.ts';
import { algorithms } from '../../src/scenario/format/schema.ts';
import { makeIssuerKeys } from '../../src/token/issuer-keys.ts';

const rsa = { kty: 'RSA', kid: 'a', n: 'AQAB', e: 'AQAB' };
const body = (...keys: unknown[]) => JSON.stringify({ keys });

describe('checkJwks', () => {
  it('accepts what makeIssuerKeys makes for all algorithms, in any order', async () => {
    const keys = Object.fromEntries(
      algorithms.map((algorithm) => [algorithm, { algorithm, kid: algorithm }]),
    );
    const jwks = (await makeIssuerKeys('all', { issuer: 'i', keys }, 'r')).jwks();
    expect(checkJwks(JSON.stringify(jwks, null, 2), algorithms.toReversed())).toBeUndefined();
    expect(checkJwks(body(), [])).toBeUndefined();
  });

  it.each([
    ['', 'the body is empty'],
    ['<html>\n<body>Bad   Gateway', 'the body is not JSON: "<html> <body>Bad Gateway"'],
    ['x'.repeat(70), `the body is not JSON: "${'x'.repeat(60)}…"`],
    ['[]', 'the body has no list "keys", which a JWK Set must have'],
    ['null', 'the body has no list "keys", which a JWK Set must have'],
    ['{"keys":{}}', 'the body has no list "keys", which a JWK Set must have'],
    [body(rsa, 'x'), 'keys[1] is not a JSON object'],
    [body({ kid: 'a' }), 'keys[0] has no "kty", which every JWK must have'],
    [body({ kty: 'rsa' }), 'keys[0] has kty "rsa", which is not RSA, EC, oct or OKP'],
    [body({ kty: 'toString' }), 'keys[0] has kty "toString", which is not RSA, EC, oct or OKP'],
    [body({ ...rsa, e: undefined }), 'keys[0] of kty RSA has no "e"'],
    [body({ kty: 'EC', crv: 'P-256', x: 'AA' }), 'keys[0] of kty EC has no "y"'],
    [body({ kty: 'oct', k: '' }), 'keys[0] of kty oct has no "k"'],
    [body({ ...rsa, n: 'A+/=' }), 'keys[0] has a "n" that is not base64url'],
    [body({ ...rsa, d: 'AQAB' }), 'keys[0] has "d", a part of the private key'],
    [body(), 'no key has kid "a"; there is none'],
    [body({ ...rsa, kid: 'b' }, { ...rsa, kid: undefined }), 'no key has kid "a"; there is "b", none'],
    [body(rsa, { ...rsa, kid: 'old' }), 'there is a key with kid "old", which is not expected'],
    [body(rsa, { ...rsa, kid: undefined }), 'there is a key with kid none, which is not expected'],
  ])('says what is wrong with %j', (text, problem) => {
    expect(checkJwks(text, ['a'])).toBe(problem);
  });
});
