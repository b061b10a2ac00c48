import { createPublicKey, verify as cryptoVerify } from 'node:crypto';
import {
  type CryptoKey,
  compactVerify,
  createLocalJWKSet,
  decodeProtectedHeader,
  exportJWK,
  importJWK,
  type JWK,
} from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import { type Algorithm, algorithms, type TokenSpec } from '../../src/scenario/format/schema.ts';
import { type IssuerKey, type IssuerKeys, makeIssuerKeys } from '../../src/token/issuer-keys.ts';
import { mintTokens } from '../../src/token/mint.ts';

const sample = 'testing@secure.istio.io';
const issuers = new Map<string, IssuerKeys>();

/** An issuer with a key for each algorithm. RSA keys take long to make, so that all its RSA algorithms share one. */
async function withAllAlgorithms(name: string, issuer: string): Promise<IssuerKeys> {
  const alone = algorithms.filter((algorithm) => algorithm === 'RS256' || !/^[RP]S/.test(algorithm));
  const specs = Object.fromEntries(alone.map((algorithm) => [algorithm, { algorithm }]));
  const made = (await makeIssuerKeys(name, { issuer, keys: specs }, 'run')).keys;
  const rsa = made.get('RS256')!;
  const privateJwk = await exportJWK(rsa.privateKey);
  const shared = async (algorithm: Algorithm): Promise<IssuerKey> => {
    const kid = `${name}.${algorithm}-run`;
    const privateKey = (await importJWK(privateJwk, algorithm, { extractable: true })) as CryptoKey;
    return { kid, algorithm, privateKey, publicJwk: { ...rsa.publicJwk, kid, alg: algorithm } };
  };
  const keys = new Map<string, IssuerKey>();
  for (const algorithm of algorithms) keys.set(algorithm, made.get(algorithm) ?? (await shared(algorithm)));
  return { name, issuer, keys, jwks: () => ({ keys: [...keys.values()].map(({ publicJwk }) => publicJwk) }) };
}

const makeAll = () =>
  Promise.all([
    makeIssuerKeys('sample', { issuer: sample, algorithm: 'RS256' }, 'run'),
    makeIssuerKeys('stranger', { issuer: 'stranger@example.com', algorithm: 'RS256' }, 'run'),
    makeIssuerKeys('curve', { issuer: 'curve', algorithm: 'ES384' }, 'run'),
    withAllAlgorithms('all', 'all'),
    withAllAlgorithms('all others', 'others'),
  ]);
/** Mutation tests run this file hundreds of times in a thread, with the same keys. */
const kept = globalThis as { issuersOfMintTests?: readonly IssuerKeys[] };

beforeAll(async () => {
  kept.issuersOfMintTests ??= await makeAll();
  for (const issuer of kept.issuersOfMintTests) issuers.set(issuer.name, issuer);
});

async function mint(tokens: Record<string, TokenSpec>): Promise<Record<string, string>> {
  const minted = await mintTokens(tokens, issuers);
  return Object.fromEntries([...minted].map(([name, token]) => [name, token.value]));
}

const one = async (spec: TokenSpec) => (await mint({ it: spec })).it ?? '';

/** The text of header and payload, byte by byte. */
const text = (token: string) =>
  token.split('.', 2).map((section) => Buffer.from(section, 'base64url').toString());

/** Verifies with the JWKS as a verifier would get it: key by kid and alg. */
async function verify(token: string, issuer: string) {
  const jwks = JSON.parse(JSON.stringify(issuers.get(issuer)?.jwks())) as { keys: JWK[] };
  const { alg, kid } = decodeProtectedHeader(token);
  // jose wants no secrets in a JWKS; Istio documents HS256 and takes them.
  const secret = jwks.keys.find((jwk) => jwk.kty === 'oct' && jwk.alg === alg && jwk.kid === kid);
  return secret ? compactVerify(token, secret) : compactVerify(token, createLocalJWKSet(jwks));
}

