import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createSecureContext, createServer, type PeerCertificate, type TLSSocket } from 'node:tls';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Ca, makeCa } from '../../../../src/jwks/certificates.ts';
import { Identities, secretFor } from '../../../../src/target/local/envoy/identities.ts';
import type { Secret } from '../../../../src/target/local/envoy/secrets.ts';
import { Mounts } from '../../../../src/target/local/kubelet/mounts.ts';
import type { PodSpec } from '../../../../src/target/local/kubelet/pod-spec.ts';
import { identity, podSpec } from '../support.ts';

type Pair = Extract<Secret, { chain: string }>;

let ca: Ca;
let identities: Identities;
let made = 0;
beforeAll(async () => {
  ca = await makeCa('the mesh');
});
beforeEach(() => {
  made = 0;
  identities = new Identities(ca, () => {
    made += 1;
  });
});

/** Waits until the certificate has been made. */
async function certificateOf(namespace: string, account: string): Promise<Pair> {
  await expect.poll(() => identities.of(namespace, account)).toBeDefined();
  return identities.of(namespace, account) as Pair;
}

describe('the certificate of a service account', () => {
  test('is made once, and told of when it is there', async () => {
    expect(identities.of('foo', 'httpbin')).toBeUndefined();
    const first = await certificateOf('foo', 'httpbin');
    expect(made).toBe(1);
    expect(identities.of('foo', 'httpbin')).toBe(first);
    await certificateOf('foo', 'sleep');
    expect(made).toBe(2);
  });

  test('is another one when the mesh has another trust domain, for which proxies are told to ask again', async () => {
    await certificateOf('foo', 'httpbin');
    identities.setTrustDomain('new.example.com');
    expect(made).toBe(2);
    expect(identities.of('foo', 'httpbin')).toBeUndefined();
    const { chain } = await certificateOf('foo', 'httpbin');
    expect(new X509Certificate(chain).subjectAltName).toBe('URI:spiffe://new.example.com/ns/foo/sa/httpbin');
  });

  test('says who it is as Istio does, and is accepted as client and as server', async () => {
    const { chain, key } = await certificateOf('foo', 'httpbin');
    const leaf = new X509Certificate(chain);
    expect(leaf.subjectAltName).toBe('URI:spiffe://cluster.local/ns/foo/sa/httpbin');
    expect(leaf.subject || '').toBe('');
    expect(leaf.verify(new X509Certificate(ca.certPem).publicKey)).toBe(true);
    const context = { cert: chain, key, ca: (identities.roots as { roots: string }).roots };
    const server = createServer({ ...context, requestCert: true, rejectUnauthorized: true }).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const client = connect({
      port: (server.address() as AddressInfo).port,
      secureContext: createSecureContext(context),
      // By its ID, and not by a host name.
      checkServerIdentity: (_, { subjectaltname }: PeerCertificate) =>
        subjectaltname === leaf.subjectAltName ? undefined : new Error(subjectaltname),
    });
    await once(client, 'secureConnect');
    const [peer] = await accepted;
    expect(peer.authorized).toBe(true);
    client.destroy();
    server.close();
  });
});

describe('the secret that a proxy asks for', () => {
  const mounts = new Mounts();
  const gateway = { namespace: 'istio-system', pod: 'gateway' };
  const workloads: { identity: ReturnType<typeof identity> }[] = [];
  const pod = (name: string, spec: Partial<PodSpec> = {}) =>
    workloads.push({ identity: identity({ name, spec: podSpec(spec) }) });
  const secret = (proxy: string, name: string) =>
    secretFor(
      `sidecar~127.99.0.20~${proxy}~x.svc.cluster.local`,
      name,
      identities,
      { workloads, mounts },
      gateway,
    );
  const subjectOf = async (proxy: string) => {
    await expect.poll(() => secret(proxy, 'default')).toBeDefined();
    return new X509Certificate((secret(proxy, 'default') as Pair).chain).subjectAltName;
  };
  beforeEach(() => {
    workloads.length = 0;
  });

  test('is the certificate of its account', async () => {
    pod('httpbin-1', { serviceAccount: 'httpbin' });
    // Names of Deployments, and so of pods, may have dots in them; those of namespaces have none.
    pod('v1.httpbin-1', { serviceAccount: 'dotted' });
    expect(await subjectOf('httpbin-1.foo')).toBe('URI:spiffe://cluster.local/ns/foo/sa/httpbin');
    expect(await subjectOf('v1.httpbin-1.foo')).toBe('URI:spiffe://cluster.local/ns/foo/sa/dotted');
    expect(await subjectOf('httpbin-1.bar')).toBe('URI:spiffe://cluster.local/ns/bar/sa/default');
    expect(await subjectOf('gateway.istio-system')).toBe(
      'URI:spiffe://cluster.local/ns/istio-system/sa/gateway',
    );
  });

  test('is the CA of the mesh', () => {
    expect(secret('any.foo', 'ROOTCA')).toEqual({ roots: ca.certPem });
  });

  test('is what the operating system trusts, many CAs', () => {
    const { roots } = secret('any.foo', 'file-root:system') as { roots: string };
    expect(roots.match(/BEGIN CERTIFICATE/g)?.length).toBeGreaterThan(50);
    expect(() => createSecureContext({ ca: roots })).not.toThrow();
  });

  test('is a file of a volume that an annotation mounts into the sidecar', () => {
    const source = { kind: 'Secret', name: 'tls', optional: false } as const;
    pod('httpbin-1', { proxyMounts: [{ path: '/etc/tls', source }] });
    pod('sleep-1');
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const data = { ca: base64('CA'), crt: base64('CRT'), key: base64('KEY') };
    mounts.set(
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'tls', namespace: 'foo' }, data },
      false,
    );
    expect(secret('httpbin-1.foo', 'file-root:/etc/tls/ca')).toEqual({ roots: 'CA' });
    expect(secret('httpbin-1.foo', 'file-cert:/etc/tls/crt~/etc/tls/key')).toEqual({
      chain: 'CRT',
      key: 'KEY',
    });
    expect(secret('httpbin-1.foo', 'file-root:/etc/tls/none')).toBeUndefined();
    expect(secret('httpbin-1.foo', 'file-cert:/etc/tls/crt~/etc/tls/none')).toBeUndefined();
    expect(secret('httpbin-1.foo', 'file-cert:/etc/tls/crt')).toBeUndefined();
    expect(secret('sleep-1.foo', 'file-root:/etc/tls/ca')).toBeUndefined();
  });

  test('is none when nobody knows the name, or the node', () => {
    pod('httpbin-1');
    expect(secret('httpbin-1.foo', 'kubernetes://tls')).toBeUndefined();
    expect(secret('unknown.foo', 'file-root:/etc/tls/ca')).toBeUndefined();
    expect(secretFor('', 'other', identities, { workloads, mounts }, gateway)).toBeUndefined();
  });
});
