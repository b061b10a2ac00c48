/**
 * etcd and the Kubernetes API server, as plain processes. etcd asks nobody who they are: it listens on sockets in the folder of
 * the mesh alone, where nobody else gets in. The API server listens on the control address, and wants a token.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { timeouts } from '../../../base/timeouts.ts';
import { type Ca, issueCertificate } from '../../../jwks/certificates.ts';
import { KubeClient } from '../../../kube/kube-client.ts';
import { portOn } from '../network/addresses.ts';
import { goMemory } from '../processes/memory.ts';
import type { Part, PartStart } from '../processes/part.ts';
import type { StoredDefinitions } from './stored-definitions.ts';
import { untilAnswers } from './wait-http.ts';

/** Starts a part of the mesh; `folder` and `logFile` are filled in. */
export type StartPart = (start: Omit<PartStart, 'folder' | 'logFile'>) => Promise<Part>;

export interface ApiServerOptions {
  readonly etcd: string;
  readonly kubeApiserver: string;
  readonly folder: string;
  readonly address: string;
  readonly ca: Ca;
  readonly stored: StoredDefinitions | undefined;
  readonly start: StartPart;
}

export interface RunningApiServer {
  readonly client: KubeClient;
  readonly kubeconfig: string;
  /** Keeps the definitions that it has now for the next one, unless it has them from one before. */
  keepDefinitions(): Promise<void>;
}

/** Starts both and returns a client once requests are answered. @throws HarnessError E_CLUSTER with their last lines */
export async function startApiServer(
  options: ApiServerOptions,
  signal: AbortSignal,
): Promise<RunningApiServer> {
  const { folder, address, ca, stored, start } = options;
  const securePort = await portOn(address, 6443);
  const etcdSocket = join(folder, 'etcd.client');
  const etcdUrl = `unix://${etcdSocket}`;
  // What it would tell other members, if there were any: it takes no path of a socket for that.
  const told = 'http://localhost';
  const etcd = await start({
    name: 'etcd',
    program: options.etcd,
    args: [
      `--data-dir=${join(folder, 'etcd')}`,
      // What is in it is worth nothing once the mesh has ended.
      '--unsafe-no-fsync',
      // In milliseconds. It elects itself, and answers nothing before: up to 2 s after its start with what it has by default.
      '--heartbeat-interval=20',
      '--election-timeout=100',
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${told}:2379`,
      `--listen-peer-urls=unix://${join(folder, 'etcd.peer')}`,
      `--initial-advertise-peer-urls=${told}:2380`,
      `--initial-cluster=default=${told}:2380`,
    ],
  });
  const restoring = stored?.restore(etcd, etcdSocket, signal);
  // It is waited for below.
  restoring?.catch(() => {});
  const token = randomBytes(24).toString('base64url');
  const certificate = await issueCertificate(ca, { dnsNames: ['localhost'], ips: [address] });
  const file = (name: string, content: string) => {
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const accountKey = file(
    'service-account.pem',
    privateKey.export({ type: 'sec1', format: 'pem' }) as string,
  );
  const server = await start({
    name: 'the API server',
    program: options.kubeApiserver,
    args: [
      `--etcd-servers=${etcdUrl}`,
      `--bind-address=${address}`,
      `--secure-port=${securePort}`,
      // Written into the Service "kubernetes"; loopback is refused there, and nobody connects to it.
      '--advertise-address=192.0.2.1',
      '--endpoint-reconciler-type=none',
      `--cert-dir=${folder}`,
      `--tls-cert-file=${file('apiserver.crt', certificate.certPem)}`,
      `--tls-private-key-file=${file('apiserver.key', certificate.keyPem)}`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${accountKey}`,
      `--service-account-signing-key-file=${accountKey}`,
      '--service-cluster-ip-range=10.96.0.0/16',
      `--token-auth-file=${file('tokens.csv', `${token},jwt-e2e,jwt-e2e,system:masters\n`)}`,
      '--anonymous-auth=false',
      '--authorization-mode=AlwaysAllow',
      // There is nothing that would make service accounts, or tokens for them.
      '--disable-admission-plugins=ServiceAccount',
      '--enable-priority-and-fairness=false',
      '--profiling=false',
    ],
    env: goMemory,
  });
  const kubeconfig = file('kubeconfig', kubeConfigOf(`https://${address}:${securePort}`, ca.certPem, token));
  const { loadKubeConfig } = await import('../../../kube/kube-config.ts');
  const client = new KubeClient(loadKubeConfig({ file: kubeconfig }));
  await untilAnswers(
    server,
    // Not /readyz, which waits for priority classes and roles, too, that nothing here has a use for.
    (own) => client.request('/api/v1/namespaces', { query: { limit: 1 }, signal: own, timeoutMs: 5000 }),
    timeouts.localStart,
    signal,
  );
  const isRestored = await restoring;
  return {
    client,
    kubeconfig,
    keepDefinitions: async () => {
      if (!isRestored) await stored?.save(etcdSocket, signal);
    },
  };
}

/** JSON is YAML. */
function kubeConfigOf(server: string, ca: string, token: string): string {
  const name = 'jwt-e2e-local';
  const data = Buffer.from(ca).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    contexts: [{ name, context: { cluster: name, user: name } }],
    clusters: [{ name, cluster: { server, 'certificate-authority-data': data } }],
    users: [{ name, user: { token } }],
  });
}