/** Whether the signature is RSASSA-PKCS1-v1_5 with SHA-256 by this key, whatever kid and alg the header has. */
const signedByKeyOf = (token: string, issuer: string, key: string) => {
  const { publicJwk } = issuers.get(issuer)!.keys.get(key)!;
  const [header, payload, signature] = token.split('.');
  return cryptoVerify(
    'sha256',
    Buffer.from(`${header}.${payload}`),
    createPublicKey({ key: publicJwk as never, format: 'jwk' }),
    Buffer.from(signature ?? '', 'base64url'),
  );
};

describe('a token that is in order', () => {
  it('has header and claims exactly as documented', async () => {
    const claims = { sub: sample, foo: 'bar', iat: 1532389700, exp: 4685989700 };
    const token = await one({ issuer: 'sample', claims });
    expect(text(token)).toEqual([
      '{"alg":"RS256","kid":"sample-run","typ":"JWT"}',
      '{"iss":"testing@secure.istio.io","sub":"testing@secure.istio.io","foo":"bar","iat":1532389700,"exp":4685989700}',
    ]);
    await expect(verify(token, 'sample')).resolves.toMatchObject({ protectedHeader: { kid: 'sample-run' } });
  });

  it.each(algorithms)(
    'verifies with %s, and no longer when tampered with or signed by another',
    async (key) => {
      const tokens = await mint({
        good: { issuer: 'all', key, claims: { sub: 'me', exp: 4685989700 } },
        payload: { extends: 'good', tamper: 'payload' },
        signature: { extends: 'good', tamper: 'signature' },
        'other key': { extends: 'good', signedBy: 'all others' },
        unsigned: { extends: 'good', unsigned: true },
      });
      const { good, ...bad } = tokens as { good: string };
      const { payload, protectedHeader } = await verify(good, 'all');
      expect(protectedHeader).toEqual({ alg: key, kid: `all.${key}-run`, typ: 'JWT' });
      expect(JSON.parse(Buffer.from(payload).toString())).toEqual({ iss: 'all', sub: 'me', exp: 4685989700 });
      for (const [name, token] of Object.entries(bad) as [string, string][]) {
        await expect(verify(token, 'all'), name).rejects.toMatchObject({
          code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
        });
        expect(decodeProtectedHeader(token), name).toEqual(protectedHeader);
      }
    },
  );

  it('passes claims of every JSON type through untouched', async () => {
    const claims = {
      exp: 'soon',
      nbf: -1,
      iat: 1.5,
      aud: [null, { a: null }],
      iss: 7,
      sub: true,
      n: { m: [] },
      big: 1e30,
    };
    const token = await one({ issuer: 'sample', claims });
    expect(text(token)[1]).toBe(JSON.stringify(claims));
    await expect(verify(token, 'sample')).resolves.toBeDefined();
  });
});

it.each(['Bearer eyJhbGciOiJub25lIn0.e30.', 'bearer   eyJ'])(
  '"%s" is no token, and is not shown',
  async (raw) => {
    const problem =
      'token "mine": it begins with "Bearer", which is put before every token; write the token alone';
    await expect(mint({ mine: { raw } })).rejects.toMatchObject({ code: 'E_TOKEN', message: problem });
    await expect(mint({ mine: { raw: 'Bearer of bad news' } })).resolves.toBeDefined();
  },
);

