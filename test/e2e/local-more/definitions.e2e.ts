/** What the API server of one mesh has stored of CustomResourceDefinitions, the next one is given. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KubeClient } from '../../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../../src/kube/kube-config.ts';
import { unaborted } from '../../support/signals.ts';
import { describeOnLocal } from '../local/command.ts';
import { localTarget } from './local-target.ts';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'cache-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

/** The name and UID of each definition of a mesh, and what it says of a policy that its schema does not allow. */
async function mesh(): Promise<{ definitions: string[]; refusal: string }> {
  const target = localTarget('definitions');
  const signal = unaborted();
  await target.up(signal);
  const client = new KubeClient(loadKubeConfig({ file: target.kubeconfig }));
  try {
    const { body } = await client.request('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      signal,
    });
    const { items } = body as { items: { metadata: { name: string; uid: string } }[] };
    const policy = {
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: { name: 'wrong', namespace: 'default' },
      spec: { action: 'PERHAPS' },
    };
    const path = '/apis/security.istio.io/v1/namespaces/default/authorizationpolicies';
    const refusal = await client
      .request(path, {
        method: 'POST',
        body: policy,
        signal,
      })
      .then(
        () => 'none',
        (error: Error) => error.message,
      );
    return { definitions: items.map(({ metadata: { name, uid } }) => `${name} ${uid}`).sort(), refusal };
  } finally {
    await client.close();
    await target.down(signal);
  }
}

describeOnLocal('definitions', () => {
  test('are made for the first mesh alone, and hold for the next one as well', async () => {
    const first = await mesh();
    const next = await mesh();
    expect(first.definitions.length).toBeGreaterThan(10);
    expect(first.refusal).toContain('Unsupported value: "PERHAPS"');
    expect(next).toEqual(first);
    // What is kept is of use, and not of need.
    rmSync(join(cache, 'istio-jwt-e2e/programs/definitions'), { recursive: true });
    const anew = await mesh();
    expect(anew.definitions).not.toEqual(first.definitions);
    expect(anew.refusal).toBe(first.refusal);
  });
});
