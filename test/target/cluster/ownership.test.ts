/** What the target cluster refuses, what it allows, and what it leaves behind. */
import { describe, expect, test } from 'vitest';
import { type FakeApi, failure } from '../../support/fake-api.ts';
import { unaborted } from '../../support/signals.ts';
import { intent, makeReady, namespace, owned, policy, useTargets } from './support.ts';

let api: FakeApi;
const signal = unaborted();
const makeTarget = useTargets((server) => {
  api = server;
  api.realistic = true;
  api.put(namespace('istio-system'));
  makeReady(api);
});
const changes = () => api.log('PATCH', 'POST', 'PUT', 'DELETE');
const namespaces = () =>
  [...api.objects.values()]
    .filter(({ kind }) => kind === 'Namespace')
    .map(({ metadata }) => metadata.name)
    .sort();

describe('before anything is done', () => {
  test('refuses a namespace that is there and not its own, and names all that it would touch', async () => {
    api.put(namespace('foo', { team: 'a' }));
    api.put(policy('foo'));
    const { target } = makeTarget(api);
    await expect(
      target.begin(intent([policy('foo'), policy('istio-system')], ['sleep']), signal),
    ).rejects.toThrow(
      expect.objectContaining({
        code: 'E_NOT_OWNED',
        hint: expect.stringMatching(/--dry-run.*--yes/),
        details: [
          'namespaces: Namespace foo (changed)',
          'in namespace foo: Service sleep (created), Deployment sleep (created), RequestAuthentication jwt-example (changed)',
          'in namespace istio-system: RequestAuthentication jwt-example (created)',
        ].join('\n'),
      }),
    );
    expect(changes()).toEqual([]);
  });

  test('and does nothing at the end of a run that was refused', async () => {
    api.put(namespace('bookinfo', owned));
    const { target } = makeTarget(api);
    await expect(target.begin(intent([policy('istio-system')]), signal)).rejects.toThrow('does not own');
    api.requests.length = 0;
    await target.down(signal);
    expect(api.log()).toEqual([]);
    expect(namespaces()).toEqual(['bookinfo', 'istio-system']);
  });

  test.each([
    ['of the whole cluster', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } }],
    ['without a namespace, which is in "default"', { ...policy('x'), metadata: { name: 'jwt-example' } }],
  ])('refuses an object %s', async (_, object) => {
    // Even if "default" had the label, nothing of the whole cluster would be in it.
    api.put(namespace('default', object.kind === 'Node' ? owned : {}));
    const { target } = makeTarget(api);
    await expect(target.begin(intent([object]), signal)).rejects.toThrow('does not own');
  });

  test('refuses to delete what is not its own', async () => {
    api.put(policy('istio-system'));
    const { apiVersion, kind, metadata } = policy('istio-system');
    const key = { apiVersion, kind, name: metadata.name, namespace: 'istio-system' };
    const { target } = makeTarget(api);
    const wanted = {
      apps: [],
      keyServers: false,
      throughIngress: false,
      gatewayNamespaces: [],
      apply: [],
      delete: [key],
    };
    await expect(target.begin(wanted, signal)).rejects.toThrow(
      expect.objectContaining({
        details: 'in namespace istio-system: RequestAuthentication jwt-example (deleted)',
      }),
    );
    await expect(target.delete([key], 'scope', signal)).rejects.toThrow(
      expect.objectContaining({ code: 'E_NOT_OWNED' }),
    );
    expect(changes()).toEqual([]);
  });

  test('refuses requests through the gateway of others, which must show the marker', async () => {
    const { target } = makeTarget(api);
    await expect(target.begin({ ...intent([]), throughIngress: true }, signal)).rejects.toThrow(
      expect.objectContaining({
        code: 'E_NOT_OWNED',
        details: 'in namespace istio-system: AuthorizationPolicy jwt-e2e-marker (created)',
      }),
    );
    expect(changes()).toEqual([]);
  });

  test('accepts namespaces of its own and those that do not exist', async () => {
    api.put(namespace('foo', owned));
    const { target } = makeTarget(api);
    await target.begin(intent([policy('foo'), namespace('bar'), policy('bar')], ['sleep']), signal);
  });
});

test('refuses again when it is applied, for a name that was not known before', async () => {
  const { target } = makeTarget(api);
  await target.begin(intent([policy('${lists.places}')]), signal);
  await expect(target.apply([policy('istio-system')], 'scope', signal)).rejects.toThrow(
    expect.objectContaining({
      code: 'E_NOT_OWNED',
      message: 'RequestAuthentication istio-system/jwt-example is not in a namespace of this tool',
    }),
  );
  expect(changes()).toEqual([]);
});

