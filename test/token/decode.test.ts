import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  redact,
  rememberSecret,
  rememberToken,
  viewToken,
  withoutSignatures,
} from '../../src/token/decode.ts';
import { makeIssuerKeys } from '../../src/token/issuer-keys.ts';
import { mintTokens } from '../../src/token/mint.ts';

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('viewToken', () => {
  it('shows header and claims, and nothing of the signature', async () => {
    const issuers = new Map([['a', await makeIssuerKeys('a', { issuer: 'me', algorithm: 'ES256' }, 'r')]]);
    const minted = await mintTokens({ t: { issuer: 'a', claims: { sub: 'ü' } } }, issuers);
    expect(minted.get('t')?.view).toEqual({
      name: 't',
      header: { alg: 'ES256', kid: 'a-r', typ: 'JWT' },
      claims: { iss: 'me', sub: 'ü' },
    });
    expect(viewToken('t', minted.get('t')?.value ?? '')).toEqual(minted.get('t')?.view);
  });

  it.each([
    ['', { header: null, claims: null, raw: '' }],
    ['some.invalid.token', { header: null, claims: null, raw: 'some.invalid.token' }],
    ['1.2.3', { header: null, claims: null, raw: '1.2.3' }],
    ['Nw.Nw.c2ln', { header: null, claims: null, raw: 'Nw.Nw.c2ln' }],
    [`@@.${encode({ a: 1 })}.c2ln`, { header: null, claims: { a: 1 }, raw: `@@.${encode({ a: 1 })}.c2ln` }],
    [
      `${encode({ alg: 'x' })}.@@.c2ln`,
      { header: { alg: 'x' }, claims: null, raw: `${encode({ alg: 'x' })}.@@.c2ln` },
    ],
    [
      `${encode({ alg: 'x' })}.${encode({ a: 1 })}.c2ln.more.sections`,
      {
        header: { alg: 'x' },
        claims: { a: 1 },
        raw: `${encode({ alg: 'x' })}.${encode({ a: 1 })}.<signature>`,
      },
    ],
    [`${encode({})}.${encode({})}`, { header: {}, claims: {}, raw: 'e30.e30' }],
  ])('decodes what it can of %j', (value, view) => {
    expect(viewToken('t', value)).toEqual({ name: 't', ...view });
  });
});

/** Fewer for mutants, for which CONTRIBUTING.md says so. */
const numRuns = Number(process.env.REDACT_RUNS ?? 2000);

