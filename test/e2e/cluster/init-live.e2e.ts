/** What `init --live` writes of a mesh that others use is what this mesh does, and a user who can change nothing can write and run it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { applyObject, deleteObject, keyOf } from '../../../src/kube/objects.ts';
import type { KubeObject } from '../../../src/target/target.ts';
import { unaborted } from '../../support/signals.ts';
import { jwtE2e } from './command.ts';
import { admin, adminKubeconfig, makeLiveUser, whySkipped } from './users.ts';

const signal = unaborted();
const issuer = 'https://login.example.com';

describe.skipIf(adminKubeconfig === '')(`a scenario of a live mesh (skipped when ${whySkipped})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-init-live-'));
  const file = join(folder, 'live.yaml');
  const cluster = ['--target', 'cluster', '--kubeconfig', adminKubeconfig];
  let client: KubeClient;
  let user: Awaited<ReturnType<typeof makeLiveUser>>;
  let policies: KubeObject[];

  beforeAll(async () => {
    client = admin();
    const kept = await jwtE2e(['run', ...cluster, '--grep', 'require-jwt', '--keep']);
    expect(kept.exitCode, kept.output).toBe(0);
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'theirs', alg: 'RS256' }] });
    const selector = { matchLabels: { app: 'httpbin' } };
    const object = (kind: string, spec: object): KubeObject => ({
      apiVersion: 'security.istio.io/v1',
      kind,
      metadata: { name: 'theirs', namespace: 'foo' },
      spec: { selector, ...spec },
    });
    const operation = { paths: ['/headers', '/ip'] };
    policies = [
      object('RequestAuthentication', { jwtRules: [{ issuer, jwks, audiences: ['orders'] }] }),
      object('AuthorizationPolicy', {
        rules: [{ from: [{ source: { requestPrincipals: ['*'] } }], to: [{ operation }] }],
      }),
    ];
    for (const policy of policies) await applyObject(client, policy, { signal });
    process.env.TOKEN = await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256', kid: 'theirs' })
      .setIssuer(issuer)
      .setAudience('orders')
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

  test('passes on this mesh', async () => {
    const args = ['--live', '--kubeconfig', user.file, '--namespace', 'foo', '--output', file];
    const written = await jwtE2e(['init', ...args]);
    expect(written.exitCode, written.output).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toContain(process.env.TOKEN?.split('.')[2]);
    const { exitCode, output, results } = await jwtE2e(['run', '--live', '--kubeconfig', user.file, file]);
    expect(exitCode, output).toBe(0);
    expect(results?.counts).toMatchObject({ failed: 0, error: 0, skipped: 0 });
    expect(results?.counts.passed).toBeGreaterThan(10);
  });
});