describe('its own namespaces', () => {
  test('are created with its label, even when the manifest has none, and deleted at the end', async () => {
    const { target, told } = makeTarget(api);
    await target.begin(intent([namespace('bar')], ['sleep']), signal);
    await target.apply([namespace('bar'), policy('bar')], 'scenario', signal);
    expect(api.get('v1', 'Namespace', 'bar')?.metadata.labels).toMatchObject(owned);
    expect(api.get('v1', 'Namespace', 'foo')?.metadata.labels).toMatchObject(owned);
    api.lingering = 3;
    await target.down(signal);
    expect(namespaces()).toEqual(['istio-system']);
    expect(told).toEqual(['Starting sleep', 'Deleting namespaces bar, foo']);
  });

  test('that an earlier run has left are deleted first, and waited for', async () => {
    api.put(namespace('foo', owned));
    api.put(policy('foo', 'left-behind'));
    const old = api.get('v1', 'Namespace', 'foo')?.metadata.uid;
    api.lingering = 3;
    const { target, told } = makeTarget(api);
    await target.begin(intent([], ['sleep']), signal);
    expect(told[0]).toBe('Deleting namespaces foo');
    expect(api.get('v1', 'Namespace', 'foo')?.metadata.uid).not.toBe(old);
    expect(api.get('security.istio.io/v1', 'RequestAuthentication', 'left-behind', 'foo')).toBeUndefined();
  });

  test('stay with --keep; --reuse takes them without the policies in them', async () => {
    const first = makeTarget(api, { keep: true });
    await first.target.begin(intent([], ['sleep']), signal);
    await first.target.apply([policy('foo')], 'scenario', signal);
    await first.target.down(signal);
    expect(api.get('apps/v1', 'Deployment', 'sleep', 'foo')).toBeDefined();
    expect(api.get('security.istio.io/v1', 'RequestAuthentication', 'jwt-example', 'foo')).toBeUndefined();

    const kept = api.get('v1', 'Namespace', 'foo')?.metadata.uid;
    api.put(policy('foo', 'of-a-killed-run'));
    const second = makeTarget(api, { reuse: true });
    await second.target.begin(intent([], ['sleep']), signal);
    await second.target.down(signal);
    expect(api.get('v1', 'Namespace', 'foo')?.metadata.uid).toBe(kept);
    expect(api.get('apps/v1', 'Deployment', 'sleep', 'foo')).toBeDefined();
    expect(
      api.get('security.istio.io/v1', 'RequestAuthentication', 'of-a-killed-run', 'foo'),
    ).toBeUndefined();
  });

  test("are deleted even when something in others' cannot be put back", async () => {
    const { target } = makeTarget(api, { yes: true });
    await target.begin(intent([policy('istio-system')], ['sleep']), signal);
    await target.apply([policy('istio-system')], 'scenario', signal);
    api.rule('DELETE', /istio-system/, failure(500, 'InternalError', 'etcd is away'));
    await expect(target.down(signal)).rejects.toThrow('etcd is away');
    expect(namespaces()).toEqual(['istio-system']);
  });
});

describe('with --yes', () => {
  test('a namespace of somebody else never gets the label that would let it be deleted', async () => {
    const before = api.put(namespace('foo', { team: 'a' }));
    const { target } = makeTarget(api, { yes: true });
    await target.begin(intent([], ['sleep']), signal);
    const during = api.get('v1', 'Namespace', 'foo')?.metadata.labels;
    expect(during).toMatchObject({ team: 'a', 'istio-injection': 'enabled', 'jwt-e2e/touched': 'changed' });
    expect(during).not.toHaveProperty(['app.kubernetes.io/managed-by']);
    await target.down(signal);
    expect(api.get('v1', 'Namespace', 'foo')?.metadata).toMatchObject({
      uid: before.metadata.uid,
      labels: { team: 'a' },
    });
    expect(api.get('v1', 'Namespace', 'foo')?.metadata.annotations ?? {}).toEqual({});
    expect(api.get('apps/v1', 'Deployment', 'sleep', 'foo')).toBeUndefined();
  });

  test('what has everything already is not written at all', async () => {
    api.put(policy('istio-system', 'same', { jwtRules: [] }));
    const { target } = makeTarget(api, { yes: true });
    await target.begin(intent([]), signal);
    const before = api.get('security.istio.io/v1', 'RequestAuthentication', 'same', 'istio-system');
    const applied = await target.apply(
      [policy('istio-system', 'same', { jwtRules: [] })],
      'scenario',
      signal,
    );
    expect(applied.map(({ change }) => change)).toEqual(['unchanged']);
    expect(api.get('security.istio.io/v1', 'RequestAuthentication', 'same', 'istio-system')).toEqual(before);
  });

  test('with --keep the applications in namespaces of others do not stay', async () => {
    api.put(namespace('foo', { team: 'a' }));
    const { target } = makeTarget(api, { yes: true, keep: true });
    await target.begin(intent([], ['sleep']), signal);
    await target.down(signal);
    expect(api.get('apps/v1', 'Deployment', 'sleep', 'foo')).toBeUndefined();
    expect(api.get('v1', 'Namespace', 'foo')?.metadata.labels).toEqual({ team: 'a' });
  });
});

describe('a mesh that is only looked at', () => {
  test('is not changed, whatever is asked for: not by what an earlier run has left, not by a policy', async () => {
    api.put(namespace('foo', owned));
    api.put(policy('foo'));
    const { target } = makeTarget(api, { live: true, yes: true });
    await target.begin(intent([], ['httpbin']), signal);
    await target.prepare([], signal);
    const refused = { code: 'E_NOT_OWNED', message: expect.stringContaining('--live') };
    await expect(target.apply([policy('foo', 'mine')], 'scope', signal)).rejects.toMatchObject(refused);
    const key = { apiVersion: 'security.istio.io/v1', kind: 'RequestAuthentication' };
    await expect(
      target.delete([{ ...key, name: 'jwt-example', namespace: 'foo' }], 'scope', signal),
    ).rejects.toMatchObject(refused);
    await expect(target.mark('m1', [], signal)).resolves.toBeUndefined();
    const proxy = { namespace: 'foo', pod: 'p', labels: {}, kind: 'sidecar' as const };
    await expect(target.mark('m1', [proxy], signal)).rejects.toMatchObject(refused);
    await target.down(signal);
    expect(changes()).toEqual([]);
  });
});
