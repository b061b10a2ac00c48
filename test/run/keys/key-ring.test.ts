import { availableParallelism } from 'node:os';
import { expect, test, vi } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import { KeyRing, placed } from '../../../src/run/keys/key-ring.ts';
import { planOf } from '../../plan/support.ts';
import { scenarioOf } from '../../scenario/support.ts';
import { scenarioSource, sendStep } from '../support.ts';

// No key here takes long: one that is never made is noticed soon.
vi.setConfig({ testTimeout: 5000 });

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

/** Scenarios with this many issuers, whose keys are ready when a test says so. */
function waiting(count: number) {
  const begun: { readonly name: string; readonly finish: () => void }[] = [];
  const ring = new KeyRing('abc123', (name, { issuer }) => {
    const keys = { name, issuer, keys: new Map(), jwks: () => ({ keys: [] }) };
    return new Promise((resolve) => begun.push({ name, finish: () => resolve(keys) }));
  });
  const issuers = Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`i${index}`, { issuer: 'me' }]),
  );
  const named = (name: string) => ({ ...planned(name)[0]!, issuers });
  /** Lets everything happen that needs no keys. */
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { begun, ring, named, settled };
}

test('few are made at a time, in their order, and each that is ready makes room for the next', async () => {
  const { begun, ring, named, settled } = waiting(7);
  const first = ring.get(named('one'));
  await settled();
  const atOnce = begun.length;
  expect(atOnce).toBeGreaterThanOrEqual(1);
  expect(atOnce).toBeLessThanOrEqual(4);
  // The program itself needs a processor too, where there are several.
  expect(atOnce).toBeLessThan(Math.max(2, availableParallelism()));
  for (let ready = 0; ready < 7; ready += 1) {
    expect(begun).toHaveLength(Math.min(7, atOnce + ready));
    begun[ready]?.finish();
    await settled();
  }
  expect([...(await first).keys()]).toEqual(begun.map(({ name }) => name));
  void ring.get(named('two'));
  await settled();
  expect(begun).toHaveLength(7 + atOnce);
});

test('no more are made when the run has ended: those that wait for their turn are not waited for', async () => {
  const { begun, ring, named, settled } = waiting(7);
  const first = ring.get(named('one'));
  await settled();
  const started = begun.length;
  ring.end();
  const ended = { code: 'E_INTERRUPTED', message: 'the run has ended' };
  await expect(first).rejects.toMatchObject(ended);
  await expect(ring.get(named('two'))).rejects.toMatchObject(ended);
  for (const { finish } of begun) finish();
  await settled();
  await expect(ring.get(named('three'))).rejects.toMatchObject(ended);
  expect(begun).toHaveLength(started);
});

test('the keys of each fetch mode are begun before anybody asks for them', async () => {
  const { begun, ring, settled } = waiting(1);
  ring.begin([loaded('two', 'mesh: { fetch: [istiod, envoy] }')]);
  for (const index of [0, 1]) {
    await settled();
    begun[index]?.finish();
  }
  expect(begun.map(({ name }) => name)).toEqual(['sample', 'sample']);
});

test('every repetition has the same keys, which are made once, however early they were begun', async () => {
  const made: string[] = [];
  const ring = new KeyRing('abc123', async (name, { issuer }, suffix) => {
    made.push(`${name} ${suffix}`);
    return { name, issuer, keys: new Map(), jwks: () => ({ keys: [] }) };
  });
  ring.begin([loaded('one')]);
  const [scenario] = planned('one');
  if (scenario === undefined) return expect.fail('one is planned');
  const { info } = scenario;
  const [first, second] = [1, 2].map((repeat) =>
    ring.get({ ...scenario, info: { ...info, id: `one#${repeat}`, repeat } }),
  );
  expect(await first).toBe(await ring.get(scenario));
  expect(await second).toBe(await first);
  expect(made).toEqual(['sample abc123-0']);
});

test('what goes wrong ahead of time is told to who asks, with the place of the name of the scenario', async () => {
  const details = 'openssl: no such curve';
  const broken = new HarnessError('E_TOKEN', 'no key', { hint: 'Take another algorithm.', details });
  const ring = new KeyRing('abc123', () => Promise.reject(broken));
  ring.begin([loaded('one')]);
  const [scenario] = planned('one');
  if (scenario === undefined) return expect.fail('one is planned');
  const thrown = await ring.get(scenario).catch((error: unknown) => error);
  expect(thrown).toMatchObject({
    code: 'E_TOKEN',
    message: 'no key',
    hint: 'Take another algorithm.',
    details,
    cause: broken,
  });
  expect((thrown as HarnessError).place).toEqual(loaded('one').place(['name']));
});

test('only an error of this tool gets a place, and only where it has none', () => {
  const place = { file: 'a.yaml', line: 1, column: 1 };
  const there = { file: 'b.yaml', line: 2, column: 2 };
  const other = new TypeError('undefined is not a function');
  expect(placed(other, place)).toBe(other);
  const own = new HarnessError('E_TEMPLATE', 'there is no "a"', { place: there });
  expect(placed(own, place)).toBe(own);
  expect(placed(new HarnessError('E_TOKEN', 'no key'), place)).toMatchObject({ code: 'E_TOKEN', place });
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
