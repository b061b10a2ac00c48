/** Asks proxies and istiod about themselves, on ports that only their own pods can reach. */
import { debug } from '../../base/debug.ts';
import { HarnessError } from '../../base/errors.ts';
import { nameOfError } from '../../base/names.ts';
import { timeouts } from '../../base/timeouts.ts';
import { throwIfAborted } from '../../base/wait.ts';
import { exec } from '../../kube/exec.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { getFromPod } from '../../kube/port-forward.ts';
import { proxyContainer } from './survey-mesh.ts';

export interface Admin {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Of the loopback address. */
  readonly port: number;
  /** In the container: asks the same, and knows when the port is another one. The path is added. */
  readonly command: readonly string[];
}

/** Of a proxy: Envoy's admin interface, at Istio's default for proxyAdminPort. */
export function proxyAdmin(namespace: string, pod: string): Admin {
  return {
    namespace,
    pod,
    container: proxyContainer,
    port: 15000,
    command: ['pilot-agent', 'request', 'GET'],
  };
}

/** Of an istiod: its debug interface, which answers the loopback address without authentication. */
export function istiodAdmin(namespace: string, pod: string): Admin {
  return {
    namespace,
    pod,
    container: 'discovery',
    port: 8080,
    command: ['pilot-discovery', 'request', 'GET'],
  };
}

/** Ports that cannot be reached by a client, though commands can be run: it need not be tried again. */
const unreachable = new WeakMap<KubeClient, Set<number>>();

/**
 * GET, over a connection to the port where that is possible, as it takes a thirtieth of the time, or else by a command.
 *
 * @throws HarnessError E_EXEC
 */
export async function getAdmin(
  client: KubeClient,
  admin: Admin,
  path: string,
  signal: AbortSignal,
): Promise<string> {
  const { port } = admin;
  if (unreachable.get(client)?.has(port)) return byCommand(client, admin, path, signal);
  try {
    return await getFromPod(client, admin, path, { signal, timeoutMs: timeouts.kubeRequest });
  } catch (thrown) {
    throwIfAborted(signal);
    debug(() => nameOfError(thrown));
    const answer = await byCommand(client, admin, path, signal);
    unreachable.set(client, new Set([...(unreachable.get(client) ?? []), port]));
    return answer;
  }
}

async function byCommand(
  client: KubeClient,
  { namespace, pod, container, command }: Admin,
  path: string,
  signal: AbortSignal,
): Promise<string> {
  const { exitCode, stdout, stderr } = await exec(client, { namespace, pod, container }, [...command, path], {
    signal,
  });
  if (exitCode === 0) return stdout.toString('utf8');
  throw new HarnessError('E_EXEC', `${container} of ${namespace}/${pod} does not answer ${path}`, {
    details: stderr,
  });
}
