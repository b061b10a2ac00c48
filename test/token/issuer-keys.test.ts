import { describe, expect, it } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import { algorithms } from '../../src/scenario/format/schema.ts';
import { makeIssuerKeys, reusingPairs } from '../../src/token/issuer-keys.ts';

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi'];

describe('makeIssuerKeys', () => {
  it('names the one key of an issuer "default", RS256 unless told otherwise', async () => {
    const keys = await makeIssuerKeys('sample', { issuer: 'testing@secure.istio.io' }, 'r1');
    expect([...keys.keys.keys()]).toEqual(['default']);
    expect(keys).toMatchObject({ name: 'sample', issuer: 'testing@secure.istio.io' });
    expect(keys.jwks().keys).toEqual([
      { kty: 'RSA', kid: 'sample-r1', use: 'sig', alg: 'RS256', n: expect.any(String), e: 'AQAB' },
    ]);
    expect(Buffer.from(keys.jwks().keys[0]?.n ?? '', 'base64url')).toHaveLength(256);
  });

  it('makes a JWK for each of the 13 algorithms, in the order given and without private members', async () => {
    const spec = {
      issuer: 'i',
      keys: Object.fromEntries(algorithms.map((algorithm) => [algorithm, { algorithm }])),
    };
    const keys = await makeIssuerKeys('all', spec, 'r1');
    const jwks = keys.jwks().keys;
    expect(jwks.map((jwk) => jwk.alg)).toEqual([...algorithms]);
    expect(
      jwks.map(({ alg, kty, crv, use, kid }) => `${alg} ${kty} ${crv} ${use} ${kid}`),
    ).toMatchInlineSnapshot(`
      [
        "ES256 EC P-256 sig all.ES256-r1",
        "ES384 EC P-384 sig all.ES384-r1",
        "ES512 EC P-521 sig all.ES512-r1",
        "HS256 oct undefined sig all.HS256-r1",
        "HS384 oct undefined sig all.HS384-r1",
        "HS512 oct undefined sig all.HS512-r1",
        "RS256 RSA undefined sig all.RS256-r1",
        "RS384 RSA undefined sig all.RS384-r1",
        "RS512 RSA undefined sig all.RS512-r1",
        "PS256 RSA undefined sig all.PS256-r1",
        "PS384 RSA undefined sig all.PS384-r1",
        "PS512 RSA undefined sig all.PS512-r1",
        "EdDSA OKP Ed25519 sig all.EdDSA-r1",
      ]
    `);
    for (const jwk of jwks)
      expect(Object.keys(jwk).filter((member) => privateMembers.includes(member))).toEqual([]);
    expect(
      jwks.filter((jwk) => jwk.kty === 'oct').map((jwk) => Buffer.from(jwk.k ?? '', 'base64url').length),
    ).toEqual([32, 48, 64]);
  });

  it('takes a kid that is given, and never gives the same one to two keys or two runs', async () => {
    const spec = {
      issuer: 'i',
      keys: { old: { algorithm: 'ES256' as const, kid: 'mine' }, next: { algorithm: 'ES256' as const } },
    };
    const [first, second] = await Promise.all([
      makeIssuerKeys('a', spec, 'r1'),
      makeIssuerKeys('a', spec, 'r2'),
    ]);
    const kids = [first, second].flatMap((issuer) => issuer.jwks().keys.map((jwk) => jwk.kid));
    expect(kids).toEqual(['mine', 'a.next-r1', 'mine', 'a.next-r2']);
    expect(first.keys.get('next')?.publicJwk.x).not.toBe(second.keys.get('next')?.publicJwk.x);
  });

  it('makes private keys that node:crypto can be given', async () => {
    const keys = await makeIssuerKeys('a', { issuer: 'i', algorithm: 'ES256' }, 'r1');
    expect(keys.keys.get('default')?.privateKey).toMatchObject({ type: 'private', extractable: true });
  });

  it('hands out a JWKS that can be changed without changing the issuer', async () => {
    const keys = await makeIssuerKeys('a', { issuer: 'i', algorithm: 'EdDSA', kid: 'k' }, 'r1');
    const mine = keys.jwks();
    delete mine.keys[0]?.kid;
    mine.keys.push({ kty: 'oct' });
    expect(keys.jwks().keys.map((jwk) => jwk.kid)).toEqual(['k']);
  });

  it.each([
    [
      { issuer: 'i', algorithm: 'rs256' },
      'issuer a: there is no algorithm "rs256"',
      'Write one of ES256, ES384, ES512, ',
    ],
    [
      { issuer: 'i', keys: { k: { algorithm: 'none' } } },
      'issuer a, key k: there is no algorithm "none"',
      'ES256',
    ],
    [{ issuer: 'i', keys: {} }, 'issuer a has no keys', 'current'],
    [
      { issuer: 'i', algorithm: 'RS256', keys: { k: { algorithm: 'RS256' } } },
      'issuer a has both "keys" and an "algorithm" or "kid" of its own',
      'below each entry',
    ],
    [
      { issuer: 'i', kid: 'mine', keys: { k: { algorithm: 'RS256' } } },
      'issuer a has both "keys" and an "algorithm" or "kid" of its own',
      'below each entry',
    ],
  ])('refuses %j', async (spec, message, hint) => {
    const error = await makeIssuerKeys('a', spec as never, 'r1').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HarnessError);
    expect(error).toMatchObject({ code: 'E_TOKEN', message, hint: expect.stringContaining(hint) });
  });
});

describe('reusingPairs', () => {
  const xOf = ({ keys }: Awaited<ReturnType<typeof makeIssuerKeys>>) =>
    [...keys.values()].map(({ publicJwk }) => publicJwk.x);

  it('has other pairs for all keys of a scenario, and the same ones for the next', async () => {
    const make = reusingPairs();
    const [two, one] = [
      { a: { algorithm: 'ES384' as const }, b: { algorithm: 'ES384' as const } },
      'ES384' as const,
    ];
    const first = await make('x', { issuer: 'i', keys: two }, 'r-0');
    const second = await make('y', { issuer: 'i', algorithm: one }, 'r-0');
    const mine = [...xOf(first), ...xOf(second)];
    expect(new Set(mine).size).toBe(3);
    const next = await make('x', { issuer: 'i', keys: two }, 'r-1');
    expect(xOf(next)).toEqual(xOf(first));
    expect(next.jwks().keys.map(({ kid }) => kid)).toEqual(['x.a-r-1', 'x.b-r-1']);
    // Whoever asks anew begins with the first one.
    expect(xOf(await reusingPairs()('z', { issuer: 'i', algorithm: one }, 'r-0'))).toEqual([xOf(first)[0]]);
  });
});