describe('redact', () => {
  it('replaces signatures wherever they stand, and nothing else', () => {
    expect(
      redact(
        'curl -H "Authorization: Bearer eyJh.eyJp.c2ln" https://a.b.c/eyJ.x?access_token=eyJh.eyJp.c2-_n&x=1.2.3',
      ),
    ).toBe(
      'curl -H "Authorization: Bearer eyJh.eyJp.<signature>" https://a.b.c/eyJ.x?access_token=eyJh.eyJp.<signature>&x=1.2.3',
    );
    expect(redact('node30.example.com 1.28.6 eyJh.eyJp. e30.e30.c2ln')).toBe(
      'node30.example.com 1.28.6 eyJh.eyJp. e30.e30.<signature>',
    );
  });

  const sign = 'c2lnbmF0dXJlLW9mLWEtcmVhbC10b2tlbi1ub3QtdG8tYmUtc2hvd24tYW55d2hlcmU';
  const [compact, pretty] = ['{"alg":"RS256"}', '{ "alg": "RS256",\n  "typ": "JWT" }'].map(
    (head) => `${Buffer.from(head).toString('base64url')}.${encode({ sub: 'b' })}.${sign}`,
  ) as [string, string];

  it.each([
    ['as it is', compact],
    ['printed prettily', pretty],
    [
      'printed with a line break first',
      `${Buffer.from('\n {\n\t"alg": "x"}').toString('base64url')}.e30.${sign}`,
    ],
    ['with padding', compact.replaceAll('.', '==.').concat('=')],
    ['escaped for JSON', pretty.replaceAll('.', '\\u002e')],
    ['escaped for JSON in JSON', pretty.replaceAll('.', '\\\\u002E')],
    ['escaped for an address', pretty.replaceAll('.', '%2E')],
    ['escaped twice', compact.replaceAll('.', '%252e')],
    ['for HTML', compact.replaceAll('.', '&#46;')],
    ['with blanks around the dots', compact.replaceAll('.', ' . ')],
    ['with line breaks behind the dots', compact.replaceAll('.', '.\n    ')],
    ['with escaped line breaks', compact.replaceAll('.', '\\n.')],
    ['in the alphabet of base64', `eyJh/+.eyJi+/.${sign}`],
    ['for Basic authentication', Buffer.from(`user:${compact}`).toString('base64')],
    ['encoded twice', Buffer.from(Buffer.from(`u:${compact}`).toString('base64')).toString('base64url')],
    ['without claims', compact.replace(/\..*\./, '..')],
    ['encrypted', `${encode({ alg: 'dir', enc: 'A128GCM' })} . . aXYtaXYtaXYtaXYt . ${sign} . dGFn`],
    ['as JSON', JSON.stringify({ payload: 'e30', protected: 'e30', signature: sign })],
    ['as JSON in JSON', JSON.stringify(JSON.stringify({ payload: 'e30', header: {}, signature: sign }))],
  ])('leaves out the signature of a token that nobody knows: %s', (_, form) => {
    for (const text of [form, `Bearer ${form}`, `a=${form}&b="x.y.z"`, `{"x": "${form}"}`]) {
      expect(redact(text).replaceAll(/[^\w-]/g, '')).not.toContain(sign);
      for (const [encoded] of redact(text).matchAll(/[\w+/-]{24,}/g))
        expect(Buffer.from(encoded, 'base64').toString('latin1')).not.toContain(sign);
    }
    expect(JSON.stringify(withoutSignatures({ [form]: [{ [form]: form }] }))).not.toContain(sign);
  });

  it('leaves text alone that only looks alike', () => {
    for (const text of [
      'www.keycloak.example.com/realms.json',
      'node30.example.com',
      'eyJhbGciOiJSUzI1NiJ9. Next sentence. And another.',
      `cluster outbound|8000||httpbin.foo.svc.cluster.local, sha256 ${'ab01'.repeat(16)}`,
      '{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}], "d": {"k": 1}}',
      'The key "k" is unknown: { k: v, d: w }',
    ])
      expect(redact(text)).toBe(text);
    expect(redact(`${compact}. Then more. And more`)).toBe(
      `${compact.replace(sign, '<signature>')}. Then more. And more`,
    );
  });

  it('leaves out private parts of keys, in text and in objects', () => {
    const key = { kty: 'oct', kid: 'a', k: 'c2VjcmV0', alg: 'HS256' };
    const pair = {
      kty: 'RSA',
      n: 'bg',
      e: 'AQAB',
      d: 'ZA',
      p: 'cA',
      q: 'cQ',
      dp: 'ZHA',
      dq: 'ZHE',
      qi: 'cWk',
      oth: [{ r: 'cg', d: 'ZGQ', t: 'dHQ' }],
    };
    const shown = { ...key, k: '<secret>' };
    expect(withoutSignatures({ keys: [key] })).toEqual({ keys: [shown] });
    expect(JSON.parse(redact(JSON.stringify({ keys: [key, pair] }))).keys).toEqual([
      shown,
      {
        ...pair,
        ...Object.fromEntries(['d', 'p', 'q', 'dp', 'dq', 'qi'].map((name) => [name, '<secret>'])),
        oth: [{ r: '<secret>', d: '<secret>', t: '<secret>' }],
      },
    ]);
    const nested = JSON.stringify({ inline_string: JSON.stringify({ keys: [key] }) });
    expect(JSON.parse(JSON.parse(redact(nested)).inline_string)).toEqual({ keys: [shown] });
    const bytes = Buffer.from(JSON.stringify({ keys: [key] })).toString('base64');
    expect(redact(`{"inline_bytes": "${bytes}"}`)).not.toContain(bytes);
    expect(redact("{ 'kty': 'oct', k: c2VjcmV0 }")).toBe("{ 'kty': 'oct', k: <secret> }");
  });

  it('is linear in the length of the text', () => {
    const size = 100_000;
    const begun = performance.now();
    for (const unit of [
      'a',
      '\\',
      ' ',
      '.',
      '{',
      '{"kty"',
      '"',
      'ew',
      '%25',
      'eyJ.',
      'a:"',
      '= ',
      '{}',
      'e30.',
      '\\u002e',
    ])
      redact(unit.repeat(size / unit.length));
    // Seconds on a busy machine; hours if it were not.
    expect(performance.now() - begun).toBeLessThan(20_000);
  });

  it('never leaves a signature, whatever header, claims and text around it', () => {
    const signature = fc
      .uint8Array({ minLength: 32, maxLength: 96 })
      .map((bytes) => Buffer.from(bytes).toString('base64url'));
    const around = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('eyJ', 'e30', '.', 'a', ' ', '"', '%', '\n') }),
      fc.constantFrom('Bearer ', '?access_token=', 'eyJa.b.', 'eyJa..', 'eyJa.b.c..', 'x'),
    );
    const header = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 });
    fc.assert(
      fc.property(
        around,
        header,
        fc.jsonValue(),
        signature,
        around,
        (before, head, claims, secret, after) => {
          expect(redact(`${before}${encode(head)}.${encode(claims)}.${secret}${after}`)).not.toContain(
            secret,
          );
        },
      ),
      { numRuns },
    );
  });

  it('is the same when done twice, and leaves text without tokens alone', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(redact(redact(text))).toBe(redact(text));
      }),
    );
    fc.assert(
      fc.property(
        fc.string().filter((text) => !/ey[I-L]|e30/.test(text)),
        (text) => {
          expect(redact(text)).toBe(text);
        },
      ),
    );
  });

  it('takes time in proportion to the text, however hostile', () => {
    // Time of the processor, and compared with that of a tenth of it: what else the machine does must not count.
    const cost = (text: string) => {
      const before = process.cpuUsage();
      redact(text);
      return process.cpuUsage(before).user;
    };
    for (const part of ['eyJ', 'eyJ.', 'e30..', 'eyJ.a.b. ', 'eyJ..... ']) {
      const short = Math.max(...[1, 2, 3].map(() => cost(part.repeat(10_000))));
      // 10 times as much, where something that looks at each pair would take 100 times.
      expect(cost(part.repeat(100_000)), part).toBeLessThan(40 * short);
    }
  });
});

