import { createLocalJWKSet, jwtVerify } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseJwt } from '../../src/policy/jwt.ts';
import { verifyWith } from '../../src/policy/verify.ts';
import { type MutationName, mutations } from '../../src/scenario/format/mutations.ts';
import type { TokenSpec } from '../../src/scenario/format/schema.ts';
import { redact } from '../../src/token/decode.ts';
import { type IssuerKeys, makeIssuerKeys, publicPem } from '../../src/token/issuer-keys.ts';
import { mintTokens } from '../../src/token/mint.ts';

const issuers = new Map<string, IssuerKeys>();
const claims = { sub: 'a', aud: 'b', exp: 4_685_989_700 };

beforeAll(async () => {
  const specs = {
    rsa: 'RS256',
    curve: 'ES256',
    edwards: 'EdDSA',
    secret: 'HS256',
    odd: 'ES256K',
    ed448: 'Ed448',
  };
  for (const [name, algorithm] of Object.entries(specs))
    issuers.set(name, await makeIssuerKeys(name, { issuer: 'me', algorithm: algorithm as 'RS256' }, 'run'));
});

async function mint(spec: TokenSpec): Promise<string> {
  const minted = await mintTokens({ it: spec }, issuers);
  return minted.get('it')?.value ?? '';
}

/** Whether Envoy takes it, as the model knows it, and whether jose does. */
async function accepted(token: string, issuer: string): Promise<{ envoy: boolean; jose: boolean }> {
  const jwks = issuers.get(issuer)!.jwks();
  const jwt = parseJwt(token);
  // What is signed for somebody else, or by nobody, is refused before or after the signature is looked at.
  const envoy =
    typeof jwt !== 'string' && jwt.issuer === 'me' && verifyWith(JSON.stringify(jwks), jwt) === 'Ok';
  const jose = await jwtVerify(token, createLocalJWKSet(jwks), { issuer: 'me' }).then(
    () => true,
    () => false,
  );
  return { envoy, jose };
}

describe.each(['rsa', 'curve', 'edwards'])('tokens of an issuer with %s keys', (issuer) => {
  test('are accepted as they are', async () => {
    expect(await accepted(await mint({ issuer, claims }), issuer)).toEqual({ envoy: true, jose: true });
  });

  test.each(mutations)('are refused when they are forged: %s', async (mutate) => {
    const token = await mint({ issuer, claims, mutate });
    expect(token).not.toBe(await mint({ issuer, claims }));
    expect(await accepted(token, issuer)).toEqual({ envoy: false, jose: false });
  });
});

test('each way makes another token', async () => {
  const all = await Promise.all(mutations.map((mutate) => mint({ issuer: 'rsa', claims, mutate })));
  expect(new Set(all).size).toBe(mutations.length);
  expect(new Set(mutations).size).toBe(mutations.length);
});

test('a forger who takes the public key for a secret signs as a naive verifier would', async () => {
  const jwt = parseJwt(await mint({ issuer: 'rsa', claims, mutate: 'HS256 with the public key in PEM' }));
  const k = Buffer.from(publicPem(issuers.get('rsa')!.keys.get('default')!)!).toString('base64url');
  expect(typeof jwt === 'string' ? jwt : verifyWith(JSON.stringify({ keys: [{ kty: 'oct', k }] }), jwt)).toBe(
    'Ok',
  );
});

test('a secret has no public key to forge with', async () => {
  const mutate: MutationName = 'HS256 with the public key in PEM';
  await expect(mint({ issuer: 'secret', claims, mutate })).rejects.toMatchObject({
    code: 'E_TOKEN',
    message: expect.stringContaining('has no public half'),
  });
});

