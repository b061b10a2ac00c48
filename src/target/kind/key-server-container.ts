/** A key server outside the mesh: a container on the network of the kind nodes, started with testcontainers. */
import type { GenericContainer } from 'testcontainers';
import { asHarnessError, HarnessError } from '../../base/errors.ts';
import { moduleFile } from '../../base/files/product-files.ts';
import { timeouts } from '../../base/timeouts.ts';
import { throwIfAborted } from '../../base/wait.ts';
import { KeyServerControl, newSecret } from '../../jwks/key-server-client.ts';
import { ServedKeys, type ServerPlace } from '../../jwks/served-keys.ts';
import { notWorking } from '../../jwks/works.ts';
import type { KeyServerHandle, KeyServerStart } from '../target.ts';

const program = moduleFile('jwks/server.mjs');
const network = 'kind';
const controlPort = 8081;
/** Where the control port is published, as kind does with the API server. Pods ask over the network of the nodes. */
const loopback = '127.0.0.1';

/**
 * Starts the server and gives it keys and a certificate. Its name is its DNS name: Docker's DNS answers for container
 * names, and the DNS of a kind cluster asks Docker's.
 *
 * @param fromNode runs a command on a node of the cluster, and returns its standard output
 * @throws HarnessError E_KEY_SERVER
 */
export async function startKeyServer(
  start: KeyServerStart & { readonly host: string; readonly labels: Record<string, string> },
  image: string,
  authority: ServerPlace['authority'],
  fromNode: (command: readonly string[], signal: AbortSignal) => Promise<string>,
  signal: AbortSignal,
): Promise<KeyServerHandle> {
  const { discovery, host, http2Only, name, path } = start;
  const config = { host: '0.0.0.0', httpPort: 80, httpsPort: 443, controlPort, path, discovery, http2Only };
  const secret = newSecret();
  const { GenericContainer: Container, Wait } = await import('./containers.ts');
  // testcontainers publishes on every address of the machine, to whoever can reach it.
  class OnLoopback extends Container {
    constructor(from: string) {
      super(from);
      this.withExposedPorts(controlPort);
      this.hostConfig.PortBindings = { [`${controlPort}/tcp`]: [{ HostIp: loopback, HostPort: '0' }] };
    }
  }
  let container: Awaited<ReturnType<GenericContainer['start']>>;
  try {
    container = await new OnLoopback(image)
      .withName(start.host)
      .withLabels(start.labels)
      // withNetworkMode and not withNetworkAliases: the latter also connects the container to the default bridge.
      .withNetworkMode(network)
      .withCopyFilesToContainer([{ source: program, target: '/key-server.mjs' }])
      .withEntrypoint(['node'])
      .withCommand(['/key-server.mjs'])
      .withEnvironment({ KEY_SERVER_CONFIG: JSON.stringify(config), JWKS_SECRET: secret })
      // The line that it writes when its ports are open.
      .withWaitStrategy(Wait.forLogMessage(/"controlPort"/))
      .withStartupTimeout(timeouts.keyServer)
      // Removed by us, by label: the reaper image may not be available where this runs.
      .withAutoCleanup(false)
      .start();
  } catch (thrown) {
    throw new HarnessError(
      'E_KEY_SERVER',
      `the key server ${start.name} did not start: ${asHarnessError(thrown).message}`,
      {
        hint: `It runs from the image ${image} (--image key-server=NAME) on the Docker network "${network}".`,
        cause: thrown,
      },
    );
  }
  // Whoever asks again waits for the same end: removing a container twice is an error.
  let stopping: Promise<unknown> | undefined;
  const stop = async () => {
    stopping ??= container.stop({ timeout: 0, remove: true });
    await stopping;
  };
  try {
    const control = new KeyServerControl(
      `http://${loopback}:${container.getMappedPort(controlPort)}`,
      secret,
    );
    const ip = container.getIpAddress(network);
    const urls = [`http://${host}${path}`, `https://${host}${path}`];
    const served = new ServedKeys({ name, host, ip, authority }, control, (userAgent, own) =>
      answersOf(name, urls, userAgent, fromNode, own),
    );
    await served.set(start);
    throwIfAborted(signal);
    return served.handle(stop);
  } catch (thrown) {
    await stop();
    throwIfAborted(signal);
    throw new HarnessError(
      'E_KEY_SERVER',
      `the key server ${start.name} cannot be set up: ${asHarnessError(thrown).message}`,
      {
        cause: thrown,
      },
    );
  }
}

/** What it answers a node at these addresses, a line each. @throws HarnessError E_KEY_SERVER when it does not */
async function answersOf(
  name: string,
  urls: readonly string[],
  userAgent: string,
  fromNode: (command: readonly string[], signal: AbortSignal) => Promise<string>,
  signal: AbortSignal,
): Promise<string[]> {
  const seconds = String(timeouts.keyServerCheck / 1000);
  // Whether its certificate is one to be trusted is the scenario's business.
  const options = [
    '-q',
    '-sS',
    '--insecure',
    '--noproxy',
    '*',
    '--max-time',
    seconds,
    '--user-agent',
    userAgent,
  ];
  try {
    const text = await fromNode(['curl', ...options, '--fail-early', '--write-out', '\\n', ...urls], signal);
    return text.trimEnd().split('\n');
  } catch (thrown) {
    throwIfAborted(signal);
    throw notWorking(name, asHarnessError(thrown).message, thrown);
  }
}
