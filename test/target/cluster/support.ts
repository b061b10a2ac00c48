/** A target on a fake API server, with Istio as an installation looks like from there. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { KubeClient } from '../../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../../src/kube/kube-config.ts';
import { type ClusterSettings, defaultGateway } from '../../../src/target/cluster/cluster-settings.ts';
import { ClusterTarget } from '../../../src/target/cluster/cluster-target.ts';
import type { Intent, KubeObject } from '../../../src/target/target.ts';
import { FakeApi } from '../../support/fake-api.ts';

const images = { httpbin: 'example/httpbin', curl: 'example/curl' };

export interface Made {
  readonly target: ClusterTarget;
  /** What it has told: warnings, and the names of phases. */
  readonly told: string[];
}

export function makeTarget(
  api: FakeApi,
  settings: Partial<ClusterSettings> = {},
  mesh: FakeApi = api,
  open: KubeClient[] = [],
): Made {
  const told: string[] = [];
  const connect = (to: FakeApi, context: string) => {
    const client = new KubeClient(loadKubeConfig({ file: to.kubeconfig, context }));
    open.push(client);
    return client;
  };
  const data = connect(api, 'fake');
  const target = new ClusterTarget(
    { data, mesh: mesh === api ? data : connect(mesh, 'other') },
    {
      reason: 'because of a test',
      runId: 'abc123',
      keep: false,
      reuse: false,
      yes: false,
      kubectlFlags: ['--context', 'fake'],
      images,
      folder: 'kind',
      gateway: defaultGateway,
      ...settings,
    },
    (event) => {
      if (event.type === 'warning') told.push(event.message);
      if (event.type === 'phase-started') told.push(event.phase);
    },
  );
  return { target, told };
}

export function namespace(name: string, labels: Record<string, string> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

export const owned = { 'app.kubernetes.io/managed-by': 'istio-jwt-e2e' };

export function policy(place: string, name = 'jwt-example', spec: unknown = { jwtRules: [] }): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    metadata: { name, namespace: place },
    spec,
  };
}

/** What a plan has for the target. */
export function intent(apply: readonly KubeObject[], apps: readonly string[] = []): Intent {
  return { apps, keyServers: false, throughIngress: false, gatewayNamespaces: [], apply, delete: [] };
}

/** Makes every Deployment ready as soon as it is applied. */
export function makeReady(api: FakeApi): void {
  api.rule('GET', /\/deployments\/[^/]+$/, (request) => {
    const [, place, name] = /namespaces\/([^/]+)\/deployments\/(.+)$/.exec(request.path) ?? [];
    const live = api.get('apps/v1', 'Deployment', name ?? '', place);
    if (live === undefined) return undefined;
    const status = { replicas: 1, updatedReplicas: 1, availableReplicas: 1, observedGeneration: 99 };
    return { status: 200, body: { ...live, status } };
  });
}

/**
 * A {@link FakeApi} for all tests of a file, as it began for each of them.
 *
 * @param use called before each test with the server, which is the same every time
 * @returns makes targets whose connections are closed after each test
 */
export function useTargets(use: (api: FakeApi) => void): typeof makeTarget {
  let api: FakeApi;
  let open: KubeClient[] = [];
  beforeAll(async () => {
    api = await FakeApi.start();
  });
  beforeEach(() => {
    api.reset();
    open = [];
    use(api);
  });
  afterEach(async () => {
    for (const client of open) await client.close();
  });
  afterAll(async () => {
    await api.stop();
  });
  return (server, settings, mesh) => makeTarget(server, settings, mesh, open);
}