describe('extends', () => {
  it('merges maps in depth, replaces everything else, and removes what is null', async () => {
    const tokens = await mint({
      base: {
        issuer: 'sample',
        claims: { sub: 'a', aud: ['x', 'y'], realm: { roles: ['r'], name: 'n' } },
        header: { x: 1 },
      },
      child: {
        extends: 'base',
        claims: { aud: ['z'], realm: { name: null, extra: true }, foo: 'bar' },
        header: { typ: null },
      },
      grandchild: { extends: 'child', claims: { iss: null, sub: null }, header: { kid: null, x: 2 } },
    });
    expect(text(tokens.child ?? '')).toEqual([
      '{"alg":"RS256","kid":"sample-run","x":1}',
      '{"iss":"testing@secure.istio.io","sub":"a","aud":["z"],"realm":{"roles":["r"],"extra":true},"foo":"bar"}',
    ]);
    expect(text(tokens.grandchild ?? '')).toEqual([
      '{"alg":"RS256","x":2}',
      '{"aud":["z"],"realm":{"roles":["r"],"extra":true},"foo":"bar"}',
    ]);
  });

  it('replaces a map by what is none, and the other way round', async () => {
    const tokens = await mint({
      base: { issuer: 'sample', claims: { realm: { a: 1 }, sub: 'me', list: [1] } },
      child: { extends: 'base', claims: { realm: 'x', sub: { b: 2 }, list: { c: 3 } } },
    });
    expect(text(tokens.child ?? '')[1]).toBe(
      '{"iss":"testing@secure.istio.io","realm":"x","sub":{"b":2},"list":{"c":3}}',
    );
  });

  it('takes kid, alg and iss of another issuer, and forgets the key of the one before', async () => {
    const tokens = await mint({
      base: { issuer: 'all', key: 'ES256', claims: { sub: 'a' } },
      'same issuer': { extends: 'base', issuer: 'all' },
      'another issuer': { extends: 'base', issuer: 'curve' },
    });
    expect(text(tokens['same issuer'] ?? '')).toEqual(text(tokens.base ?? ''));
    expect(text(tokens['another issuer'] ?? '')).toEqual([
      '{"alg":"ES384","kid":"curve-run","typ":"JWT"}',
      '{"iss":"curve","sub":"a"}',
    ]);
    await expect(verify(tokens['another issuer'] ?? '', 'curve')).resolves.toBeDefined();
  });
});

describe('forged tokens', () => {
  it('are signed by the other issuer, but claim to be by the first', async () => {
    const tokens = await mint({
      good: { issuer: 'sample', claims: { sub: 'a' } },
      forged: { extends: 'good', signedBy: 'stranger' },
    });
    expect(text(tokens.forged ?? '')).toEqual(text(tokens.good ?? ''));
    expect(signedByKeyOf(tokens.forged ?? '', 'stranger', 'default')).toBe(true);
    expect(signedByKeyOf(tokens.forged ?? '', 'sample', 'default')).toBe(false);
  });

  it('use the key of the other issuer with the algorithm of the header when it can', async () => {
    const forged = await one({ issuer: 'all', key: 'PS512', claims: {}, signedBy: 'stranger' });
    expect(decodeProtectedHeader(forged)).toEqual({ alg: 'PS512', kid: 'all.PS512-run', typ: 'JWT' });
    const { publicJwk } = issuers.get('stranger')!.keys.get('default')!;
    await expect(compactVerify(forged, { ...publicJwk, alg: 'PS512' })).resolves.toBeDefined();
  });

  it.each([['none'], ['NONE'], ['rs256'], ['ES256K'], ['HS256'], [''], [7], [true], [['RS256']]])(
    'have alg %j in the header and a real signature all the same, and are refused',
    async (alg) => {
      const token = await one({ issuer: 'sample', header: { alg }, claims: { sub: 'a' } });
      expect(text(token)[0]).toBe(JSON.stringify({ alg, kid: 'sample-run', typ: 'JWT' }));
      expect(signedByKeyOf(token, 'sample', 'default')).toBe(true);
      await expect(verify(token, 'sample')).rejects.toThrow();
    },
  );

  it('are signed with the algorithm of their key when it has another curve', async () => {
    const token = await one({ issuer: 'curve', header: { alg: 'ES256' } });
    expect(decodeProtectedHeader(token).alg).toBe('ES256');
    const { publicJwk } = issuers.get('curve')!.keys.get('default')!;
    const [header, payload, signature] = token.split('.');
    const key = createPublicKey({ key: publicJwk as never, format: 'jwk' });
    const input = Buffer.from(`${header}.${payload}`);
    const signed = Buffer.from(signature ?? '', 'base64url');
    expect(cryptoVerify('sha384', input, { key, dsaEncoding: 'ieee-p1363' }, signed)).toBe(true);
  });

  it('may lack alg, hold an extension, a kid that is a number, or nothing at all', async () => {
    const tokens = await mint({
      'no alg': { issuer: 'sample', header: { alg: null } },
      crit: { issuer: 'sample', header: { crit: ['x'], x: 1 } },
      'kid 7': { issuer: 'sample', header: { kid: 7 } },
      empty: { issuer: 'sample', header: { alg: null, kid: null, typ: null }, claims: { iss: null } },
    });
    expect(text(tokens['no alg'] ?? '')[0]).toBe('{"kid":"sample-run","typ":"JWT"}');
    expect(text(tokens.crit ?? '')[0]).toBe(
      '{"alg":"RS256","kid":"sample-run","typ":"JWT","crit":["x"],"x":1}',
    );
    expect(text(tokens['kid 7'] ?? '')[0]).toBe('{"alg":"RS256","kid":7,"typ":"JWT"}');
    expect(text(tokens.empty ?? '')).toEqual(['{}', '{}']);
    for (const token of Object.values(tokens)) {
      expect(signedByKeyOf(token, 'sample', 'default')).toBe(true);
    }
  });

  it.each(algorithms)('are signed with %s by node:crypto as by jose', async (algorithm) => {
    // An unknown crit keeps jose from signing, and its own list of known ones lets it verify.
    const token = await one({ issuer: 'all', key: algorithm, header: { crit: ['x'], x: 1 } });
    const { publicJwk } = issuers.get('all')!.keys.get(algorithm)!;
    await expect(compactVerify(token, publicJwk, { crit: { x: true } })).resolves.toBeDefined();
    const other = issuers.get('all others')!.keys.get(algorithm)!.publicJwk;
    await expect(compactVerify(token, other, { crit: { x: true } })).rejects.toThrow(
      'signature verification failed',
    );
  });

  it('are genuinely signed with another algorithm of the same key, which only "alg" of the JWK forbids', async () => {
    const token = await one({ issuer: 'sample', header: { alg: 'RS512' } });
    await expect(verify(token, 'sample')).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
    const { publicJwk } = issuers.get('sample')!.keys.get('default')!;
    await expect(compactVerify(token, { ...publicJwk, alg: 'RS512' })).resolves.toBeDefined();
  });
});

