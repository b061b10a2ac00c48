import { describe, expect, test } from 'vitest';
import { describeActual, describeExpected, difference, shownBody } from '../../../src/run/answers/compare.ts';
import type { Answer } from '../../../src/scenario/format/schema.ts';
import type { HttpResponse } from '../../../src/target/target.ts';

const response = (status: number, body = '', more: Partial<HttpResponse> = {}): HttpResponse => ({
  status,
  body,
  headers: {},
  at: 0,
  durationMs: 0,
  ...more,
});
const kids = new Map([['sample', ['sample-1']]]);
const differ = (actual: HttpResponse, expected: Answer) => difference(actual, expected, kids);

const jwk = { kty: 'RSA', kid: 'sample-1', n: 'abc', e: 'AQAB' };

describe('a body that was cut', () => {
  const cut = response(200, 'abc', { isCut: true });
  const note = ' (its body was cut after 64 KiB)';

  test('is not the whole body, whatever is expected, and that is said', () => {
    expect(differ(cut, { code: 200 })).toBeUndefined();
    expect(differ(cut, { code: 200, body: { contains: 'bc' } })).toBeUndefined();
    expect(differ(cut, { code: 200, body: 'abc' })).toBe(`body "abc"${note} instead of "abc"`);
    expect(differ(cut, { code: 200, body: { contains: 'd' } })).toBe(
      `body "abc"${note} does not contain "d"`,
    );
    expect(differ(cut, { code: 200, body: { jwks: 'sample' } })).toContain(note);
    expect(describeActual(cut, { code: 200 })).toBe(`200${note}`);
    expect(describeActual(response(200, 'abc'), { code: 200 })).toBe('200');
  });

  test('says in reports how much is missing', () => {
    expect(shownBody({ body: 'abc' })).toBe('abc');
    expect(shownBody({ body: 'abc', isCut: true })).toBe(
      'abc\n… (cut: of more than 3 bytes, the first 4096 characters)',
    );
    expect(shownBody({ body: 'x'.repeat(4097) })).toBe(
      `${'x'.repeat(4096)}\n… (cut: of 4097 bytes, the first 4096 characters)`,
    );
  });
});

describe('difference', () => {
  test('the code decides first', () => {
    expect(differ(response(200), { code: 200 })).toBeUndefined();
    expect(differ(response(200), { code: 401, body: 'x' })).toBe('status 200 instead of 401');
  });

  test('no answer is never right', () => {
    expect(differ(response(0, '', { error: 'curl exit code 7: refused' }), { code: 200 })).toBe(
      'no answer: curl exit code 7: refused',
    );
    expect(differ(response(0), { code: 200 })).toBe('no answer: unknown reason');
  });

  test('a body is compared whole, but for blanks around it', () => {
    const denied = { code: 403, body: 'RBAC: access denied' };
    expect(differ(response(403, 'RBAC: access denied\n'), denied)).toBeUndefined();
    expect(differ(response(403, 'RBAC: access denied!'), denied)).toBe(
      'body "RBAC: access denied!" instead of "RBAC: access denied"',
    );
    expect(differ(response(403, '\r\n RBAC: access denied'), denied)).toBeUndefined();
    const block = { code: 403, body: 'RBAC: access denied\n' };
    expect(differ(response(403, 'RBAC: access denied'), block)).toBeUndefined();
    expect(differ(response(403, ''), { code: 403, body: '\n' })).toBeUndefined();
    expect(differ(response(403, 'RBAC:  access denied'), denied)).toBeDefined();
    expect(differ(response(403, 'Jwt'), { code: 403, body: '' })).toBe('body "Jwt" instead of ""');
  });

  test('or by what it contains', () => {
    const expected = { code: 200, body: { contains: '"X-Claim": "me"' } };
    expect(differ(response(200, '{ "X-Claim": "me" }'), expected)).toBeUndefined();
    expect(differ(response(200, '{}'), expected)).toBe(
      'body "{}" does not contain "\\"X-Claim\\": \\"me\\""',
    );
  });

  test('or by several texts, each of which it must contain', () => {
    const expected = { code: 200, body: { contains: ['one', 'two'] } };
    expect(differ(response(200, 'two, one'), expected)).toBeUndefined();
    expect(differ(response(200, 'one'), expected)).toBe('body "one" does not contain "two"');
  });

  test('or as the keys of an issuer', () => {
    const expected = { code: 200, body: { jwks: 'sample' } };
    expect(differ(response(200, JSON.stringify({ keys: [jwk] })), expected)).toBeUndefined();
    expect(differ(response(200, JSON.stringify({ keys: [{ ...jwk, kid: 'old' }] })), expected)).toContain(
      'no key has kid "sample-1"',
    );
    expect(differ(response(200, '<html>'), expected)).toContain('is not JSON');
  });

  test('headers must be equal, whatever the case of their names', () => {
    const expected = { code: 401, headers: { 'WWW-Authenticate': 'Bearer' } };
    expect(
      differ(response(401, '', { headers: { 'www-authenticate': 'Bearer' } }), expected),
    ).toBeUndefined();
    expect(differ(response(401, '', { headers: { 'www-authenticate': 'Basic' } }), expected)).toBe(
      'header WWW-Authenticate is "Basic" instead of "Bearer"',
    );
    expect(differ(response(401), expected)).toBe('header WWW-Authenticate is absent instead of "Bearer"');
    expect(differ(response(401), { code: 401, headers: { constructor: 'x' } })).toBe(
      'header constructor is absent instead of "x"',
    );
  });

  test('long bodies are cut short', () => {
    expect(differ(response(200, 'x'.repeat(5000)), { code: 200, body: 'y' })?.length).toBeLessThan(200);
  });
});

