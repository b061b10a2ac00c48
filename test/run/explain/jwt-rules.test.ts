/** What Envoy's provider has of a rule, and where the keys of rules are. */
import { expect, test } from 'vitest';
import { jwksUrisOf, providerRule } from '../../../src/run/explain/jwt-rules.ts';

test('a provider has the fields of its rule, with names of headers in lower case', () => {
  expect(
    providerRule({
      issuer: 'a',
      audiences: ['x'],
      fromHeaders: [{ name: 'X-Token', prefix: 'Token ' }, { name: 'X-Bare' }],
      fromParams: ['Token'],
      fromCookies: ['Session'],
      forwardOriginalToken: true,
      outputPayloadToHeader: 'X-Payload',
      outputClaimToHeaders: [{ header: 'X-Sub', claim: 'Sub' }],
    }),
  ).toEqual({
    audiences: ['x'],
    fromHeaders: [
      ['x-token', 'Token '],
      ['x-bare', ''],
    ],
    fromParams: ['Token'],
    fromCookies: ['Session'],
    forwardOriginalToken: true,
    outputPayloadToHeader: 'x-payload',
    outputClaimToHeaders: [['x-sub', 'Sub']],
  });
});

test('a rule without any has the defaults of Envoy', () => {
  expect(providerRule({ issuer: 'a' })).toEqual({
    audiences: [],
    fromHeaders: [],
    fromParams: [],
    fromCookies: [],
    forwardOriginalToken: false,
    outputPayloadToHeader: '',
    outputClaimToHeaders: [],
  });
});

test('keys are where the rule says, or where its issuer has its discovery', () => {
  const rules = [
    { issuer: 'https://a', jwksUri: 'https://keys.a/jwks' },
    { issuer: 'https://b/' },
    { issuer: 'https://c', jwks: '' },
    { issuer: 'https://d', jwks: '{"keys":[]}' },
    // Such a rule takes tokens of any issuer, whose keys are nowhere.
    {},
  ];
  const object = (kind: string) => ({
    apiVersion: 'security.istio.io/v1',
    kind,
    metadata: { name: 'x', namespace: 'foo' },
    spec: { jwtRules: rules },
  });
  expect(jwksUrisOf([object('RequestAuthentication'), object('Other')])).toEqual([
    'https://keys.a/jwks',
    'https://b/.well-known/openid-configuration',
    'https://c/.well-known/openid-configuration',
  ]);
});
