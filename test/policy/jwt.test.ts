/** The words of Envoy 1.40 about tokens, as they were seen on real proxies. */
import { describe, expect, test } from 'vitest';
import { allowsAudience, type Jwt, parseJwt, timeProblem } from '../../src/policy/jwt.ts';

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const text = (json: string) => Buffer.from(json).toString('base64url');
const token = (claims: object = {}, header: object = {}) =>
  `${encoded({ alg: 'RS256', ...header })}.${encoded({ iss: 'a', ...claims })}.c2ln`;
const form = 'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections';

describe('the form of a token', () => {
  test.each<[string, string]>([
    ['', form],
    ['a', form],
    ['a.b', form],
    ['a.b.c.d', form],
    [`${encoded({ alg: 'none' })}.${encoded({})}.`, form],
    ['some.invalid.token', 'Jwt header is an invalid JSON'],
    ['$.e30.c2ln', 'Jwt header is an invalid Base64url encoded'],
    [`${encoded([])}.e30.c2ln`, 'Jwt header is an invalid JSON'],
    [token({}, { alg: undefined }), 'Jwt header [alg] field is required and must be a string'],
    [token({}, { alg: 5 }), 'Jwt header [alg] field is required and must be a string'],
    [token({}, { alg: 'none' }), 'Jwt header [alg] is not supported'],
    [token({}, { alg: 'rs256' }), 'Jwt header [alg] is not supported'],
    [token({}, { alg: 'ES256K' }), 'Jwt header [alg] is not supported'],
    [token({}, { kid: 5 }), 'Jwt header [kid] field is not a string'],
    [`${encoded({ alg: 'RS256' })}.$.c2ln`, 'Jwt payload is an invalid Base64url encoded'],
    [`${encoded({ alg: 'RS256' })}.YQ.c2ln`, 'Jwt payload is an invalid JSON'],
    [
      `${encoded({ alg: 'RS256' })}.${text('{"iss":"a","\\u0069ss":"b"}')}.c2ln`,
      'Jwt payload is an invalid JSON',
    ],
    [`${text('{"alg":"RS256","alg":"RS256"}')}.e30.c2ln`, 'Jwt header is an invalid JSON'],
    [`${encoded({ alg: 'RS256' })}.${text('\ufeff{"iss":"a"}')}.c2ln`, 'Jwt payload is an invalid JSON'],
    [`${encoded({ alg: 'RS256' })}.${text('{"x":"\\ud83d"}')}.c2ln`, 'Jwt payload is an invalid JSON'],
    [`${encoded({ alg: 'RS256' })}.${text('{"x":[1e999]}')}.c2ln`, 'Jwt payload is an invalid JSON'],
    [`${text('null')}.e30.c2ln`, 'Jwt header [alg] field is required and must be a string'],
    [token({ iss: 5 }), 'Jwt payload [iss] field is not a string'],
    [token({ iss: null }), 'Jwt payload [iss] field is not a string'],
    [token({ sub: [] }), 'Jwt payload [sub] field is not a string'],
    [token({ exp: '123' }), 'Jwt payload [exp] field is not an integer'],
    [token({ exp: -1 }), 'Jwt payload [exp] field is not a positive 64 bit integer'],
    [token({ nbf: 1e30 }), 'Jwt payload [nbf] field is not a positive 64 bit integer'],
    [token({ jti: 1 }), 'Jwt payload [jti] field is not a string'],
    [token({ aud: 5 }), 'Jwt payload [aud] field is not a string or string list'],
    [token({ aud: ['a', 5] }), 'Jwt payload [aud] field is not a string or string list'],
    [`${encoded({ alg: 'RS256' })}.${encoded({})}.$`, 'Jwt signature is an invalid Base64url encoded'],
  ])('%s', (text, words) => {
    expect(parseJwt(text)).toBe(words);
  });

  test('that is right: names may come again in another map, and an empty kid is none', () => {
    const nested = { a: { iss: 'b', c: [{ iss: 'd' }, { iss: '"iss": {' }] } };
    expect(parseJwt(token(nested, { kid: '' }))).toMatchObject({ kid: undefined, issuer: 'a' });
  });

  test('that is right: what is in it, also with white space, padding and dots that are empty', () => {
    const right = token({ aud: 'x', sub: 'b' }, { kid: 'k' });
    const wanted = { alg: 'RS256', kid: 'k', issuer: 'a', audiences: ['x'] };
    expect(parseJwt(right)).toMatchObject(wanted);
    const [header = '', payload = '', signature = ''] = right.split('.');
    expect(signature).toBe('c2ln');
    expect(parseJwt(` ${header}.. ${payload}.c2lnbg==`)).toMatchObject({ issuer: 'a' });
    expect(parseJwt(`${header}.${payload}.c2lnbg`)).toMatchObject({ issuer: 'a' });
    expect(parseJwt(`${header}.${payload}.c2lnbg=`)).toBe('Jwt signature is an invalid Base64url encoded');
  });
});

const jwt = (claims: object) => parseJwt(token(claims)) as Jwt;

describe('time', () => {
  const now = 1_800_000_000;
  test.each<[object, string | undefined]>([
    [{}, undefined],
    [{ exp: 0 }, undefined],
    [{ exp: now - 60 }, undefined],
    [{ exp: now - 61 }, 'Jwt is expired'],
    [{ exp: now - 60.5 }, 'Jwt is expired'],
    [{ nbf: now + 60 }, undefined],
    [{ nbf: now + 61 }, 'Jwt not yet valid'],
    [{ iat: now + 1_000 }, undefined],
    [{ nbf: now + 61, exp: now - 61 }, 'Jwt not yet valid'],
  ])('%j', (claims, problem) => {
    expect(timeProblem(jwt(claims), now)).toBe(problem);
  });
});

describe('audiences', () => {
  test.each<[string[], unknown, boolean]>([
    [[], 'x', true],
    [['api'], 'api', true],
    [['api'], ['web', 'api'], true],
    [['api'], 'web', false],
    [['api'], [], false],
    [['api'], undefined, false],
    [['https://api/'], 'http://api', true],
    [['api//'], 'api/', false],
    [['Api'], 'api', false],
  ])('%j allows %j: %s', (wanted, aud, allowed) => {
    expect(allowsAudience(wanted, jwt({ aud }))).toBe(allowed);
  });
});