test.each<[Answer, string]>([
  [{ code: 200 }, '200'],
  [{ code: 403, body: 'RBAC: access denied' }, '403 "RBAC: access denied"'],
  [{ code: 200, body: { contains: 'me' } }, '200 body contains "me"'],
  [{ code: 200, body: { contains: ['me', 'you'] } }, '200 body contains "me" and "you"'],
  [{ code: 401, headers: { a: { matches: 'b*' }, c: 'absent' } }, '401 a: like "b*" c: absent'],
  [{ code: 200, received: { headers: { a: 'absent' } } }, '200 the application receives a: absent'],
  [{ code: 200, body: { jwks: 'sample' } }, '200 body is a JWKS of issuer sample'],
  [{ code: 401, headers: { a: 'b', c: 'd' } }, '401 a: b c: d'],
])('%j is described as %s', (expected, text) => {
  expect(describeExpected(expected)).toBe(text);
});

test.each<[HttpResponse, Answer, string]>([
  [response(200, 'long page'), { code: 200 }, '200'],
  [response(401, 'Jwt is expired'), { code: 200 }, '401 "Jwt is expired"'],
  [response(200, 'other'), { code: 200, body: 'this' }, '200 "other"'],
  [response(503), { code: 200 }, '503'],
  [response(503, ' \n'), { code: 200 }, '503'],
  [response(400, 'Bad'), { code: 200 }, '400 "Bad"'],
  [response(399, 'Odd'), { code: 200 }, '399'],
  [response(302, 'Moved'), { code: 200, body: 'this' }, '302'],
  [response(500, '\n first\r\n  second\n'), { code: 200 }, '500 "first second"'],
  [response(500, 'x'.repeat(120)), { code: 200 }, `500 "${'x'.repeat(120)}"`],
  [response(500, 'x'.repeat(121)), { code: 200 }, `500 "${'x'.repeat(119)}…"`],
  [response(0), { code: 200 }, 'no answer (unknown reason)'],
  [response(0, '', { error: 'refused' }), { code: 200 }, 'no answer (refused)'],
])('an answer is described by its code, and its body where it matters (%#)', (actual, expected, text) => {
  expect(describeActual(actual, expected)).toBe(text);
});
