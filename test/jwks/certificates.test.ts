import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Ca, issueCertificate, makeCa, type ServerCertificate } from '../../src/jwks/certificates.ts';

let ca: Ca;
let other: Ca;
let server: ServerCertificate;
beforeAll(async () => {
  // The same name on purpose: only the key tells them apart.
  [ca, other] = await Promise.all([makeCa('istio-jwt-e2e run, 1'), makeCa('istio-jwt-e2e run, 1')]);
  server = await issueCertificate(ca, { dnsNames: ['jwks.external.test'], ips: ['127.0.0.1', '::1'] });
});

/** Shakes hands as OpenSSL does; returns undefined or the code of the failure. */
async function handshake(
  certificate: ServerCertificate,
  trusted: string,
  name: { servername?: string; host?: string },
) {
  const listener = createServer({ cert: certificate.certPem, key: certificate.keyPem }, (socket) =>
    socket.end(),
  );
  listener.on('tlsClientError', () => {});
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  try {
    const client = connect({ host: '127.0.0.1', port, ca: trusted, ...name });
    await once(client, 'secureConnect');
    client.destroy();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  } finally {
    listener.close();
  }
}

describe('certificates', () => {
  it('are accepted for every name and address that they were issued for', async () => {
    expect(await handshake(server, ca.certPem, { servername: 'jwks.external.test' })).toBeUndefined();
    expect(await handshake(server, ca.certPem, { host: '127.0.0.1' })).toBeUndefined();
    expect(new X509Certificate(server.certPem).checkIP('::1')).toBe('::1');
  });

  it('are refused under another name', async () => {
    const name = { servername: 'other.external.test' };
    expect(await handshake(server, ca.certPem, name)).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    const dnsOnly = await issueCertificate(ca, { dnsNames: ['jwks.external.test'] });
    expect(await handshake(dnsOnly, ca.certPem, { host: '127.0.0.1' })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('are refused by who trusts another CA, though it has the same name', async () => {
    const name = { servername: 'jwks.external.test' };
    expect(await handshake(server, other.certPem, name)).toMatch(/^(UNABLE_TO_|CERT_SIGNATURE_FAILURE)/);
  });

  it('have the extensions that Go and BoringSSL ask for', () => {
    const [leaf, root] = [new X509Certificate(server.certPem), new X509Certificate(ca.certPem)];
    expect(root.ca).toBe(true);
    expect(root.subject).toBe('CN=istio-jwt-e2e run\\, 1');
    expect(root.checkIssued(root)).toBe(true);
    expect(root.verify(root.publicKey)).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(leaf.checkIssued(root)).toBe(true);
    expect(leaf.verify(root.publicKey)).toBe(true);
    expect(leaf.verify(new X509Certificate(other.certPem).publicKey)).toBe(false);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(leaf.subjectAltName).toBe(
      'DNS:jwks.external.test, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    expect(leaf.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(leaf.serialNumber).toMatch(/^40[0-9A-F]{30}$/);
  });

  it('of a workload name its SPIFFE ID and nothing else, and are for clients, too', async () => {
    const id = 'spiffe://cluster.local/ns/foo/sa/httpbin';
    const { certPem } = await issueCertificate(ca, { uris: [id] });
    const leaf = new X509Certificate(certPem);
    expect(leaf.subjectAltName).toBe(`URI:${id}`);
    // Node has no word for an empty name.
    expect(leaf.subject ?? '').toBe('');
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(leaf.verify(new X509Certificate(ca.certPem).publicKey)).toBe(true);
  });

  it('hold from an hour ago for three days, the certificate as long as its CA', () => {
    const [leaf, root] = [new X509Certificate(server.certPem), new X509Certificate(ca.certPem)];
    expect([leaf.validFrom, leaf.validTo]).toEqual([root.validFrom, root.validTo]);
    expect(Math.abs(Date.now() - 3_600_000 - Date.parse(root.validFrom))).toBeLessThan(60_000);
    expect(Date.parse(root.validTo) - Date.parse(root.validFrom)).toBeCloseTo(73 * 3_600_000, -4);
  });

  it('need a name, which may be longer than a common name may be', async () => {
    await expect(issueCertificate(ca, { dnsNames: [], ips: [] })).rejects.toMatchObject({
      code: 'E_INTERNAL',
    });
    const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.test`;
    const certificate = await issueCertificate(ca, { dnsNames: [long] });
    expect(await handshake(certificate, ca.certPem, { servername: long })).toBeUndefined();
  });
});
