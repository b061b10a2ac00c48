import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redact, viewToken, withoutSignatures } from '../../src/token/decode.ts';
import { makeIssuerKeys } from '../../src/token/keys.ts';
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
      { numRuns: 2000 },
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
    // Time of the processor: what else the machine does must not count.
    const before = process.cpuUsage();
    redact('eyJ'.repeat(400_000));
    redact('eyJ.'.repeat(300_000));
    redact('e30..'.repeat(200_000));
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(2_000);
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
