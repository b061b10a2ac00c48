import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../src/errors.ts';
import {
  lacks,
  type ProxyState,
  type Snapshot,
  takeSettledSnapshot,
  takeSnapshot,
  waitUntilHeld,
} from '../../src/run/hold.ts';
import type { KubeObject, ProxyPolicies } from '../../src/target/target.ts';
import { FakeTarget, fakeProxy } from '../support/fake-target.ts';

const signal = new AbortController().signal;
const keys = (kid: string) => [{ kty: 'RSA', kid }];
const jwks = (kid: string) => JSON.stringify({ keys: keys(kid) });

function authentication(name: string, ...jwtRules: object[]): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    metadata: { name, namespace: 'foo' },
    spec: { jwtRules },
  };
}

function authorization(
  name: string,
  spec: Record<string, unknown> = {},
  annotations?: Record<string, string>,
): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name, namespace: 'foo', ...(annotations === undefined ? {} : { annotations }) },
    spec,
  };
}

const provider = (issuer: string, more: Partial<ProxyPolicies['providers'][number]> = {}) => ({
  issuer,
  ...more,
});
const rbac = (name: string) => ({ name, action: 'ALLOW', rules: '{}' });

function state(declared: KubeObject[], policies: Partial<ProxyPolicies> = {}): ProxyState {
  const fingerprint = { jwt: 'j', rbac: 'r', clusters: 'c' };
  return {
    proxy: fakeProxy,
    declared,
    policies: { providers: [], rbac: [], rejected: [], fingerprint, ...policies },
  };
}

const missing = (of: ProxyState, fetch: 'istiod' | 'envoy' | 'hybrid' = 'istiod') =>
  lacks(of, undefined, false, fetch);

describe('providers', () => {
  const inline = authentication('jwt', { issuer: 'a', jwks: jwks('1') });
  const remote = authentication('jwt', { issuer: 'a', jwksUri: 'http://keys.foo/jwks' });

  test('a rule has its provider, with the very keys', () => {
    expect(missing(state([inline], { providers: [provider('a', { keys: keys('1') })] }))).toEqual([]);
  });

  test.each([
    ['none', []],
    ['one of another issuer', [provider('b', { keys: keys('1') })]],
    ['one with old keys', [provider('a', { keys: keys('0') })]],
    ['one with more keys', [provider('a', { keys: [...keys('1'), ...keys('0')] })]],
    ['one without keys', [provider('a', { uri: 'http://x' })]],
  ])('%s is not enough', (_, providers) => {
    expect(missing(state([inline], { providers }))).toContain(
      'it has no provider for issuer a with the declared keys',
    );
  });

  test('one that nothing declares is too many', () => {
    expect(missing(state([], { providers: [provider('old')] }))).toEqual([
      'it still has a provider for issuer old',
    ]);
  });

  test('each of several rules is needed, also two of one issuer', () => {
    const two = authentication('jwt', { issuer: 'a', jwks: jwks('1') }, { issuer: 'a', jwks: jwks('2') });
    const one = [provider('a', { keys: keys('1') })];
    expect(missing(state([two], { providers: one }))).toHaveLength(1);
    expect(missing(state([two], { providers: [...one, provider('a', { keys: keys('2') })] }))).toEqual([]);
  });

  test('a rule without issuer has a provider without', () => {
    const any = authentication('jwt', { jwks: jwks('1') });
    expect(missing(state([any]))).toEqual(['it has no provider for issuer (any) with the declared keys']);
    expect(missing(state([any], { providers: [provider('', { keys: keys('1') })] }))).toEqual([]);
  });

  test('keys by address: istiod puts them in', () => {
    expect(missing(state([remote], { providers: [provider('a', { keys: [] })] }))).toEqual([]);
    expect(
      missing(state([remote], { providers: [provider('a', { uri: 'http://keys.foo/jwks' })] })),
    ).toHaveLength(1);
  });

  test('keys by address: Envoy has the address', () => {
    const uri = (value: string) => state([remote], { providers: [provider('a', { uri: value })] });
    expect(missing(uri('http://keys.foo/jwks'), 'envoy')).toEqual([]);
    expect(missing(uri('http://old.foo/jwks'), 'envoy')).toHaveLength(1);
    expect(
      missing(state([remote], { providers: [provider('a', { keys: keys('1') })] }), 'envoy'),
    ).toHaveLength(1);
    // Found by OpenID discovery, so the address is not declared.
    const discovered = authentication('jwt', { issuer: 'a' });
    expect(
      missing(state([discovered], { providers: [provider('a', { uri: 'http://x' })] }), 'envoy'),
    ).toEqual([]);
  });

  test('keys by address: hybrid may have either', () => {
    for (const more of [{ keys: keys('1') }, { uri: 'http://keys.foo/jwks' }]) {
      expect(missing(state([remote], { providers: [provider('a', more)] }), 'hybrid')).toEqual([]);
    }
    expect(
      missing(state([remote], { providers: [provider('a', { uri: 'http://old' })] }), 'hybrid'),
    ).toHaveLength(1);
  });

  test('inline keys are inline in every mode, and keys that are no JSON never match', () => {
    expect(missing(state([inline], { providers: [provider('a', { keys: keys('1') })] }), 'envoy')).toEqual(
      [],
    );
    const broken = authentication('jwt', { issuer: 'a', jwks: 'not JSON' });
    expect(missing(state([broken], { providers: [provider('a', { keys: [] })] }))).toHaveLength(1);
  });
});

