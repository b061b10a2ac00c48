/** A token server as registries have them: it signs JSON Web Tokens that docker-registry accepts. */
import 'reflect-metadata';
import { randomUUID, webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { X509CertificateGenerator } from '@peculiar/x509';
import { SignJWT } from 'jose';
import { downloads, temporaryFolder } from '../downloads.ts';

export interface TokenServer {
  /** For docker-registry's configuration. */
  readonly settings: string;
  /** Paths asked for, in order. */
  readonly asked: string[];
  /** What Authorization said, in the same order. */
  readonly authorizations: (string | undefined)[];
}

/** @param accepts the user that tokens are for, `name:password`; everybody when absent */
export async function tokenServer(repository: string, accepts?: string): Promise<TokenServer> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=tokens',
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 3_600_000),
    keys,
    signingAlgorithm: algorithm,
  });
  const bundle = join(temporaryFolder(), 'root.pem');
  writeFileSync(bundle, certificate.toString('pem'));
  const server = await downloads();
  const authorizations: (string | undefined)[] = [];
  const scope = `repository:${repository}:pull`;
  server.routes.set(
    `/token?service=registry&scope=${encodeURIComponent(scope)}`,
    async (request, response) => {
      const { authorization } = request.headers;
      authorizations.push(authorization);
      const wanted = accepts === undefined ? undefined : `Basic ${Buffer.from(accepts).toString('base64')}`;
      if (authorization !== wanted) {
        response.writeHead(401).end();
        return;
      }
      const token = await new SignJWT({
        access: [{ type: 'repository', name: repository, actions: ['pull'] }],
      })
        .setProtectedHeader({
          alg: 'ES256',
          typ: 'JWT',
          x5c: [Buffer.from(certificate.rawData).toString('base64')],
        })
        .setIssuer('tokens')
        .setAudience('registry')
        .setSubject('')
        .setIssuedAt()
        .setNotBefore('0s')
        .setExpirationTime('5m')
        .setJti(randomUUID())
        .sign(keys.privateKey);
      response.end(JSON.stringify({ token }));
    },
  );
  const settings = `auth:
  token: { realm: "${server.url}/token", service: registry, issuer: tokens, rootcertbundle: ${bundle} }
`;
  return { settings, asked: server.asked, authorizations };
}