describe('withoutSignatures', () => {
  it('redacts texts at any depth of maps and lists, and copies the rest', () => {
    const value = {
      text: 'Bearer eyJh.eyJp.c2ln',
      list: ['eyJh.eyJp.c2ln', 7, null, { deep: 'x=eyJh.eyJp.c2ln' }],
      none: null,
      count: 1.5,
      yes: true,
    };
    expect(withoutSignatures(value)).toEqual({
      text: 'Bearer eyJh.eyJp.<signature>',
      list: ['eyJh.eyJp.<signature>', 7, null, { deep: 'x=eyJh.eyJp.<signature>' }],
      none: null,
      count: 1.5,
      yes: true,
    });
    expect(value.text).toBe('Bearer eyJh.eyJp.c2ln');
  });
});

describe('what is remembered is found without the shape of a secret', () => {
  const [claims, signed, other] = ['claims', 'signature', 'other'].map((name) =>
    encode(`${name} that nothing but this test has`),
  ) as [string, string, string];

  it('of a token its signature, and not its claims', () => {
    expect(redact(`x=${signed}`)).toBe(`x=${signed}`);
    rememberToken(`${encode({ alg: 'x' })}.${claims}.${signed}`);
    expect(redact(`x=${signed}&y=${claims}`)).toBe(`x=<signature>&y=${claims}`);
  });

  it('the secret of a key', () => {
    expect(redact(`k: ${other}`)).toBe(`k: ${other}`);
    rememberSecret(other);
    expect(redact(`k: ${other}`)).toBe('k: <signature>');
  });
});
