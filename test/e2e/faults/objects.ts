/** What is on a cluster, and what the product keeps of it; read by tests and by programs. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { nameOfKey } from '../../../src/base/names.ts';
import { KubeClient } from '../../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../../src/kube/kube-config.ts';
import { keyOf, listObjects } from '../../../src/kube/objects.ts';
import { keyServerLabel } from '../../../src/target/kind/kind-target.ts';

/** The folder in which the product keeps what it knows of a cluster. */
export function stateFolder(cluster: string): string {
  const state = process.env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state');
  return join(state, 'istio-jwt-e2e', cluster);
}

/** As {@link policiesOf}, of a kind cluster. */
export async function policiesOn(cluster: string): Promise<string[]> {
  return policiesOf(join(stateFolder(cluster), 'kubeconfig'));
}

/** `Kind namespace/name` of every policy and route on a cluster: what scenarios apply, and nothing of Istio's own. */
export async function policiesOf(kubeconfig: string): Promise<string[]> {
  const client = new KubeClient(loadKubeConfig({ file: kubeconfig }));
  const kinds = [
    ['security.istio.io/v1', 'RequestAuthentication'],
    ['security.istio.io/v1', 'AuthorizationPolicy'],
    ['networking.istio.io/v1', 'ServiceEntry'],
    ['networking.istio.io/v1', 'DestinationRule'],
  ] as const;
  try {
    const lists = await Promise.all(
      kinds.map(([apiVersion, kind]) =>
        listObjects(client, { apiVersion, kind }, AbortSignal.timeout(20_000)),
      ),
    );
    const names = lists.flat().map((object) => nameOfKey(keyOf(object)));
    // The marker belongs to a run that goes on, and not to its scenario; alone it would be left over.
    const own = names.filter((name) => !name.endsWith('/jwt-e2e-marker'));
    return own.length > 0 ? own : names;
  } finally {
    await client.close();
  }
}

/** Names of the containers of key servers that belong to a cluster, stopped ones as well. */
export async function keyServersOf(cluster: string): Promise<string[]> {
  return containers(`label=${keyServerLabel}=${cluster}`);
}

/** Names of the containers that are nodes of a kind cluster. */
export async function nodesOf(cluster: string): Promise<string[]> {
  return containers(`label=io.x-k8s.kind.cluster=${cluster}`);
}

async function containers(filter: string): Promise<string[]> {
  const docker = process.env.JWT_E2E_DOCKER ?? 'docker';
  const { stdout } = await execa(docker, ['ps', '-a', '--format', '{{.Names}}', '--filter', filter]);
  return stdout.split('\n').filter(Boolean);
}
