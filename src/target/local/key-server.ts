/** A key server outside the mesh: a process on a loopback address of its own. */
import { fileURLToPath } from 'node:url';
import { HarnessError } from '../../errors.ts';
import { type Ca, issueCertificate } from '../../jwks/certificates.ts';
import { KeyServerControl } from '../../jwks/client.ts';
import { timeouts } from '../../timeouts.ts';
import { within } from '../../wait.ts';
import type { KeyServerHandle, KeyServerStart } from '../target.ts';
import { portOn } from './addresses.ts';
import type { StartPart } from './api-server.ts';
import type { ExternalHost } from './resolver.ts';

const program = fileURLToPath(new URL('../../jwks/server.mjs', import.meta.url));

/** @throws HarnessError E_KEY_SERVER */
export async function startKeyServer(
  start: KeyServerStart & { readonly host: string; readonly ip: string },
  ca: Ca,
  startPart: StartPart,
  signal: AbortSignal,
): Promise<KeyServerHandle & { readonly external: ExternalHost }> {
  const { host, ip, name, path } = start;
  const httpPort = await portOn(ip, 80);
  const httpsPort = await portOn(ip, 443);
  const controlPort = await portOn(ip);
  const part = await startPart({
    name: `key server ${name}`,
    program: process.execPath,
    args: [program],
    env: { KEY_SERVER_CONFIG: JSON.stringify({ host: ip, httpPort, httpsPort, controlPort, path }) },
  });
  const limit = within(timeouts.keyServer, signal, `starting the key server ${name}`);
  try {
    const control = new KeyServerControl(`http://${ip}:${controlPort}`);
    const [certificate] = await Promise.all([
      issueCertificate(ca, { dnsNames: [host], ips: [ip] }),
      control.ready(limit.signal),
    ]);
    await Promise.all([control.setKeys(start.jwks), control.setTls(certificate)]);
    return {
      name,
      host,
      ip,
      external: { ip, ports: { 80: httpPort, 443: httpsPort } },
      setKeys: (jwks) => control.setKeys(jwks),
      log: () => control.log(),
      stop: () => part.stop(true),
    };
  } catch (thrown) {
    await part.stop(true);
    if (signal.aborted) throw thrown;
    throw new HarnessError(
      'E_KEY_SERVER',
      `the key server ${name} did not start: ${(thrown as Error).message}`,
      {
        details: part.tail(),
        cause: thrown,
      },
    );
  } finally {
    limit.done();
  }
}
