import { expect, test } from 'vitest';
import { KeyRing } from '../../../src/run/keys/key-ring.ts';
import { withOwnKey } from '../../../src/run/keys/with-own-key.ts';
import { readOwnKey } from '../../../src/token/own-key.ts';
import { planOf, scenario, step } from '../../plan/support.ts';
import { fileOf, rsaJwk } from '../../token/own-key-file.ts';

test('issuers whose keys the server serves sign with it, and no others', async () => {
  const [planned] = planOf([
    scenario('one', step('one', ['/: [200, 200]']), 'keyServers: { keys: { serves: sample } }'),
  ]).scenarios;
  if (planned === undefined) return expect.fail('it is planned');
  const issuers = new Map([
    ...(await new KeyRing('abc123').get(planned)),
    ...(await new KeyRing('abc124').get({ ...planned, issuers: { other: { issuer: 'them' } } })),
  ]);
  const key = readOwnKey(fileOf(rsaJwk()), '--external-jwks-key');
  expect(withOwnKey(issuers, planned, key)).toBe(issuers);
  const served = withOwnKey(issuers, { ...planned, ownServers: ['keys'] }, key);
  expect(served.get('sample')).toMatchObject({ name: 'sample', issuer: 'me' });
  expect(served.get('sample')?.jwks()).toEqual({ keys: [key.publicJwk] });
  expect(served.get('other')).toBe(issuers.get('other'));
});
