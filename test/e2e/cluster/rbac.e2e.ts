/** The documented scenarios on an existing cluster, with two users who may each do their part and nothing else. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KubeClient } from '../../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../../src/kube/kube-config.ts';
import { listObjects } from '../../../src/kube/objects.ts';
import { restartIstiod } from '../../../src/target/kubernetes/settings/istiod-settings.ts';
import { unaborted } from '../../support/signals.ts';
import { jwtE2e } from './command.ts';
import { admin, adminKubeconfig, makeUsers, type Users, whySkipped } from './users.ts';

const signal = unaborted();

describe.skipIf(adminKubeconfig === '')(`two users (skipped when ${whySkipped})`, () => {
  let client: KubeClient;
  let users: Users;
  const as = (file: string) => new KubeClient(loadKubeConfig({ file }));
  const flags = () => ['--target', 'cluster', '--kubeconfig', users.data, '--mesh-kubeconfig', users.mesh];

  beforeAll(async () => {
    client = admin();
    users = await makeUsers(client);
    // Its cache may have keys of an earlier run.
    await restartIstiod(
      { data: client, mesh: client },
      'istio-system',
      { fetch: 'istiod', variables: {} },
      signal,
    );
  });
  afterAll(async () => {
    await users?.remove();
  });

  test('each is denied the part of the other', async () => {
    const denied = (user: KubeClient, apiVersion: string, kind: string) =>
      expect(listObjects(user, { apiVersion, kind }, signal)).rejects.toThrow(/is forbidden/);
    await denied(as(users.data), 'security.istio.io/v1', 'RequestAuthentication');
    await denied(as(users.data), 'networking.istio.io/v1', 'Gateway');
    await denied(as(users.mesh), 'v1', 'Pod');
    await denied(as(users.mesh), 'v1', 'Namespace');
    await denied(as(users.mesh), 'apps/v1', 'Deployment');
  });

  test('together they run the documented scenarios and leave nothing behind', async () => {
    const { exitCode, output, results } = await jwtE2e(['run', ...flags(), '--yes']);
    expect(exitCode, output).toBe(0);
    expect(results?.counts).toMatchObject({ failed: 0, error: 0 });
    const states = Object.fromEntries(results!.scenarios.map(({ info, state }) => [info.id, state]));
    expect(states).toMatchObject({
      algorithms: 'passed',
      'bookinfo-exclusion': 'passed',
      'jwks-in-cluster': 'passed',
      'request-authentication-alone': 'passed',
      'require-jwt': 'passed',
      'jwks-external-http@istiod': 'passed',
      // But for the step that needs a CA which istiod has not.
      'jwks-external-https@istiod': 'passed',
      'jwks-external-http@envoy': 'skipped',
    });
    expect(results!.meshes[0]?.details).toMatchObject({ context: 'data-plane', 'mesh context': 'mesh' });
    const namespaces = await listObjects(client, { apiVersion: 'v1', kind: 'Namespace' }, signal);
    expect(namespaces.map(({ metadata }) => metadata.name)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(foo|bookinfo|jwt-e2e-keys)$/)]),
    );
    for (const kind of ['RequestAuthentication', 'AuthorizationPolicy']) {
      const left = await listObjects(client, { apiVersion: 'security.istio.io/v1', kind }, signal);
      expect(left).toEqual([]);
    }
  });

  test.each(['data', 'mesh'] as const)('the user of the %s part alone cannot', async (part) => {
    const { exitCode, output } = await jwtE2e([
      ...['run', '--target', 'cluster', '--kubeconfig', users[part], '--grep', 'require-jwt'],
    ]);
    expect(exitCode).toBe(4);
    expect(output).toMatch(/forbidden/);
    const left = await listObjects(
      client,
      { apiVersion: 'v1', kind: 'Namespace', labelSelector: 'app.kubernetes.io/managed-by=istio-jwt-e2e' },
      signal,
    );
    expect(left).toEqual([]);
  });

  test('a dry run with both says what would be done, and does nothing', async () => {
    const { exitCode, output } = await jwtE2e(['run', ...flags(), '--dry-run']);
    // The gateway is not its own.
    expect(exitCode, output).toBe(2);
    expect(output).toContain('  create Namespace foo\n');
    expect(output).toContain('Not its own: the run would be refused (E_NOT_OWNED) unless --yes allows it\n');
    expect(output).toContain('  create RequestAuthentication istio-system/jwt-example\n');
    expect(output).toMatch(/\n {2}run require-jwt: \d+ checks\n/);
    expect(output).toContain('  create Namespace jwt-e2e-keys\n');
    expect(output).toMatch(/\n {2}run jwks-external-http@istiod: \d+ checks\n/);
    expect(output).toMatch(/\n {2}skip jwks-external-http@envoy: needs fetch mode envoy/);
    const foo = await client.request('/api/v1/namespaces/foo', { signal }).catch(({ status }) => status);
    expect(foo).toBe(404);
  });
});
