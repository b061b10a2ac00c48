import { expect, test } from 'vitest';
import { KeyRing } from '../../../src/run/keys/key-ring.ts';
import { planOf } from '../../plan/support.ts';
import { scenarioOf } from '../../scenario/support.ts';
import { scenarioSource, sendStep } from '../support.ts';

const loaded = (name: string, more = '') => scenarioOf(scenarioSource(name, sendStep('s'), more));
const planned = (name: string, more = '') => planOf([loaded(name, more)]).scenarios;

test('every scenario, and each of its fetch modes, has keys of its own', async () => {
  const ring = new KeyRing('abc123');
  const scenarios = [...planned('one'), ...planned('two', 'mesh: { fetch: [istiod, envoy] }')];
  const kids = await Promise.all(
    scenarios.map(async (scenario) => (await ring.get(scenario)).get('sample')?.jwks().keys[0]?.kid),
  );
  expect(kids).toHaveLength(3);
  expect(new Set(kids).size).toBe(3);
  for (const kid of kids) expect(kid).toMatch(/^sample-abc123-\d$/);
});

test('keys that were begun early are those of the scenario', async () => {
  const ring = new KeyRing('abc123');
  ring.begin([loaded('two', 'mesh: { fetch: [istiod, envoy] }')]);
  const [one, other] = planned('two', 'mesh: { fetch: [istiod, envoy] }');
  if (one === undefined || other === undefined) return expect.fail('two are planned');
  expect(await ring.get(one)).toBe(await ring.get(one));
  expect((await ring.get(other)).get('sample')?.jwks().keys[0]?.kid).toBe('sample-abc123-1');
});

test('what cannot be made is an error with the place of the scenario, and only for who asks', async () => {
  const ring = new KeyRing('abc123');
  const [scenario] = planned('one');
  if (scenario === undefined) return expect.fail('one is planned');
  const wrong = { ...scenario, issuers: { sample: { issuer: 'me', keys: {} } } };
  await expect(ring.get(wrong)).rejects.toMatchObject({ code: 'E_TOKEN', place: scenario.info.place });
});

test('no more are made when the run has ended, and nobody waits for them', async () => {
  const issuers = Array.from({ length: 40 }, (_, index) => `i${index}: { issuer: i${index} }`).join(', ');
  const source = scenarioSource('many', sendStep('s')).replace(
    /issuers: .*/,
    `issuers: { sample: { issuer: me }, ${issuers} }`,
  );
  const ring = new KeyRing('abc123');
  const scenario = scenarioOf(source);
  ring.begin([scenario]);
  ring.end();
  const started = Date.now();
  const [many] = planOf([scenario]).scenarios;
  if (many === undefined) return expect.fail('it is planned');
  await expect(ring.get(many)).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
  // Forty RSA keys take many seconds.
  expect(Date.now() - started).toBeLessThan(5000);
});

test('who changes one issuer of a scenario keeps the keys of the others, and gets them back with the change', async () => {
  const ring = new KeyRing('abc123');
  const [scenario] = planned('one');
  if (scenario === undefined) return expect.fail('one is planned');
  const other = { issuer: 'other', algorithm: 'ES256' } as const;
  const before = { ...scenario, issuers: { ...scenario.issuers, other } };
  const after = {
    ...scenario,
    issuers: { ...scenario.issuers, other: { ...other, algorithm: 'ES384' } },
  } as const;
  const [first, second, third] = [await ring.get(before), await ring.get(after), await ring.get(before)];
  expect(second.get('sample')).toBe(first.get('sample'));
  expect(second.get('other')?.jwks().keys[0]?.kid).not.toBe(first.get('other')?.jwks().keys[0]?.kid);
  expect(third.get('other')).toBe(first.get('other'));
});
