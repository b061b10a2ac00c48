/** What the target cluster finds out about a mesh that somebody else has installed. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { OwnKeyServer } from '../../../src/jwks/own-key-server.ts';
import { versionOfImage } from '../../../src/target/cluster/facts.ts';
import { type FakeApi, failure } from '../../support/fake-api.ts';
import { unaborted } from '../../support/signals.ts';
import { useTargets } from './support.ts';

let api: FakeApi;
const signal = unaborted();
const targets = useTargets((server) => {
  api = server;
});
const makeTarget: typeof targets = (server, settings) =>
  targets(server, { ingress: 'http://192.0.2.1', ...settings });

function putIstiod(image: string, mode?: string, name = 'istiod'): void {
  const env = mode === undefined ? [] : [{ name: 'PILOT_JWT_ENABLE_REMOTE_JWKS', value: mode }];
  const containers = [{ name: 'discovery', image, env }];
  const labels = { app: 'istiod' };
  api.put({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'istio-system', labels },
    spec: { template: { spec: { containers } } },
  });
}

function putGateway(): void {
  api.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'gateway-1', namespace: 'istio-system', labels: { istio: 'ingressgateway' } },
    spec: { containers: [{ name: 'istio-proxy', image: 'proxyv2' }] },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  });
  const info = {
    version: '1a2b/1.36.4/Clean/RELEASE/BoringSSL',
    node: { metadata: { ISTIO_VERSION: '1.29.9' } },
  };
  api.onExec((session) => {
    session.stdout(JSON.stringify(info));
    session.exit(0);
  });
}

test('what can be read is read', async () => {
  putIstiod('registry.example:5000/istio/pilot:1.30.2-distroless@sha256:00', 'envoy');
  putGateway();
  const { target } = makeTarget(api, { asm: '1.25.6' });
  expect(await target.up(signal)).toEqual({
    id: '1.30.2-distroless cluster',
    target: 'cluster',
    reason: 'because of a test',
    istio: '1.30.2-distroless',
    envoy: '1.36.4',
    kubernetes: 'v1.34.4',
    asm: '1.25.6',
    fetch: 'envoy',
    details: {
      context: 'fake',
      'Istio version from': 'image of istiod',
      'fetch mode from': 'Deployment of istiod',
      'ingress address': 'http://192.0.2.1 (--ingress)',
    },
  });
  expect(target.fetchMode()).toBe('envoy');
  expect(api.log('PATCH', 'POST', 'PUT', 'DELETE')).toEqual([]);
});

test('the pods of the gateway are those of its Service, which can be named', async () => {
  putIstiod('docker.io/istio/pilot:1.31.1');
  const gateway = { namespace: 'edge', name: 'web' };
  const { target } = makeTarget(api, { gateway });
  await target.up(signal);
  // Nothing is known of it but what Istio's own gateways are called.
  expect((await target.survey(signal)).ingress).toEqual({
    namespace: 'edge',
    labels: { istio: 'ingressgateway' },
  });
  api.put({ apiVersion: 'v1', kind: 'Service', metadata: gateway, spec: { selector: { app: 'web' } } });
  await target.up(signal);
  expect((await target.survey(signal)).ingress).toEqual({ namespace: 'edge', labels: { app: 'web' } });
});

test('with a control plane that cannot be read, the gateway tells the version, and the fetch mode is assumed', async () => {
  api.rule('GET', /deployments$/, failure(403, 'Forbidden', 'deployments is forbidden'));
  putGateway();
  const facts = await makeTarget(api).target.up(signal);
  expect(facts).toMatchObject({ istio: '1.29.9', envoy: '1.36.4', fetch: 'istiod' });
  expect(facts.details).toMatchObject({
    'Istio version from': 'gateway',
    'fetch mode from': "assumed: Istio's default, because istiod cannot be read",
  });
});

test('what the user says counts where nothing can be read', async () => {
  const told = { istio: '1.28.4', fetch: 'hybrid' } as const;
  const facts = await makeTarget(api, told).target.up(signal);
  expect(facts).toMatchObject({ istio: '1.28.4', fetch: 'hybrid' });
  expect(facts.details).toMatchObject({ 'Istio version from': '--istio', 'fetch mode from': '--fetch-mode' });
});

test('what can be read counts more than what the user says', async () => {
  putIstiod('docker.io/istio/pilot:1.31.1');
  const facts = await makeTarget(api, { istio: '1.20.0', fetch: 'envoy' }).target.up(signal);
  expect(facts).toMatchObject({ istio: '1.31.1', fetch: 'istiod' });
});

test('of several revisions, the one that serves istio-injection=enabled counts', async () => {
  putIstiod('docker.io/istio/pilot:1.30.5', 'envoy', 'istiod-canary');
  putIstiod('docker.io/istio/pilot:1.29.9');
  expect(await makeTarget(api).target.up(signal)).toMatchObject({ istio: '1.29.9', fetch: 'istiod' });
});

describe('without what is needed', () => {
  test('there is no Istio', async () => {
    api.resources.delete('security.istio.io/v1');
    api.resources.delete('security.istio.io/v1beta1');
    await expect(makeTarget(api).target.up(signal)).rejects.toThrow(
      expect.objectContaining({
        code: 'E_ISTIO',
        message: 'there is no Istio: context fake has no RequestAuthentication',
        hint: expect.stringContaining('--mesh-context'),
      }),
    );
  });

  test('its version is not known', async () => {
    await expect(makeTarget(api).target.up(signal)).rejects.toThrow(
      expect.objectContaining({ code: 'E_ISTIO', hint: expect.stringContaining('--istio VERSION') }),
    );
  });

  test('the API server does not answer', async () => {
    api.rule('GET', /./, 'reset');
    await expect(makeTarget(api).target.up(signal)).rejects.toThrow(
      expect.objectContaining({ code: 'E_KUBE' }),
    );
  });
});

test('an Istio that is older than the v1 of the policies will do', async () => {
  api.resources.delete('security.istio.io/v1');
  putIstiod('docker.io/istio/pilot:1.20.8');
  const { target } = makeTarget(api);
  expect(await target.up(signal)).toMatchObject({ istio: '1.20.8' });
  expect((await target.survey(signal)).objects).toEqual([]);
});

test('says what it cannot do, and why', async () => {
  putIstiod('docker.io/istio/pilot:1.31.1');
  const { target } = makeTarget(api);
  await target.up(signal);
  expect([...target.missing.keys()]).toEqual(['fetch-mode', 'mesh-settings', 'jwks-ca']);
  await target.setIstiod({ fetch: 'istiod', variables: {} });
  await expect(target.setIstiod({ fetch: 'envoy', variables: {} })).rejects.toThrow(
    'the mesh has fetch mode istiod, not envoy',
  );
  expect(await target.caCertificate()).toContain('BEGIN CERTIFICATE');
});

test('a key server of the user is used as it is, where the plan says so', async () => {
  putIstiod('docker.io/istio/pilot:1.31.1');
  const key = { kid: 'mine', n: 'sample-modulus', e: 'AQAB' };
  const server = createServer((_, response) =>
    response.end(JSON.stringify({ keys: [{ kty: 'RSA', ...key }] })),
  );
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/get_jwks`;
    const { target } = makeTarget(api, { ownKeyServer: await OwnKeyServer.find(url, key, signal) });
    expect(await target.up(signal)).toMatchObject({
      ownKeyServer: url,
      details: { 'key server of yours': url },
    });
    const start = { name: 'keys', path: '/get_jwks', discovery: false, http2Only: false } as const;
    const state = { jwks: {}, certificate: 'trusted', fault: null } as const;
    const handle = await target.startKeyServer({ ...start, ...state, isOwn: true }, signal);
    expect(handle).toMatchObject({ name: 'keys', host: '127.0.0.1' });
    expect(api.get('v1', 'Namespace', 'jwt-e2e-keys')).toBeUndefined();
  } finally {
    server.close();
  }
});

test('a key server that does not start keeps no other scenario waiting', async () => {
  putIstiod('docker.io/istio/pilot:1.31.1');
  const { target } = makeTarget(api, { images: { 'key-server': 'example/node' } });
  await target.up(signal);
  const end = new AbortController();
  const start = { name: 'keys', path: '/get_jwks', discovery: false, http2Only: false } as const;
  const state = { jwks: {}, certificate: 'trusted', fault: null } as const;
  const starting = target.startKeyServer({ ...start, ...state, isOwn: false }, end.signal).catch(String);
  await expect.poll(() => api.get('apps/v1', 'Deployment', 'keys', 'jwt-e2e-keys')).toBeDefined();
  expect((await target.survey(AbortSignal.timeout(5_000))).rootNamespace).toBe('istio-system');
  end.abort();
  await starting;
});

test.each([
  ['docker.io/istio/pilot:1.31.1', '1.31.1'],
  ['registry.example:5000/istio/pilot', undefined],
  ['istio/pilot:v1.22.6.71-g7d67a80b-aliyun', '1.22.6.71-g7d67a80b-aliyun'],
  ['istio/pilot:latest', undefined],
  ['istio/pilot@sha256:0011', undefined],
])('the version in %s is %s', (image, version) => {
  expect(versionOfImage(image)).toBe(version);
});
