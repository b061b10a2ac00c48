/** Stands for the target in the process that keeps a mesh: what is asked of it is in a log, and there is no mesh. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HarnessError } from '../../../src/base/errors.ts';
import type { FetchMode } from '../../../src/base/events.ts';
import { onAbort } from '../../../src/base/wait.ts';
import type { HostedTarget } from '../../../src/target/local/host/host.ts';
import type { HostConfig } from '../../../src/target/local/host/mesh-protocol.ts';
import type { KubeObject, Progress } from '../../../src/target/target.ts';

export interface Stub {
  readonly target: HostedTarget;
  /** A part of the mesh ends. */
  fail(error: HarnessError): void;
  /** Lets calls that wait go on. */
  release(): void;
}

/** What {@link Stub} does for objects of this name: `refused` throws, `slow` waits, also for a while after an abort. */
export const object = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
});

export function stubTarget(progress: Progress, log: (line: string) => void): Stub {
  const meshFolder = mkdtempSync(join(process.env.XDG_STATE_HOME ?? tmpdir(), 'stub-'));
  const kubeconfig = join(meshFolder, 'admin.conf');
  writeFileSync(kubeconfig, 'a kubeconfig');
  let fetch: FetchMode = 'istiod';
  let failed: (error: HarnessError) => void = () => {};
  let release = () => {};
  const target: HostedTarget = {
    meshFolder,
    kubeconfig,
    missing: new Map([['gateway-api', 'nobody has installed it']]),
    up: async () => ({
      id: 'the id',
      target: 'local',
      reason: '',
      istio: '1.31.0',
      kubernetes: 'v1.36.1',
      fetch,
      details: { a: 'b' },
    }),
    down: async () => {
      log('down');
      rmSync(meshFolder, { recursive: true, force: true });
    },
    onFailure: (listener) => {
      failed = listener;
    },
    begins: (runId) => log(`begins ${runId}`),
    clear: async () => log('clear'),
    prepare: async (apps) => log(`prepare ${apps}`),
    keysUsed: async () => log('keysUsed'),
    reload: async (apps) => log(`reload ${apps}`),
    apply: async ([first], scope, signal) => {
      const { name } = first!.metadata;
      log(`apply ${name} ${scope}`);
      if (name === 'refused') {
        const place = { file: 'a.yaml', line: 1, column: 2 };
        throw new HarnessError('E_REFUSED', 'no', { hint: 'Do it better.', details: 'one\ntwo', place });
      }
      if (name === 'broken') throw new TypeError('no such thing');
      if (name === 'slow') {
        await new Promise<void>((resolve) => onAbort(signal, resolve));
        log('aborted');
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        log('ended');
      }
      progress({ type: 'warning', message: `applied ${name}` });
      return [{ key: { apiVersion: 'v1', kind: 'ConfigMap', name }, change: 'created', warnings: ['ü'] }];
    },
    delete: async () => [],
    undo: async (scope) => log(`undo ${scope}`),
    altered: async () => ['Secret foo/x was changed'],
    survey: async () => ({
      rootNamespace: 'istio-system',
      ingress: { namespace: 'istio-system', labels: {} },
      pods: [],
      objects: [],
      hidden: ['WasmPlugin'],
    }),
    mark: async (value, proxies) => log(`mark ${value} ${proxies.map(({ pod }) => pod)}`),
    proxyPolicies: async () => ({
      providers: [],
      rbac: [],
      markers: ['m1'],
      rejected: [],
    }),
    podLogEnd: async ({ app }) => `the end of ${app}`,
    podFetches: async (_, path, after) => [{ at: 1, path, status: 200, by: 'istiod', userAgent: after }],
    evidence: async ({ requestId }) => [{ name: 'a.txt', content: requestId }],
    send: async (_, requests, rounds) =>
      Array.from({ length: rounds }, () =>
        requests.map(({ url }) => ({ status: 200, headers: {}, body: url, at: 1, durationMs: 2 })),
      ),
    curl: (_, { url }) => `curl there ${url}`,
    fetchMode: () => fetch,
    setMeshConfig: async (config) => log(`setMeshConfig ${JSON.stringify(config)}`),
    setIstiod: async ({ fetch: mode }) => {
      fetch = mode;
    },
    caCertificate: async () => 'PEM',
    ingressUrl: () => 'http://127.99.0.10:8080',
    startKeyServer: async ({ name }) => ({
      name,
      host: `${name}.test`,
      ip: '127.99.0.40',
      set: async ({ jwks }) => log(`keys ${JSON.stringify(jwks)}`),
      logEnd: async () => 'the end',
      log: async (after) => [{ at: 1, path: '/jwks', status: 200, by: 'envoy', userAgent: after }],
      check: async (userAgent) => {
        throw new HarnessError('E_KEY_SERVER', `it does not answer ${userAgent}`);
      },
      stop: async () => log(`stop ${name}`),
    }),
    memory: () => [{ part: 'etcd', bytes: 50 * 1024 * 1024 }],
  };
  return { target, fail: (error) => failed(error), release: () => release() };
}

export function hostConfig(name: string, stateFile: string): HostConfig {
  const programs = {
    istio: '1.31.0',
    envoyVersion: '1.40.0',
    kubernetes: 'v1.36.1',
    etcd: '/nowhere/etcd',
    kubeApiserver: '/nowhere/kube-apiserver',
    pilotDiscovery: '/nowhere/pilot-discovery',
    envoy: '/nowhere/envoy',
    crds: '/nowhere/crds.yaml',
    origins: {},
  };
  return { name, programs, images: {}, istiodEnv: {}, folder: 'kind', stateFile };
}
