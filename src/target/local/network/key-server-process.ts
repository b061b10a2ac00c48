/** A key server outside the mesh: a process on a loopback address of its own. */
import { Agent, request } from 'undici';
import { HarnessError } from '../../../base/errors.ts';
import { moduleFile } from '../../../base/files/product-files.ts';
import { nameOfError } from '../../../base/names.ts';
import { timeouts } from '../../../base/timeouts.ts';
import { throwIfAborted, within } from '../../../base/wait.ts';
import { KeyServerControl, newSecret } from '../../../jwks/key-server-client.ts';
import { ServedKeys, type ServerPlace } from '../../../jwks/served-keys.ts';
import { notWorking } from '../../../jwks/works.ts';
import type { KeyServerHandle, KeyServerStart } from '../../target.ts';
import type { StartPart } from '../control-plane/api-server.ts';
import { portOn } from './addresses.ts';
import type { ExternalHost } from './resolver.ts';

const program = moduleFile('jwks/server.mjs');

/** @throws HarnessError E_KEY_SERVER */
export async function startKeyServer(
  start: KeyServerStart & { readonly host: string; readonly ip: string },
  authority: ServerPlace['authority'],
  startPart: StartPart,
  signal: AbortSignal,
): Promise<KeyServerHandle & { readonly external: ExternalHost }> {
  const { host, ip, name, path, discovery, http2Only } = start;
  const httpPort = await portOn(ip, 80);
  const httpsPort = await portOn(ip, 443);
  const controlPort = await portOn(ip);
  const secret = newSecret();
  const part = await startPart({
    name: `key server ${name}`,
    program: process.execPath,
    args: [program],
    env: {
      KEY_SERVER_CONFIG: JSON.stringify({
        host: ip,
        httpPort,
        httpsPort,
        controlPort,
        path,
        discovery,
        http2Only,
      }),
      JWKS_SECRET: secret,
    },
  });
  const limit = within(timeouts.keyServer, signal, `starting the key server ${name}`);
  try {
    const control = new KeyServerControl(`http://${ip}:${controlPort}`, secret);
    const urls = [`http://${ip}:${httpPort}${path}`, `https://${ip}:${httpsPort}${path}`];
    const served = new ServedKeys({ name, host, ip, authority }, control, (userAgent, own) =>
      answersOf(name, urls, userAgent, own),
    );
    await control.ready(limit.signal);
    await served.set(start);
    return {
      ...served.handle(() => part.stop(true)),
      external: { ip, ports: { 80: httpPort, 443: httpsPort } },
    };
  } catch (thrown) {
    await part.stop(true);
    throwIfAborted(signal);
    throw new HarnessError('E_KEY_SERVER', `the key server ${name} did not start: ${nameOfError(thrown)}`, {
      details: part.tail(),
      cause: thrown,
    });
  } finally {
    limit.done();
  }
}

/** What it answers at these addresses. @throws HarnessError E_KEY_SERVER when it does not */
async function answersOf(
  name: string,
  urls: readonly string[],
  userAgent: string,
  signal: AbortSignal,
): Promise<string[]> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeouts.keyServerCheck)]);
  // Whether its certificate is one to be trusted is the scenario's business.
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false }, allowH2: true });
  const options = { dispatcher, signal: limit, headers: { 'user-agent': userAgent } };
  try {
    return await Promise.all(
      urls.map(async (url) => {
        const { body } = await request(url, options);
        return await body.text();
      }),
    );
  } catch (thrown) {
    throwIfAborted(signal);
    throw notWorking(name, nameOfError(thrown), thrown);
  } finally {
    await dispatcher.destroy();
  }
}
