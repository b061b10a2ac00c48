/** A cluster that is used again: whether its istiod has keys of scenarios is noted in it, whatever becomes of a run. */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Authorities } from '../../../src/target/kind/authorities.ts';
import { KindTarget } from '../../../src/target/kind/kind-target.ts';
import type { FakeApi } from '../../support/fake-api.ts';
import { unaborted } from '../../support/signals.ts';
import { useFakeApi } from '../../support/use-fake-api.ts';

let folder: string;
let api: FakeApi;
useFakeApi((started) => {
  api = started;
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-adopt-'));
  vi.stubEnv('XDG_STATE_HOME', folder);
  const state = join(folder, 'istio-jwt-e2e', 'mine');
  mkdirSync(state, { recursive: true });
  copyFileSync(join(api.folder, 'ca.pem'), join(state, 'ca.pem'));
  const pem = await new Authorities(join(state, 'ca.json'), 'mine').create();
  const inMesh = (kind: string, name: string) => ({ kind, metadata: { name, namespace: 'istio-system' } });
  api.put({
    apiVersion: 'v1',
    ...inMesh('ConfigMap', 'pilot-jwks-extra-cacerts'),
    data: { 'extra.pem': pem },
  });
  api.put({
    apiVersion: 'apps/v1',
    ...inMesh('Deployment', 'istiod'),
    spec: {
      replicas: 1,
      template: { metadata: {}, spec: { containers: [{ name: 'discovery', image: 'pilot', env: [] }] } },
    },
    status: {
      replicas: 1,
      updatedReplicas: 1,
      readyReplicas: 1,
      availableReplicas: 1,
      observedGeneration: 1,
    },
  });
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const notes = () =>
  api.get('v1', 'ConfigMap', 'istio-jwt-e2e', 'kube-system')?.data as Record<string, string>;
const restarts = () => api.requests.filter(({ path }) => path.endsWith('/deployments/istiod')).length;

function noted(fresh: string): void {
  api.put({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio-jwt-e2e', namespace: 'kube-system' },
    data: { istio: '1.0.0', hub: 'hub.test', nodeImage: 'node:1', loaded: '', fresh },
  });
}

function target(): KindTarget {
  const program = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const docker = program('docker', `case "$*" in info*) echo '28.0.0 2' ;; port*) echo 127.0.0.1:1 ;; esac`);
  const kind = program(
    'kind',
    `case "$*" in 'get clusters'*) echo mine ;; 'get kubeconfig'*) cat '${api.kubeconfig}' ;; esac`,
  );
  return new KindTarget(
    {
      ...{ name: 'mine', reason: 'a test', runId: 'run1', keep: true, reuse: true, down: ['false'] },
      ...{ hub: 'hub.test', tag: '1.0.0', nodeImage: 'node:1', overlays: [], gatewayApiCrds: undefined },
      ...{ images: { nginx: 'nginx:1' }, folder: 'kind', apps: [] },
      programs: { docker, kind, istioctl: async () => 'false' },
    },
    () => {},
  );
}

/** Uses a cluster of which this is noted, and says how often istiod was started anew for keys of its own. */
async function adopted(fresh: string): Promise<{ mine: KindTarget; starts: number }> {
  noted(fresh);
  const mine = target();
  await mine.up(unaborted());
  const before = restarts();
  await mine.setIstiod({ fetch: 'istiod', variables: {} }, unaborted());
  return { mine, starts: restarts() - before };
}

test('istiod that nobody has used is not started anew, and it is noted before it is used', async () => {
  const { mine, starts } = await adopted('yes');
  expect([notes().fresh, starts]).toEqual(['yes', 0]);
  await mine.keysUsed(unaborted());
  expect(notes().fresh).toBe('no');
  await mine.down(unaborted());
  expect(notes().fresh).toBe('yes');
});

test('istiod that a run has used, which was killed, is started anew', async () => {
  const { mine, starts } = await adopted('no');
  expect(starts).toBeGreaterThan(0);
  await mine.down(unaborted());
});