describe('RBAC policies', () => {
  test('a policy has its rules under its own name', () => {
    const declared = [authorization('require')];
    expect(missing(state(declared, { rbac: [rbac('ns[foo]-policy[require]-rule[0]')] }))).toEqual([]);
    expect(missing(state(declared))).toEqual(['it has no RBAC policy ns[foo]-policy[require]-…']);
    const similar = [rbac('ns[foo]-policy[require-2]-rule[0]')];
    expect(missing(state(declared, { rbac: similar }))).toEqual([
      'it has no RBAC policy ns[foo]-policy[require]-…',
      'it still has the RBAC policy ns[foo]-policy[require-2]-rule[0]',
    ]);
  });

  test('one that nothing declares is too many; those that Istio makes itself are not', () => {
    expect(
      missing(state([], { rbac: [rbac('ns[foo]-policy[old]-rule[0]'), rbac('default-deny-all')] })),
    ).toEqual(['it still has the RBAC policy ns[foo]-policy[old]-rule[0]']);
  });

  test('CUSTOM is enforced elsewhere, and a dry run not at all', () => {
    const declared = [
      authorization('ext', { action: 'CUSTOM' }),
      authorization('dry', {}, { 'istio.io/dry-run': 'true' }),
    ];
    expect(missing(state(declared))).toEqual([]);
    expect(missing(state([authorization('wet', {}, { 'istio.io/dry-run': 'false' })]))).toHaveLength(1);
  });
});

describe('what was changed must have changed', () => {
  const old = state(
    [authentication('jwt', { issuer: 'a', jwksUri: 'http://x' }), authorization('p', { rules: [1] })],
    {
      providers: [provider('a', { keys: keys('1') })],
      rbac: [rbac('ns[foo]-policy[p]-rule[0]')],
    },
  );
  const having = (declared: KubeObject[], fingerprint: Partial<ProxyPolicies['fingerprint']> = {}) =>
    state(declared, { ...old.policies, fingerprint: { ...old.policies.fingerprint, ...fingerprint } });
  const unchanged = (of: ProxyState, before: ProxyState | undefined = old, clusters = false) =>
    lacks(of, before, clusters, 'istiod');
  const [authn, authz] = old.declared as [KubeObject, KubeObject];
  const otherAuthn = authentication('jwt', { issuer: 'a', jwksUri: 'http://y' });
  const otherAuthz = authorization('p', { rules: [2] });

  test('nothing changed, nothing is expected', () => {
    expect(unchanged(having([authn, authz]))).toEqual([]);
    expect(unchanged(having([authz, authn]))).toEqual([]);
  });

  test('each part by itself', () => {
    const message = (what: string) => [`its configuration for ${what} is still the one before the change`];
    expect(unchanged(having([otherAuthn, authz]))).toEqual(message('RequestAuthentication'));
    expect(unchanged(having([otherAuthn, authz], { rbac: 'new' }))).toEqual(message('RequestAuthentication'));
    expect(unchanged(having([otherAuthn, authz], { jwt: 'new' }))).toEqual([]);
    expect(unchanged(having([authn, otherAuthz]))).toEqual(message('AuthorizationPolicy'));
    expect(unchanged(having([authn, otherAuthz], { rbac: 'new' }))).toEqual([]);
    expect(unchanged(having([authn, authz]), old, true)).toEqual(message('the host'));
    expect(unchanged(having([authn, authz], { clusters: 'new' }), old, true)).toEqual([]);
  });

  test('a proxy that is new since then has nothing to differ from', () => {
    const fresh = having([otherAuthn, otherAuthz]);
    expect(lacks(fresh, undefined, true, 'istiod')).toEqual([]);
  });
});

