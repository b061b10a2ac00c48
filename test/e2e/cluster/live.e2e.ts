/** A mesh that others use, as it is: `--live` proves what it does, with a user who can change nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { applyObject, deleteObject, keyOf, listObjects } from '../../../src/kube/objects.ts';
import type { KubeObject } from '../../../src/target/target.ts';
import { unaborted } from '../../support/signals.ts';
import { jwtE2e } from './command.ts';
import { admin, adminKubeconfig, makeLiveUser, whySkipped } from './users.ts';

const signal = unaborted();
const issuer = 'https://login.example.com';

describe.skipIf(adminKubeconfig === '')(`a live mesh (skipped when ${whySkipped})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-live-'));
  const file = join(folder, 'live.yaml');
  let client: KubeClient;
  let user: Awaited<ReturnType<typeof makeLiveUser>>;
  let policies: KubeObject[];
  const cluster = ['--target', 'cluster', '--kubeconfig', adminKubeconfig];

  beforeAll(async () => {
    client = admin();
    // What others have: an application, a client, and policies with keys that this run does not know.
    const kept = await jwtE2e(['run', ...cluster, '--grep', 'require-jwt', '--keep']);
    expect(kept.exitCode, kept.output).toBe(0);
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'theirs', alg: 'RS256' }] });
    const security = 'security.istio.io/v1';
    const selector = { matchLabels: { app: 'httpbin' } };
    policies = [
      {
        apiVersion: security,
        kind: 'RequestAuthentication',
        metadata: { name: 'theirs', namespace: 'foo' },
        spec: { selector, jwtRules: [{ issuer, jwks }] },
      },
      {
        apiVersion: security,
        kind: 'AuthorizationPolicy',
        metadata: { name: 'theirs', namespace: 'foo' },
        spec: { selector, rules: [{ from: [{ source: { requestPrincipals: ['*'] } }] }] },
      },
    ];
    for (const policy of policies) await applyObject(client, policy, { signal });
    process.env.TOKEN = await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256', kid: 'theirs' })
      .setIssuer(issuer)
      .setSubject('somebody')
      .setExpirationTime('1h')
      .sign(privateKey);
    user = await makeLiveUser(client, 'foo');
  });
  afterAll(async () => {
    delete process.env.TOKEN;
    rmSync(folder, { recursive: true });
    await user?.remove();
    for (const policy of policies ?? []) await deleteObject(client, keyOf(policy), signal);
    await jwtE2e(['down', ...cluster]);
  });

  function write(valid: number): void {
    writeFileSync(
      file,
      `name: live
title: Who has no token does not get in
source: { document: Our handbook, section: Access }
live: true
issuers: { theirs: { issuer: "${issuer}", kid: theirs } }
tokens:
  mine: { raw: "\${env.TOKEN}" }
  forged: { issuer: theirs, claims: { sub: somebody, exp: +1h } }
steps:
  - name: as it is
    from: sleep.foo
    request: { url: http://httpbin.foo:8000 }
    expect:
      columns: [/headers]
      no token: [{ code: 403, body: "RBAC: access denied" }]
      mine: [${valid}]
      forged: [401]
`,
    );
  }

  /** Everything of the namespaces that could be touched, with its version. */
  async function everything(): Promise<string[]> {
    const kinds = [
      ['security.istio.io/v1', 'RequestAuthentication'],
      ['security.istio.io/v1', 'AuthorizationPolicy'],
      ['networking.istio.io/v1', 'VirtualService'],
      ['v1', 'ConfigMap'],
      ['v1', 'Service'],
      ['apps/v1', 'Deployment'],
      ['v1', 'Namespace'],
    ] as const;
    const lists = await Promise.all(
      kinds.map(([apiVersion, kind]) => listObjects(client, { apiVersion, kind }, signal)),
    );
    return lists
      .flat()
      .filter(({ metadata }) => metadata.namespace !== 'kube-system')
      .map(
        ({ kind, metadata }) =>
          `${kind} ${metadata.namespace}/${metadata.name} ${metadata.uid} ${metadata.generation}`,
      )
      .sort();
  }

  const live = () => jwtE2e(['run', '--live', '--kubeconfig', user.file, file]);

  test('passes with proof, and nothing is changed', async () => {
    write(200);
    const before = await everything();
    const { exitCode, output, results } = await live();
    expect(exitCode, output).toBe(0);
    expect(results?.counts).toMatchObject({ passed: 3, failed: 0, error: 0, skipped: 0 });
    expect(output).not.toContain(process.env.TOKEN?.split('.')[2]);
    expect(await everything()).toEqual(before);
  });

  test('fails with the policy that let it through', async () => {
    write(403);
    const { exitCode, output } = await live();
    expect(exitCode, output).toBe(1);
    expect(output).toContain('status 200 instead of 403');
    expect(output).toContain('AuthorizationPolicy foo/theirs');
  });

  test('scenarios that change something are skipped, and that is no success', async () => {
    const { exitCode, output } = await jwtE2e([
      ...['run', '--live', '--kubeconfig', user.file, '--grep', 'require-jwt'],
    ]);
    expect(exitCode).toBe(4);
    expect(output).toContain('changes the mesh, and --live only looks at it');
  });

  // The last one: it takes permissions away.
  test('has no verdict about proxies that the user may not look into', async () => {
    write(200);
    const binding = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', namespace: 'foo' };
    // That for commands in pods would do as well.
    for (const role of ['proxies', 'client'])
      await deleteObject(client, { ...binding, name: `istio-jwt-e2e-live-${role}` }, signal);
    const { exitCode, output } = await live();
    expect(exitCode, output).toBe(4);
    expect(output).toMatch(/must be allowed to create pods\/(exec|portforward) in namespace foo/);
  });
});
