/** Claims as Envoy writes them, as they were seen at an application behind Envoy 1.40. */
import { expect, test } from 'vitest';
import { type Jwt, parseJwt } from '../../src/policy/jwt.ts';
import { outputs } from '../../src/policy/token-outputs.ts';

/** The header that is made of a claim. */
function textOf(claim: unknown): string | undefined {
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const jwt = parseJwt(`${encoded({ alg: 'RS256' })}.${encoded({ claim })}.c2ln`) as Jwt;
  return outputs(jwt, { outputClaimToHeaders: [{ header: 'X', claim: 'claim' }] })[0]?.[1];
}

test.each([
  [5, '5'],
  [0, '0'],
  [-5, '-5.000000'],
  [1.5, '1.500000'],
  [1e-7, '0.000000'],
  [2 ** 64 - 2048, '18446744073709549568'],
  [2 ** 64, '18446744073709551616.000000'],
  [1e22, '10000000000000000000000.000000'],
  [-1e22, '-10000000000000000000000.000000'],
])('a number: %d is %s', (number, text) => {
  expect(textOf(number)).toBe(text);
});

test.each<[unknown, string]>([
  [[1, 2.5, -3, 0.1, 0, 1700000000.5], '[1,2.5,-3,0.1,0,1700000000.5]'],
  [[1e15, 2 ** 53, 123456789012345680], '[1e+15,9007199254740992,1.2345678901234568e+17]'],
  [[1e-5, 1.234e-5, 1 / 3, 1e100], '[1e-05,1.234e-05,0.33333333333333331,1e+100]'],
  [[true, null, [], {}], '[true,null,[],{}]'],
  [{ b: { a: ['x'] } }, '{"b":{"a":["x"]}}'],
  [['<a>', '&', 'é', '"', '\\', '\n'], String.raw`["\u003ca\u003e","&","é","\"","\\","\n"]`],
  [['\u007f\u00ad\u0603\u0604\u2028\ufeff'], String.raw`["\u007f\u00ad\u0603${'\u0604'}\u2028\ufeff"]`],
  [['\u{1d173}\u{e0020}\u{1f600}'], String.raw`["\ud834\udd73\udb40\udc20${'\u{1f600}'}"]`],
])('JSON: %j', (value, text) => {
  expect(Buffer.from(textOf(value) ?? '', 'base64').toString()).toBe(text);
});
