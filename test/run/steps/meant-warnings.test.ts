import { expect, test } from 'vitest';
import { meantWarnings } from '../../../src/run/steps/step.ts';

const warning = (index: number) =>
  `jwks key at index ${index} contains private key material; only public keys are used for verification`;
const policy = (...lists: readonly (readonly object[])[]) => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'RequestAuthentication',
  metadata: { name: 'a', namespace: 'foo' },
  spec: { jwtRules: lists.map((keys) => ({ issuer: 'me', jwks: JSON.stringify({ keys }) })) },
});
const isMeant = (text: string, ...objects: Parameters<typeof meantWarnings>[1]) =>
  meantWarnings([text], objects)[text] !== undefined;
const publicKey = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' };
const symmetric = { kty: 'oct', k: 'secret' };

test('that a symmetric key is secret is meant', () => {
  expect(isMeant(warning(1), policy([publicKey, symmetric]))).toBe(true);
});

test('that a private key has got into a policy is not', () => {
  expect(isMeant(warning(1), policy([publicKey, { ...publicKey, d: 'private' }]))).toBe(false);
  // It is not said which rule has it.
  expect(isMeant(warning(0), policy([symmetric], [{ ...publicKey, d: 'private' }]))).toBe(false);
});

test('other warnings, and keys that are not there, are told', () => {
  expect(isMeant('the host is not known', policy([symmetric]))).toBe(false);
  expect(isMeant(warning(7), policy([symmetric]))).toBe(false);
  expect(isMeant(warning(0), { ...policy(), spec: { jwtRules: [{ jwks: 'no JSON' }, {}] } })).toBe(false);
  expect(isMeant(warning(0), { ...policy([symmetric]), kind: 'Other' })).toBe(false);
});
