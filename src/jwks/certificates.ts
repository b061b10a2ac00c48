/** Certificates of one run: a CA that the mesh is told to trust, and server certificates signed by it. */
import { randomBytes, webcrypto } from 'node:crypto';
import type { Extension, X509Certificate } from '@peculiar/x509';
import { HarnessError } from '../base/errors.ts';

export interface Ca {
  readonly certPem: string;
  readonly certificate: X509Certificate;
  readonly privateKey: webcrypto.CryptoKey;
}

export interface ServerCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

// P-256 with SHA-256 is what OpenSSL, Go and BoringSSL all take without being asked.
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const hour = 60 * 60 * 1000;

/** Loaded on first use: most commands need no certificate, and the library takes its time. */
const library = () => import('./x509.ts');

/**
 * Makes a certificate authority, valid from an hour ago, for clocks that differ, for three days.
 *
 * @param commonName tells CAs apart in messages of TLS libraries
 */
export async function makeCa(commonName: string): Promise<Ca> {
  const x509 = await library();
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: algorithm,
    // pathLength 0: it signs servers, not further authorities.
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certPem: pem(certificate), certificate, privateKey: keys.privateKey };
}

/** The CA as text, key included, to be kept where only its owner can read it. */
export async function caToJson(ca: Ca): Promise<string> {
  const key = await webcrypto.subtle.exportKey('jwk', ca.privateKey);
  return JSON.stringify({ certPem: ca.certPem, key });
}

/** A CA that {@link caToJson} wrote; undefined when it cannot be read or ends within the next `validMs`. */
export async function caFromJson(text: string, validMs: number): Promise<Ca | undefined> {
  try {
    const { certPem, key } = JSON.parse(text) as { certPem: string; key: webcrypto.JsonWebKey };
    const certificate = new (await library()).X509Certificate(certPem);
    if (certificate.notAfter.getTime() < Date.now() + validMs) return undefined;
    const privateKey = await webcrypto.subtle.importKey('jwk', key, algorithm, true, ['sign']);
    return { certPem, certificate, privateKey };
  } catch {
    return undefined;
  }
}

/**
 * Issues a server certificate, valid as long as that of the CA unless told otherwise. Names stand in the subject alternative name, the only
 * place where Go and BoringSSL look.
 *
 * @param names what clients may call the server: DNS names, IP addresses, and SPIFFE IDs, one at least. With an ID it is
 *   for clients, too, as the certificates of workloads are.
 * @throws HarnessError `E_INTERNAL` when there is no name
 */
export async function issueCertificate(
  ca: Ca,
  names: {
    readonly dnsNames?: readonly string[];
    readonly ips?: readonly string[];
    readonly uris?: readonly string[];
  },
  notAfter = ca.certificate.notAfter,
): Promise<ServerCertificate> {
  const alternatives = [
    ...(names.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(names.ips ?? []).map((value) => ({ type: 'ip' as const, value })),
    ...(names.uris ?? []).map((value) => ({ type: 'url' as const, value })),
  ];
  if (alternatives.length === 0) {
    throw new HarnessError('E_INTERNAL', 'a certificate needs a DNS name, an IP address or a SPIFFE ID');
  }
  const x509 = await library();
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const extensions: Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([
      x509.ExtendedKeyUsage.serverAuth,
      ...(names.uris === undefined ? [] : [x509.ExtendedKeyUsage.clientAuth]),
    ]),
    new x509.SubjectAlternativeNameExtension(alternatives),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(ca.certificate),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(ca.certificate.notBefore, notAfter),
    // Not a host name: common names are cut off at 64 characters (RFC 5280), names in the extension are not. Istio leaves
    // it empty, and its users see it in x-forwarded-client-cert.
    subject: names.uris === undefined ? [{ CN: ['istio-jwt-e2e key server'] }] : [],
    issuer: ca.certificate.subjectName.toJSON(),
    publicKey: keys.publicKey,
    signingKey: ca.privateKey,
    signingAlgorithm: algorithm,
    extensions,
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { certPem: pem(certificate), keyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n` };
}

function validity(notBefore = new Date(Date.now() - hour), notAfter = new Date(Date.now() + 72 * hour)) {
  // A serial number is positive and at most 20 bytes (RFC 5280 section 4.1.2.2); 40 hides a leading zero byte.
  return { serialNumber: `40${randomBytes(15).toString('hex')}`, notBefore, notAfter };
}

const pem = (certificate: X509Certificate) => `${certificate.toString('pem')}\n`;
