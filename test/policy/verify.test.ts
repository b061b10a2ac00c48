/** Keys and tokens of all algorithms, made by jose: another implementation. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
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
    ['when its kid and its alg are empty', { kid: '', alg: '' }, 'Ok'],
    ['when its kid is no text', { kid: 5 }, 'Ok'],
    ['when only its alg says its curve', { crv: undefined, alg: 'ES256' }, 'Ok'],
    ['when nothing says its curve', { crv: undefined }, 'Ok'],
    ['also when it is for encryption', { use: 'enc' }, 'Ok'],
    // Envoy does not take it, so it is not that its signature would not fit.
    ['but not when its alg is of another curve', { alg: 'ES384' }, noKey],
    ['but not when it is broken', { x: 'AA' }, noKey],
    ['but not when it is of another type', { kty: 'RSA' }, noKey],
    ['but not when its curve is another one', { crv: 'secp256k1' }, noKey],
  ])('%s', (_, more, result) => {
    expect(verifyWith(set({ ...jwk, ...more }, { ...jwk, kid: 'other' }), jwt)).toBe(result);
  });

  test('but not one of RSA with another exponent than 3 and 65537, nor a secret that is empty', async () => {
    const { jwk: rsa, jwt: signed } = await made('RS256', 'a');
    expect(verifyWith(set({ ...rsa, e: 'EQ' }, { ...jwk, kid: 'b' }), signed)).toBe(noKey);
    expect(verifyWith(set({ kty: 'oct', k: '', kid: 'a' }, { ...jwk, kid: 'b' }), signed)).toBe(noKey);
  });

  test('when the token has no kid, each is', async () => {
    const { jwk: own, jwt: plain } = await made('ES256');
    expect(verifyWith(set({ ...jwk, kid: 'x' }, { ...own, kid: 'y' }), plain)).toBe('Ok');
  });

  test.each([
    ...['', '{}', 'null', '{"keys":5}', '{"keys":[null]}'],
    set({ kty: 'EC', crv: 'secp256k1' }, { kty: 'OKP', crv: 'X25519' }),
  ])('what Envoy does with none in %j is not known: it goes on with what it had', (jwks) => {
    expect(verifyWith(jwks, jwt)).toBe('unknown');
  });
});

/** Seen with real Envoy 1.40: only the alg of the key, where there is one, ties the alg of the token to its type. */
describe('a token that says another algorithm than that by which it is signed', () => {
  const [ec, ed] = [generateKeyPairSync('ec', { namedCurve: 'P-256' }), generateKeyPairSync('ed25519')];
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const secret = Buffer.from('secret');
  const jwkOf = ({ publicKey }: { publicKey: KeyObject }) => publicKey.export({ format: 'jwk' });
  const token = (alg: string, signed: (input: Buffer) => Buffer) => {
    const input = `${Buffer.from(JSON.stringify({ alg })).toString('base64url')}.e30`;
    return parseJwt(`${input}.${signed(Buffer.from(input)).toString('base64url')}`) as Jwt;
  };
  const byCurve = (input: Buffer) => sign('sha256', input, { key: ec.privateKey, dsaEncoding: 'ieee-p1363' });
  const byRsa = (input: Buffer) => sign('sha256', input, rsa.privateKey);
  const bySecret = (input: Buffer) => createHmac('sha256', secret).update(input).digest();
  const wrongLength = 'Jwt ED25519 signature is wrong length';
  test.each<[string, object[], Jwt, string]>([
    ['is taken by a curve', [jwkOf(ec)], token('RS256', byCurve), 'Ok'],
    ['is refused by a curve with an alg', [{ ...jwkOf(ec), alg: 'ES256' }], token('RS256', byCurve), noKey],
    [
      'is taken by a secret',
      [{ kty: 'oct', k: secret.toString('base64url') }],
      token('ES256', bySecret),
      'Ok',
    ],
    ['is taken by Ed25519', [jwkOf(ed)], token('ES256', (input) => sign(null, input, ed.privateKey)), 'Ok'],
    ['is refused by RSA', [jwkOf(rsa)], token('ES256', byRsa), fails],
    [
      'is the end, when its length is not that of Ed25519',
      [jwkOf(ed), jwkOf(rsa)],
      token('RS256', byRsa),
      wrongLength,
    ],
    ['is taken, when RSA is asked first', [jwkOf(rsa), jwkOf(ed)], token('RS256', byRsa), 'Ok'],
  ])('%s', (_, keys, jwt, result) => {
    expect(verifyWith(set(...keys), jwt)).toBe(result);
  });
});
