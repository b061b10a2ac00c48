import { expect, test } from 'vitest';
import { claimOf } from '../../../src/policy/match/claims.ts';

test.each([
  ['request.auth.audiences', ['aud']],
  ['request.auth.presenter', ['azp']],
  ['request.auth.claims[role]', ['role']],
  ['request.auth.claims[realm][roles]', ['realm', 'roles']],
  ['request.auth.claims[a.b]', ['a.b']],
  ['request.auth.claims[a]b[c]', ['a]b[c']],
  ['request.auth.claims', undefined],
  ['request.headers[a]', undefined],
])('%s is about the claim %j', (key, claim) => {
  expect(claimOf(key)).toEqual(claim);
});