describe('tampered tokens', () => {
  it('differ in the payload only, which stays JSON with the same iss and exp', async () => {
    const tokens = await mint({
      good: { issuer: 'curve', claims: { sub: 'me', exp: 4685989700 } },
      bad: { extends: 'good', tamper: 'payload' },
      'without sub': { extends: 'good', tamper: 'payload', claims: { sub: null } },
    });
    expect(text(tokens.bad ?? '')[0]).toBe(text(tokens.good ?? '')[0]);
    expect(text(tokens.bad ?? '')[1]).toBe('{"iss":"curve","sub":"me-tampered","exp":4685989700}');
    expect(text(tokens['without sub'] ?? '')[1]).toBe('{"iss":"curve","exp":4685989700,"tampered":true}');
    await expect(verify(tokens['without sub'] ?? '', 'curve')).rejects.toThrow(
      'signature verification failed',
    );
  });

  it('differ in the signature only, which stays base64url of the same length', async () => {
    const tokens = await mint({ good: { issuer: 'sample' }, bad: { extends: 'good', tamper: 'signature' } });
    const [good, bad] = [tokens.good?.split('.') ?? [], tokens.bad?.split('.') ?? []];
    expect(bad.slice(0, 2)).toEqual(good.slice(0, 2));
    expect(bad[2]).not.toBe(good[2]);
    expect(bad[2]).toMatch(new RegExp(`^[A-Za-z0-9_-]{${good[2]?.length}}$`));
    const [before, after] = [good, bad].map((sections) => Buffer.from(sections[2]!, 'base64url'));
    const changed = [...before!.keys()].filter((index) => before![index] !== after![index]);
    // In the middle, where no decoder can take it for padding.
    expect(changed).toEqual([128]);
    expect(after![128]! ^ before![128]!).toBe(0xff);
  });

  it('leave the third section empty when unsigned', async () => {
    expect(await one({ issuer: 'sample', header: { alg: 'none' }, unsigned: true })).toMatch(
      /^[\w-]+\.[\w-]+\.$/,
    );
  });

  it('may be raw and say what is empty or false besides', async () => {
    expect(await one({ raw: 'x', claims: {}, header: {}, unsigned: false })).toBe('x');
    const error = await one({ raw: 'x', unsigned: true }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: 'token "it": "raw" is sent as it is; remove "unsigned"' });
  });

  it('are sent as they stand when raw', async () => {
    const minted = await mintTokens({ raw: { raw: 'this is\tnot.a JWT' } }, issuers);
    expect(minted.get('raw')).toEqual({
      name: 'raw',
      value: 'this is\tnot.a JWT',
      view: { name: 'raw', header: null, claims: null, raw: 'this is\tnot.a JWT' },
    });
  });
});

