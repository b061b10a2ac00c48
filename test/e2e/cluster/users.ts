/** Users of a real cluster with exactly the rights that docs/rbac publishes, each with a kubeconfig of its own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { KubeClient } from '../../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../../src/kube/kube-config.ts';
import { applyObject, deleteObject, keyOf } from '../../../src/kube/objects.ts';
import type { KubeObject } from '../../../src/target/target.ts';
import { unaborted } from '../../support/signals.ts';

export const adminKubeconfig = process.env.JWT_E2E_TEST_CLUSTER_KUBECONFIG ?? '';

export const whySkipped =
  'JWT_E2E_TEST_CLUSTER_KUBECONFIG names no kubeconfig of a cluster with Istio: make one with "jwt-e2e up"';

export function admin(): KubeClient {
  return new KubeClient(loadKubeConfig({ file: adminKubeconfig }));
}

/** The namespace of the service accounts; it is not one of the tool's own. */
const namespace = 'jwt-e2e-users';
/** Another one: that of the others may be going away. */
const liveNamespace = 'jwt-e2e-live-users';

export interface Users {
  /** Kubeconfig files. */
  readonly data: string;
  readonly mesh: string;
  remove(): Promise<void>;
}

/** Two service accounts, with the roles of docs/rbac and nothing else. */
export async function makeUsers(client: KubeClient): Promise<Users> {
  const signal = unaborted();
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-users-'));
  const made: KubeObject[] = [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }];
  const files: Record<string, string> = {};
  for (const name of ['data-plane', 'mesh']) {
    const role = parse(readFileSync(`docs/rbac/${name}.yaml`, 'utf8')) as KubeObject;
    made.push(role, serviceAccount(name), binding(name, role.metadata.name));
  }
  for (const object of made) await applyObject(client, object, { signal });
  for (const name of ['data-plane', 'mesh']) {
    files[name] = await kubeconfigOf(client, name, folder);
  }
  return {
    data: files['data-plane'] ?? '',
    mesh: files.mesh ?? '',
    remove: async () => {
      rmSync(folder, { recursive: true });
      for (const object of made.reverse()) await deleteObject(client, keyOf(object), signal);
    },
  };
}

/**
 * A service account that may do what docs/rbac/live.yaml says and nothing else: see everything, look into proxies, and run
 * commands in pods, of one namespace.
 */
export async function makeLiveUser(
  client: KubeClient,
  where: string,
): Promise<{ readonly file: string; remove(): Promise<void> }> {
  const signal = unaborted();
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-users-'));
  const roles = parseAllDocuments(readFileSync('docs/rbac/live.yaml', 'utf8')).map(
    (document) => document.toJS() as KubeObject,
  );
  const [everywhere, ...here] = roles.map(({ metadata }) => metadata.name);
  const made: KubeObject[] = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: liveNamespace } },
    ...roles,
    serviceAccount('live', liveNamespace),
    binding('live', everywhere ?? '', liveNamespace),
    ...here.map((role) => ({
      ...binding('live', role, liveNamespace),
      kind: 'RoleBinding',
      metadata: { name: role, namespace: where },
    })),
  ];
  for (const object of made) await applyObject(client, object, { signal });
  return {
    file: await kubeconfigOf(client, 'live', folder, liveNamespace),
    remove: async () => {
      rmSync(folder, { recursive: true });
      for (const object of made.reverse()) await deleteObject(client, keyOf(object), signal);
    },
  };
}

async function kubeconfigOf(
  client: KubeClient,
  name: string,
  folder: string,
  place = namespace,
): Promise<string> {
  const { body } = await client.request(`/api/v1/namespaces/${place}/serviceaccounts/${name}/token`, {
    method: 'POST',
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3600 },
    },
    signal: unaborted(),
  });
  const file = join(folder, `${name}.kubeconfig`);
  const { token } = (body as { status: { token: string } }).status;
  writeFileSync(file, kubeconfig(client, name, token), { mode: 0o600 });
  return file;
}

function serviceAccount(name: string, place = namespace): KubeObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: place } };
}

function binding(name: string, role: string, place = namespace): KubeObject {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: `jwt-e2e-users-${name}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name, namespace: place }],
  };
}

function kubeconfig(client: KubeClient, name: string, token: string): string {
  const cluster = client.config.getCurrentCluster();
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [
      {
        name: 'test',
        cluster: { server: cluster?.server, 'certificate-authority-data': cluster?.caData },
      },
    ],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: 'test', user: name } }],
  });
}