describe('takeSettledSnapshot', () => {
  const options = { fetch: 'istiod' as const, timeoutMs: 5000 };
  const proxies = async () => [fakeProxy];
  const behind = async () => {
    const target = new FakeTarget();
    await target.apply([authorization('old')], 'before', signal);
    // The fake takes things over when it is read.
    await takeSnapshot(target, [fakeProxy], [], signal);
    target.frozen = true;
    await target.undo('before', signal);
    return target;
  };

  test('is taken when the proxies have let go of what was deleted', async () => {
    const target = await behind();
    setTimeout(() => {
      target.frozen = false;
    }, 120);
    const snapshot = await takeSettledSnapshot(target, proxies, [], options, signal);
    expect(snapshot.get('foo/httpbin-1')?.policies.rbac).toEqual([]);
  });

  test('is taken although a pod goes away meanwhile, of those that are there then', async () => {
    const target = await behind();
    const gone = { ...fakeProxy, pod: 'httpbin-0' };
    let asked = 0;
    const real = target.proxyPolicies.bind(target);
    target.proxyPolicies = async (proxy, hosts, own) => {
      if (proxy.pod === gone.pod) throw new HarnessError('E_EXEC', 'container not found');
      return real(proxy, hosts, own);
    };
    target.frozen = false;
    const changing = async () => {
      asked += 1;
      return asked < 3 ? [gone, fakeProxy] : [fakeProxy];
    };
    const snapshot = await takeSettledSnapshot(target, changing, [], options, signal);
    expect([...snapshot.keys()]).toEqual(['foo/httpbin-1']);
    expect(asked).toBe(3);
  });

  test('is taken as it is when they do not in time', async () => {
    const target = await behind();
    const started = Date.now();
    const snapshot = await takeSettledSnapshot(target, proxies, [], { ...options, timeoutMs: 150 }, signal);
    expect(snapshot.get('foo/httpbin-1')?.policies.rbac).toHaveLength(1);
    expect(Date.now() - started).toBeLessThan(2000);
  });
});

