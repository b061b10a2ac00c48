import { expect, test } from 'vitest';
import { KeyCache, keyAddresses } from '../../../src/run/keys/key-cache.ts';
import { FakeTarget } from '../../support/fake-target.ts';
import { unaborted } from '../../support/signals.ts';
import { run, scenarioSource, sendStep } from '../support.ts';

const uri = 'http://nginx-proxy.foo/get_jwks';
const policy = (more: string) => `    apply:
      - apiVersion: security.istio.io/v1
        kind: RequestAuthentication
        metadata: { name: jwt, namespace: foo }
        spec: { jwtRules: [{ issuer: "\${issuers.sample.issuer}", ${more} }] }
`;
const withUri = (name: string, address = uri, more = '') =>
  scenarioSource(name, sendStep('s', '[200, 200]', policy(`jwksUri: "${address}"`)), more);
const ofIstiod = (target: FakeTarget) =>
  target.calls.filter((call) => /^(setIstiod|keysUsed|undo)/.test(call));

test('addresses are those of rules without inline keys, also without a jwksUri', () => {
  const rules = [{ issuer: 'a', jwks: '{}' }, { issuer: 'b', jwksUri: 'http://b' }, { issuer: 'c' }];
  const manifest = { kind: 'RequestAuthentication', spec: { jwtRules: rules } };
  const other = { kind: 'AuthorizationPolicy', spec: { jwtRules: rules } };
  const steps = [{ apply: [{ manifest }, { manifest: other }] }];
  expect(keyAddresses({ steps } as unknown as Parameters<typeof keyAddresses>[0])).toEqual([
    ['b', 'http://b'],
    ['c', ''],
  ]);
});

test('a rule that names no issuer has an address too: it is for the API server to refuse it', () => {
  const manifest = { kind: 'RequestAuthentication', spec: { jwtRules: [{ jwksUri: 'http://a' }] } };
  const steps = [{ apply: [{ manifest }] }];
  expect(keyAddresses({ steps } as unknown as Parameters<typeof keyAddresses>[0])).toEqual([
    ['', 'http://a'],
  ]);
});

test('istiod has no keys of a scenario when another one has the same address', async () => {
  const target = new FakeTarget();
  const { exitCode } = await run([withUri('a'), withUri('b'), withUri('c', 'http://other/jwks')], { target });
  expect(exitCode).toBe(0);
  expect(ofIstiod(target)).toEqual([
    'setIstiod istiod',
    'keysUsed',
    'undo a',
    'setIstiod istiod',
    'keysUsed',
    'undo b',
    'keysUsed',
    'undo c',
  ]);
});

test('the same address of another issuer is another entry of the cache', async () => {
  const target = new FakeTarget();
  const other = withUri('b').replace('issuer: me', 'issuer: you');
  await run([withUri('a'), other], { target });
  expect(ofIstiod(target).filter((call) => call.startsWith('setIstiod'))).toHaveLength(1);
});

test('servers that the target starts have an address of their own in each scenario', async () => {
  const target = new FakeTarget();
  const server = 'keyServers: { outside: { serves: sample } }';
  const address = 'http://${keyServers.outside.host}/get_jwks';
  await run([withUri('a', address, server), withUri('b', address, server)], { target });
  expect(ofIstiod(target).filter((call) => call.startsWith('setIstiod'))).toHaveLength(1);
});

test('a scenario in which key servers change has an istiod that asks no other ones', async () => {
  const target = new FakeTarget();
  const server = 'keyServers: { outside: { serves: sample } }';
  const address = 'http://${keyServers.outside.host}/get_jwks';
  const changing = scenarioSource(
    'b',
    sendStep('s', '[200, 200]', `${policy(`jwksUri: "${address}"`)}    set: { outside: {} }\n`),
    server,
  );
  await run([withUri('a', address, server), changing], { target });
  expect(ofIstiod(target)).toEqual([
    'setIstiod istiod',
    'keysUsed',
    'undo a',
    'setIstiod istiod',
    'keysUsed',
    'undo b',
  ]);
});

test('proxies that fetch themselves keep nothing', async () => {
  const target = new FakeTarget();
  const mesh = 'mesh: { fetch: [envoy] }';
  await run([withUri('a', uri, mesh), withUri('b', uri, mesh)], { target });
  expect(ofIstiod(target)).toEqual(['setIstiod envoy', 'undo a', 'undo b']);
});

test('where istiod cannot be restarted, the addresses whose keys it may have are known', async () => {
  const target = new FakeTarget();
  target.missing.set('fetch-mode', 'others use it');
  const cache = new KeyCache(target);
  const signal = unaborted();
  const use = () => cache.use([['me', '${a.host}']], { a: { host: 'http://a' } }, signal);
  expect(await use()).toEqual([]);
  expect(await use()).toEqual(['http://a']);
  await cache.clear({ fetch: 'istiod', variables: {} }, signal);
  expect(await use()).toEqual(['http://a']);
  expect(await cache.use([['me', '']], {}, signal)).toEqual([]);
  expect(await cache.use([['me', '']], {}, signal)).toEqual(['issuer me']);
});

test('istiod is restarted when it may have any of the addresses, and then has none of them', async () => {
  const target = new FakeTarget();
  const cache = new KeyCache(target);
  expect(await cache.use([['me', uri]], {}, unaborted())).toEqual([]);
  const both: [string, string][] = [
    ['me', 'http://other'],
    ['me', uri],
  ];
  expect(await cache.use(both, {}, unaborted())).toEqual([]);
  expect(ofIstiod(target)).toEqual(['keysUsed', 'setIstiod istiod', 'keysUsed']);
});

test('where proxies fetch, istiod has nothing, and nobody need know of the addresses', async () => {
  const target = new FakeTarget();
  target.mode = 'envoy';
  const cache = new KeyCache(target);
  for (const _ of [1, 2]) expect(await cache.use([['me', uri]], {}, unaborted())).toEqual([]);
  expect(target.calls).toEqual([]);
});

test('an address with a name that is not known is told as it is written, also to who need not learn of it', async () => {
  const target = new FakeTarget();
  Object.assign(target, { keysUsed: undefined });
  target.missing.set('fetch-mode', 'others use it');
  const cache = new KeyCache(target);
  const use = () => cache.use([['me', 'http://${keyServers.gone.host}']], {}, unaborted());
  expect(await use()).toEqual([]);
  expect(await use()).toEqual(['http://${keyServers.gone.host}']);
});
