/** Keys and tokens of all algorithms, made by jose: another implementation. */
import { exportJWK, generateKeyPair, generateSecret, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { type Jwt, parseJwt } from '../../src/policy/jwt.ts';
import { verifyWith } from '../../src/policy/verify.ts';
import { algorithms } from '../../src/scenario/format/schema-tokens.ts';

async function made(alg: string, kid?: string) {
  const isSecret = alg.startsWith('HS');
  const pair = isSecret ? undefined : await generateKeyPair(alg, { extractable: true });
  const secret = isSecret ? await generateSecret(alg, { extractable: true }) : undefined;
  const signing = pair?.privateKey ?? secret!;
  const jwk = await exportJWK(pair?.publicKey ?? secret!);
  const header = { alg, ...(kid === undefined ? {} : { kid }) };
  const text = await new SignJWT({ iss: 'a' }).setProtectedHeader(header).sign(signing);
  return { jwk, jwt: parseJwt(text) as Jwt };
}
const set = (...keys: object[]) => JSON.stringify({ keys });
const noKey = "Jwks doesn't have key to match kid or alg from Jwt";
const fails = 'Jwt verification fails';

test.each(algorithms)('%s is verified by its own key, and by no other', async (alg) => {
  const [one, other] = await Promise.all([made(alg), made(alg)]);
  expect(verifyWith(set(one.jwk), one.jwt)).toBe('Ok');
  expect(verifyWith(set(other.jwk, one.jwk), one.jwt)).toBe('Ok');
  expect(verifyWith(set(other.jwk), one.jwt)).toBe(fails);
  const changed = { ...one.jwt, signingInput: `${one.jwt.signingInput}x` };
  expect(verifyWith(set(one.jwk), changed)).toBe(fails);
});

describe('a key is tried', async () => {
  const { jwk, jwt } = await made('ES256', 'a');
  test.each<[string, object, string]>([
    ['when both have the same kid', { kid: 'a' }, 'Ok'],
    ['when it has none', {}, 'Ok'],
    ['but not with another kid', { kid: 'b' }, noKey],
    ['when its alg is that of the token', { alg: 'ES256' }, 'Ok'],
    ['but not with another alg', { alg: 'ES384' }, noKey],
    ['also when it is for encryption', { use: 'enc' }, 'Ok'],
    ['and is of no use when it is broken', { x: 'AA' }, fails],
    ['and is of no use when it is of another type', { kty: 'RSA' }, fails],
  ])('%s', (_, more, result) => {
    expect(verifyWith(set({ ...jwk, ...more }), jwt)).toBe(result);
  });

  test('when the token has no kid, each is', async () => {
    const { jwk: own, jwt: plain } = await made('ES256');
    expect(verifyWith(set({ ...jwk, kid: 'x' }, { ...own, kid: 'y' }), plain)).toBe('Ok');
  });

  test.each(['', '{}', 'null', '{"keys":5}', '{"keys":[null]}'])('none is in %j', (jwks) => {
    expect(verifyWith(jwks, jwt)).toBe(noKey);
  });
});