describe('what cannot be minted', () => {
  it.each<[string, Record<string, TokenSpec>, string, string?]>([
    ['no issuer', { it: {} }, 'token "it": needs an "issuer" that signs it, or "raw"'],
    [
      'unknown issuer',
      { it: { issuer: 'x' } },
      'token "it": issuer names "x", which does not exist',
      'sample, stranger',
    ],
    [
      'unknown signer',
      { it: { issuer: 'sample', signedBy: 'x' } },
      'token "it": signedBy names "x", which does not exist',
      'The issuers of this scenario are: sample, stranger',
    ],
    [
      'unknown key',
      { it: { issuer: 'sample', key: 'k' } },
      'token "it": issuer sample has no key "k"',
      'default',
    ],
    [
      'no key said',
      { it: { issuer: 'all' } },
      'token "it": issuer all has several keys and "key" does not say which',
      'ES256, ES384',
    ],
    ['unknown base', { it: { extends: 'x' } }, 'token "it" extends "x", which does not exist', 'it'],
    [
      'inherited name',
      { it: { extends: 'toString' } },
      'token "it" extends "toString", which does not exist',
    ],
    [
      'circle',
      { a: { extends: 'b' }, b: { extends: 'a' } },
      'token "a" extends itself: a -> b -> a',
      'stand on its own',
    ],
    [
      'raw and more',
      { it: { raw: 'x', claims: { a: 1 } } },
      'token "it": "raw" is sent as it is; remove "claims"',
    ],
    [
      'unsigned signer',
      { it: { issuer: 'sample', unsigned: true, signedBy: 'stranger' } },
      'token "it": cannot be both "unsigned" and "signedBy" somebody',
    ],
    [
      'unsigned tamper',
      { it: { issuer: 'sample', unsigned: true, tamper: 'signature' } },
      'token "it": is "unsigned": there is no signature to tamper with',
    ],
    [
      'signed by itself',
      { it: { issuer: 'sample', signedBy: 'sample' } },
      'token "it": "signedBy" must name another issuer than "issuer"',
    ],
    [
      'wrong curve',
      { it: { issuer: 'sample', signedBy: 'curve' } },
      'token "it" is to be signed with RS256, but issuer curve only has keys for ES384',
      'RS256',
    ],
    [
      'no JSON in the header',
      { it: { issuer: 'sample', header: { x: Number.NaN } } },
      'token "it": header.x is NaN, which JSON cannot express',
    ],
    [
      'unknown base of one of several',
      { it: { extends: 'x' }, other: { raw: 'y' } },
      'token "it" extends "x", which does not exist',
      'it, other.',
    ],
    [
      'no JSON',
      { it: { issuer: 'sample', claims: { a: { b: Number.POSITIVE_INFINITY } } } },
      'token "it": claims.a.b is Infinity, which JSON cannot express',
      'quotes',
    ],
  ])('%s', async (_, tokens, message, hint) => {
    const error = await mintTokens(tokens, issuers).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HarnessError);
    expect(error).toMatchObject({ code: 'E_TOKEN', message });
    if (hint !== undefined) expect((error as HarnessError).hint).toContain(hint);
  });

  it('any token, where there is no issuer', async () => {
    const error = await mintTokens({ it: { issuer: 'x' } }, new Map()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'E_TOKEN', hint: 'The issuers of this scenario are: none.' });
  });
});
