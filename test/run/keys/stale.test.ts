import { expect, test } from 'vitest';
import { KeyRing } from '../../../src/run/keys/key-ring.ts';
import { refuseStaleKeys } from '../../../src/run/keys/stale.ts';
import type { Snapshot } from '../../../src/run/proof/prove.ts';

async function kidOfRun(runId: string): Promise<string> {
  const scenario = {
    info: { id: 'some', place: { file: 'some.yaml', line: 1, column: 1 } },
    issuers: { sample: { issuer: 'testing@secure.istio.io', algorithm: 'ES256' } },
  };
  const keys = await new KeyRing(runId).get(scenario as unknown as Parameters<KeyRing['get']>[0]);
  return [...keys.get('sample')!.keys.values()][0]!.kid;
}

function snapshotWith(keys: Record<string, unknown>[] | undefined, inline?: string): Snapshot {
  const issuer = 'testing@secure.istio.io';
  const rule = { issuer, ...(inline === undefined ? { jwksUri: 'http://keys.foo' } : { jwks: inline }) };
  const declared = [{ kind: 'RequestAuthentication', spec: { jwtRules: [rule] } }];
  const policies = { providers: [{ issuer, keys }] };
  return new Map([['foo/httpbin-1', { declared, policies }]]) as unknown as Snapshot;
}

const own = new Set([await kidOfRun('def456')]);

test('keys that another run has made are no base for a verdict', async () => {
  const snapshot = snapshotWith([{ kid: await kidOfRun('abc123') }]);
  expect(() => refuseStaleKeys(snapshot, 'def456', own)).toThrow(
    expect.objectContaining({
      code: 'E_UNPROVEN',
      message:
        'foo/httpbin-1 has keys for issuer testing@secure.istio.io that were made by run abc123: istiod has not fetched those of this scenario',
      hint: expect.stringContaining('kubectl rollout restart'),
    }),
  );
});

test.each([
  ['keys of this run', async () => [{ kid: await kidOfRun('def456') }]],
  [
    'the placeholder that istiod uses when it cannot fetch, which has no key ID',
    async () => [{ kty: 'RSA' }],
  ],
  ['keys that a scenario gives an ID of its own', async () => [{ kid: 'my-key' }]],
  [
    'an ID that only looks alike',
    async () => ['a-abc123-7-b', 'a-b-7', 'a-abc123-b'].map((kid) => ({ kid })),
  ],
  ['no keys, because Envoy fetches them', async () => undefined],
])('accepts %s', async (_, keys) => {
  const snapshot = snapshotWith(await keys());
  expect(() => refuseStaleKeys(snapshot, 'def456', own)).not.toThrow();
});

test("a server of the user's own has served the key, or what istiod has is older", async () => {
  const refuse = (keys: Record<string, unknown>[]) => () =>
    refuseStaleKeys(snapshotWith(keys), 'def456', new Set(['mine']), true);
  expect(refuse([{ kid: 'before' }])).toThrow(
    'has keys for issuer testing@secure.istio.io, and not the one of --external-jwks-key',
  );
  expect(refuse([{ kid: 'before' }, { kid: 'mine' }])).not.toThrow();
  expect(refuse([{ kty: 'RSA' }])).not.toThrow();
  expect(refuse([])).not.toThrow();
});

test('keys of another run are found behind others, and by numbers of several digits', () => {
  const snapshot = snapshotWith([{ kid: 'my-key' }, { kid: 'sample-abc123-12' }]);
  expect(() => refuseStaleKeys(snapshot, 'def456', own)).toThrow('that were made by run abc123');
});

test('keys of a scenario before it was changed are no base for a verdict either', async () => {
  const snapshot = snapshotWith([{ kid: (await kidOfRun('def456')).replace(/-0$/, '-7') }]);
  expect(() => refuseStaleKeys(snapshot, 'def456', own)).toThrow('that were made earlier in this run');
});

test('istiod is not to blame where the keys stand in the policy, of which proxies may have an older one', () => {
  const keys = [{ kid: 'sample-abc123-12' }];
  expect(() => refuseStaleKeys(snapshotWith(keys, '{"keys":[]}'), 'def456', own)).not.toThrow();
  expect(() => refuseStaleKeys(snapshotWith(keys, ''), 'def456', own)).toThrow(
    'that were made by run abc123',
  );
});

test('a rule for any issuer has keys that may be those of another run, too', () => {
  const policies = { providers: [{ issuer: '', keys: [{ kid: 'sample-abc123-12' }] }] };
  const declared = [{ kind: 'RequestAuthentication', spec: { jwtRules: [{ jwksUri: 'http://keys.foo' }] } }];
  const snapshot = new Map([['foo/httpbin-1', { declared, policies }]]) as unknown as Snapshot;
  expect(() => refuseStaleKeys(snapshot, 'def456', own)).toThrow('that were made by run abc123');
});
