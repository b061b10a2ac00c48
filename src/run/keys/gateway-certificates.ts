/** Certificates that gateways serve HTTPS with, made for the scenario. */
import { issueCertificate, makeCa } from '../../jwks/certificates.ts';
import type { PlannedScenario } from '../../plan/types.ts';
import { rememberOpaque, rememberSecret } from '../../token/decode.ts';

export interface GatewayCertificate {
  /** PEM, as `tls.crt` of a Secret. */
  readonly cert: string;
  /** PEM of its private key, as `tls.key`. */
  readonly key: string;
  /** PEM of what has signed it, and nothing else: a client that trusts this one takes no other certificate. */
  readonly ca: string;
}

export async function makeCertificates(
  specs: PlannedScenario['certificates'],
): Promise<ReadonlyMap<string, GatewayCertificate>> {
  const made = Object.entries(specs).map(async ([name, { hosts }]) => {
    const ca = await makeCa(`istio-jwt-e2e ${name}`);
    const { certPem: cert, keyPem: key } = await issueCertificate(ca, { dnsNames: hosts });
    rememberOpaque(key);
    rememberSecret(key.replace(/-----[^-]+-----|\s/g, ''));
    return [name, { cert, key, ca: ca.certPem }] as const;
  });
  return new Map(await Promise.all(made));
}