describe('waitUntilHeld', () => {
  const policy = authorization('require');
  const settings = (target: FakeTarget, before: Snapshot = new Map(), timeoutMs = 400) => ({
    proxies: () => target.proxies({ kind: 'ingress' }, '', signal),
    before,
    hosts: [],
    fetch: 'istiod' as const,
    timeoutMs,
    since: Date.now(),
  });
  const frozenTarget = async () => {
    const target = new FakeTarget();
    const before = await takeSnapshot(target, [fakeProxy], [], signal);
    target.frozen = true;
    await target.apply([policy], 'scope', signal);
    return { target, before };
  };

  test('waits until the proxy has it, and says what it has', async () => {
    const { target, before } = await frozenTarget();
    setTimeout(() => {
      target.frozen = false;
    }, 150);
    const result = await waitUntilHeld(target, settings(target, before, 5000), signal);
    expect(result).toMatchObject({ kind: 'holds', proof: '1 proxy has ns[foo]-policy[require]-rule[0]' });
    expect(result.ms).toBeGreaterThanOrEqual(140);
    expect(result.snapshot.get('foo/httpbin-1')?.policies.rbac).toHaveLength(1);
  });

  test('says at the end of the time what is missing in which proxy', async () => {
    const { target, before } = await frozenTarget();
    const result = await waitUntilHeld(target, settings(target, before, 150), signal);
    expect(result).toMatchObject({
      kind: 'unproven',
      message:
        'foo/httpbin-1: it has no RBAC policy ns[foo]-policy[require]-…; ' +
        'foo/httpbin-1: its configuration for AuthorizationPolicy is still the one before the change',
    });
  });

  test('every proxy counts, also one that comes later', async () => {
    const { target, before } = await frozenTarget();
    target.frozen = false;
    const slow = { ...fakeProxy, pod: 'httpbin-2' };
    let asked = 0;
    const proxies = async () => {
      asked += 1;
      return asked < 3 ? [fakeProxy, slow] : [fakeProxy];
    };
    const real = target.proxyPolicies.bind(target);
    target.proxyPolicies = async (proxy, hosts, own) =>
      proxy.pod === 'httpbin-2' ? { ...(await real(proxy, hosts, own)), rbac: [] } : real(proxy, hosts, own);
    const result = await waitUntilHeld(target, { ...settings(target, before), proxies }, signal);
    expect(result.kind).toBe('holds');
    expect(asked).toBe(3);
  });

  test('without proxies there is nothing to wait for', async () => {
    const target = new FakeTarget();
    target.proxyRefs = [];
    expect(await waitUntilHeld(target, settings(target), signal)).toMatchObject({
      kind: 'holds',
      proof: 'no proxy decides about these requests',
    });
  });

  test('a rejection (NACK) because of the change ends it at once', async () => {
    const { target, before } = await frozenTarget();
    target.rejected = ['listener virtualInbound: invalid local jwks'];
    const started = Date.now();
    const result = await waitUntilHeld(target, settings(target, before, 5000), signal);
    expect(result).toMatchObject({
      kind: 'rejected',
      message: 'foo/httpbin-1: listener virtualInbound: invalid local jwks',
    });
    expect(Date.now() - started).toBeLessThan(1000);
  });

  test('a rejection that was there before says nothing about a change that is taken over', async () => {
    const target = new FakeTarget();
    target.rejected = ['listener virtualInbound: from the step before'];
    const before = await takeSnapshot(target, [fakeProxy], [], signal);
    target.frozen = true;
    await target.apply([policy], 'scope', signal);
    setTimeout(() => {
      target.rejected = [];
      target.frozen = false;
    }, 120);
    expect((await waitUntilHeld(target, settings(target, before, 5000), signal)).kind).toBe('holds');
  });

  test('but it explains one that is not', async () => {
    const target = new FakeTarget();
    target.rejected = ['listener virtualInbound: still'];
    const before = await takeSnapshot(target, [fakeProxy], [], signal);
    target.frozen = true;
    await target.apply([policy], 'scope', signal);
    expect(await waitUntilHeld(target, settings(target, before, 150), signal)).toMatchObject({
      kind: 'rejected',
      message: 'foo/httpbin-1: listener virtualInbound: still',
    });
  });

  test('a rejection left by another scenario does not matter when there is nothing to take over', async () => {
    const target = new FakeTarget();
    target.rejected = ['listener virtualInbound: left over'];
    expect((await waitUntilHeld(target, settings(target), signal)).kind).toBe('holds');
  });

  test('a pod that goes away while it is read is no failure, but one that stays unreadable is', async () => {
    const target = new FakeTarget();
    let failures = 2;
    target.before = (method) => {
      if (method === 'proxyPolicies' && failures-- > 0)
        throw new HarnessError('E_EXEC', 'container not found');
    };
    expect((await waitUntilHeld(target, settings(target, new Map(), 5000), signal)).kind).toBe('holds');
    failures = 1000;
    await expect(waitUntilHeld(target, settings(target, new Map(), 5000), signal)).rejects.toThrow(
      'container not found',
    );
    failures = 0;
    target.before = () => {
      throw new HarnessError('E_KUBE', 'forbidden');
    };
    const calls = target.calls.length;
    await expect(waitUntilHeld(target, settings(target), signal)).rejects.toThrow('forbidden');
    expect(target.calls.length).toBe(calls + 1);
  });

  test('an interruption ends it', async () => {
    const { target, before } = await frozenTarget();
    const controller = new AbortController();
    setTimeout(() => controller.abort('SIGINT'), 50);
    await expect(
      waitUntilHeld(target, settings(target, before, 60_000), controller.signal),
    ).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
  });
});