describe('tokens to the letter', () => {
  const parts = async (spec: TokenSpec) => (await mint(spec)).split('.');
  const text = (part = '') => Buffer.from(part, 'base64url').toString();

  test('are signed as they are sent', async () => {
    const payload = '{ "iss" : "me" }';
    const token = await mint({ issuer: 'rsa', exact: { payload } });
    expect(text(token.split('.')[1])).toBe(payload);
    expect((await accepted(token, 'rsa')).envoy).toBe(true);
    const header = '{"alg":"RS256"}';
    expect(text((await parts({ issuer: 'rsa', exact: { header } }))[0])).toBe(header);
    expect((await parts({ issuer: 'rsa', exact: { signature: 'x' } }))[2]).toBe('x');
  });

  test('have other forms', async () => {
    const padded = await parts({ issuer: 'rsa', claims, form: 'padded' });
    expect(padded.every((part) => part.length % 4 === 0)).toBe(true);
    expect(padded.some((part) => part.endsWith('='))).toBe(true);
    expect((await parts({ issuer: 'rsa', claims, form: 'base64' })).join('')).not.toMatch(/[-_]/);
    // A SEQUENCE of two INTEGERs.
    const der = Buffer.from((await parts({ issuer: 'curve', claims, form: 'der' }))[2] ?? '', 'base64url');
    expect([der[0], der[2]]).toEqual([0x30, 0x02]);
  });

  test('are signed with any text', async () => {
    const token = await mint({ issuer: 'rsa', claims, header: { alg: 'HS512' }, secret: 'abc' });
    const jwk = { kty: 'oct', k: Buffer.from('abc').toString('base64url') };
    const jwt = parseJwt(token);
    expect(typeof jwt === 'string' ? jwt : verifyWith(JSON.stringify({ keys: [jwk] }), jwt)).toBe('Ok');
  });

  test.each(['exact', 'form', 'mutate'] as const)('%s and tamper contradict each other', async (field) => {
    const value = { exact: { payload: 'a' }, form: 'padded', mutate: 'alg none' }[field];
    await expect(
      mint({ issuer: 'rsa', tamper: 'payload', [field]: value } as TokenSpec),
    ).rejects.toMatchObject({
      code: 'E_TOKEN',
    });
  });
});

test.each([
  ['no kid any more', { header: { kid: null, typ: null } }],
  ['other typ', { header: { typ: 'JWS-other' } }],
  ['other aud', { claims: { aud: 'another-audience' } }],
  ['one more claim', { claims: { admin: true } }],
] as const)('%s is refused where it changes nothing', async (mutate, spec) => {
  await expect(mint({ issuer: 'curve', mutate, ...spec } as TokenSpec)).rejects.toMatchObject({
    code: 'E_TOKEN',
    message: `token "it": "${mutate}" changes nothing in it`,
  });
});

test.each(['odd', 'ed448'])('a token of the issuer %s can be forged in every way', async (issuer) => {
  for (const mutate of mutations)
    expect((await accepted(await mint({ issuer, claims, mutate }), issuer)).jose).toBe(false);
});

test.each([
  { secret: 'a', signedBy: 'rsa' },
  { secret: 'a', unsigned: true },
  { secret: 'a', mutate: 'no alg' },
  { signedBy: 'rsa', mutate: 'no alg' },
  { signedBy: 'rsa', exact: { signature: 'AAAA' } },
] as const)('a token cannot be signed in two ways: %j', async (spec) => {
  await expect(mint({ issuer: 'curve', ...spec })).rejects.toMatchObject({
    code: 'E_TOKEN',
    message: expect.stringContaining('cannot have both'),
  });
});

test.each([
  ['odd', 'ES256K', 'secp256k1'],
  ['ed448', 'Ed448', 'Ed448'],
])('%s keys, which jose does not make, sign with %s', async (issuer, alg, crv) => {
  const [header = '', , signature = ''] = (await mint({ issuer, claims })).split('.');
  expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ alg });
  expect(signature.length).toBeGreaterThan(80);
  expect(issuers.get(issuer)!.jwks().keys[0]).toMatchObject({ crv, alg });
});

test('members of a JWK are added, replaced and removed, and nothing private comes in', async () => {
  const jwk = { use: 'enc', kid: null, x5c: ['MIIB'] };
  const keys = { good: { algorithm: 'ES256' as const }, odd: { algorithm: 'ES256' as const, jwk } };
  const made = await makeIssuerKeys('several', { issuer: 'me', keys }, 'run');
  const [good, odd] = made.jwks().keys;
  expect(good).toMatchObject({ use: 'sig', kid: 'several.good-run' });
  expect(odd).toMatchObject({ use: 'enc', x5c: ['MIIB'], crv: 'P-256' });
  expect(odd).not.toHaveProperty('kid');
  expect(odd).not.toHaveProperty('d');
});

test('what is remembered of mutated tokens hides no header of others, without which these are no tokens', async () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const ofOthers = (alg: string) => `${part({ alg })}.${part({ iss: 'me' })}`;
  for (const mutate of mutations) await mint({ issuer: 'rsa', claims, mutate });
  for (const alg of ['RS256', 'ES256', 'none'])
    expect(redact(`${ofOthers(alg)}.c2lnbmF0dXJlLWZvci10ZXN0`)).toBe(`${ofOthers(alg)}.<signature>`);
});
