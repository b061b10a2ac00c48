/** What belongs to somebody else on a real cluster: refused, or put back exactly as it was. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../src/base/wait.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { deleteObject, getObject, listObjects, patchObject } from '../../../src/kube/objects.ts';
import { deleteNamespaces, ownNamespaces } from '../../../src/target/cluster/own-namespaces.ts';
import type { KubeObject } from '../../../src/target/target.ts';
import { makeIssuerKeys } from '../../../src/token/issuer-keys.ts';
import { unaborted } from '../../support/signals.ts';
import { jwtE2e, start } from './command.ts';
import { admin, adminKubeconfig, whySkipped } from './users.ts';

const signal = unaborted();
const flags = ['--target', 'cluster', '--kubeconfig', adminKubeconfig];

const namespaceKey = { apiVersion: 'v1', kind: 'Namespace', name: 'foo' };
const policyKey = {
  apiVersion: 'security.istio.io/v1',
  kind: 'RequestAuthentication',
  name: 'jwt-example',
  namespace: 'foo',
};

const keys = await makeIssuerKeys('somebody', { issuer: 'somebody@example.com' }, 'theirs');

const somebodysPolicy: KubeObject = {
  apiVersion: 'security.istio.io/v1',
  kind: 'RequestAuthentication',
  metadata: {
    name: 'jwt-example',
    namespace: 'foo',
    labels: { team: 'a' },
    annotations: { 'example.com/why': 'because' },
    finalizers: ['example.com/keep'],
  },
  spec: {
    selector: { matchLabels: { app: 'httpbin' } },
    jwtRules: [{ issuer: keys.issuer, jwks: JSON.stringify(keys.jwks()) }],
  },
};

describe.skipIf(adminKubeconfig === '')(`what others own (skipped when ${whySkipped})`, () => {
  let client: KubeClient;
  let namespace: KubeObject;
  let policy: KubeObject;
  const current = (key: typeof namespaceKey) => getObject(client, key, signal) as Promise<KubeObject>;

  async function create(object: KubeObject, path: string): Promise<KubeObject> {
    const query = { fieldManager: 'somebody' };
    return (await client.request(path, { method: 'POST', body: object, query, signal })).body as KubeObject;
  }

  beforeEach(async () => {
    client = admin();
    await deleteNamespaces(client, await ownNamespaces(client, signal), signal);
    const metadata = { name: 'foo', labels: { team: 'a' } };
    namespace = await create({ apiVersion: 'v1', kind: 'Namespace', metadata }, '/api/v1/namespaces');
    policy = await create(
      somebodysPolicy,
      '/apis/security.istio.io/v1/namespaces/foo/requestauthentications',
    );
  });

  afterEach(async () => {
    await patchObject(client, policyKey, { metadata: { finalizers: null } }, signal);
    await deleteObject(client, policyKey, signal);
    await deleteNamespaces(client, [namespace], signal);
  });

  /** Everything but what the API server counts and times. */
  function essence({ metadata, ...rest }: KubeObject) {
    const { resourceVersion: _, generation: __, ...own } = metadata;
    return { ...rest, metadata: own };
  }

  async function expectNothingLeft(): Promise<void> {
    for (const [apiVersion, kind] of [
      ['apps/v1', 'Deployment'],
      ['v1', 'Service'],
      ['security.istio.io/v1', 'AuthorizationPolicy'],
    ] as const) {
      expect(await listObjects(client, { apiVersion, kind, namespace: 'foo' }, signal), kind).toEqual([]);
    }
  }

  test('is refused before anything is done, all of it named', async () => {
    const { exitCode, output, results } = await jwtE2e(['run', ...flags, '--grep', 'require-jwt']);
    expect(exitCode, output).toBe(4);
    expect(results?.run.problem).toMatchObject({
      code: 'E_NOT_OWNED',
      hint: expect.stringContaining('--yes'),
      details: [
        'namespaces: Namespace foo (changed)',
        'in namespace foo: Service httpbin (created), Deployment httpbin (created), Service sleep (created), Deployment sleep (created), RequestAuthentication jwt-example (changed), AuthorizationPolicy require-jwt (created)',
      ].join('\n'),
    });
    expect(await current(namespaceKey)).toEqual(namespace);
    expect(await current(policyKey)).toEqual(policy);
    await expectNothingLeft();
  });

  test('is put back at the end, with --yes', async () => {
    const { exitCode, output } = await jwtE2e(['run', ...flags, '--yes', '--grep', 'require-jwt']);
    expect(exitCode, output).toBe(0);
    expect(essence(await current(namespaceKey))).toEqual(essence(namespace));
    expect(essence(await current(policyKey))).toEqual(essence(policy));
    await expectNothingLeft();
  });

  test('is put back by "down" after a run was killed', async () => {
    const run = start(['run', ...flags, '--yes', '--grep', 'require-jwt']);
    const touched = async () => {
      const labels = (await current(policyKey)).metadata.labels;
      return labels?.['jwt-e2e/touched'] === 'changed' ? true : 'the policy is not changed yet';
    };
    await until('the run changing the policy', touched, { timeoutMs: 120_000, intervalMs: 50, signal });
    run.kill('SIGKILL');
    await run.ended;
    expect(essence(await current(policyKey))).not.toEqual(essence(policy));
    const { exitCode, output } = await jwtE2e(['down', ...flags]);
    expect(exitCode, output).toBe(0);
    expect(output).toContain('restored RequestAuthentication foo/jwt-example\n');
    expect(output).toContain('restored Namespace foo\n');
    expect(output).toContain('deleted Deployment foo/httpbin\n');
    const contents = (object: KubeObject) => {
      const { managedFields: _, ...metadata } = essence(object).metadata;
      return { ...essence(object), metadata };
    };
    expect(contents(await current(policyKey))).toEqual(contents(policy));
    expect(contents(await current(namespaceKey))).toEqual(contents(namespace));
    await expectNothingLeft();
    const again = await jwtE2e(['down', ...flags]);
    expect(again.output).toBe('there is nothing of istio-jwt-e2e on this cluster\n');
  });
});
