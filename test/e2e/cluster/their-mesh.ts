/** A mesh that others use: an application, a client, policies with keys that no run knows, and a user who can change nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect } from 'vitest';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { applyObject, deleteObject, keyOf } from '../../../src/kube/objects.ts';
import type { KubeObject } from '../../../src/target/target.ts';
import { unaborted } from '../../support/signals.ts';
import { jwtE2e } from './command.ts';
import { admin, adminKubeconfig, makeLiveUser } from './users.ts';

const signal = unaborted();
const cluster = ['--target', 'cluster', '--kubeconfig', adminKubeconfig];
export const issuer = 'https://login.example.com';

export interface TheirMesh {
  readonly client: KubeClient;
  /** Who may only look. */
  readonly user: Awaited<ReturnType<typeof makeLiveUser>>;
  /** Where a scenario can be. */
  readonly file: string;
  readonly remove: () => Promise<void>;
}

/**
 * Makes it, and sets the variable TOKEN to a good token.
 *
 * @param rule of the AuthorizationPolicy
 * @param audience of tokens, where one is asked for
 */
export async function makeTheirMesh(rule: object, audience?: string): Promise<TheirMesh> {
  const client = admin();
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-live-'));
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'theirs', alg: 'RS256' }] });
  const audiences = audience === undefined ? {} : { audiences: [audience] };
  const policies = [
    theirs('RequestAuthentication', { jwtRules: [{ issuer, jwks, ...audiences }] }),
    theirs('AuthorizationPolicy', { rules: [rule] }),
  ];
  let user: TheirMesh['user'] | undefined;
  const remove = async () => {
    delete process.env.TOKEN;
    rmSync(folder, { recursive: true });
    await user?.remove();
    for (const policy of policies) await deleteObject(client, keyOf(policy), signal);
    await jwtE2e(['down', ...cluster]);
  };
  try {
    const kept = await jwtE2e(['run', ...cluster, '--grep', 'require-jwt', '--keep']);
    expect(kept.exitCode, kept.output).toBe(0);
    for (const policy of policies) await applyObject(client, policy, { signal });
    const token = new SignJWT({})
      .setProtectedHeader({ alg: 'RS256', kid: 'theirs' })
      .setIssuer(issuer)
      .setSubject('somebody')
      .setExpirationTime('1h');
    if (audience !== undefined) token.setAudience(audience);
    process.env.TOKEN = await token.sign(privateKey);
    user = await makeLiveUser(client, 'foo');
    return { client, user, file: join(folder, 'live.yaml'), remove };
  } catch (thrown) {
    await remove();
    throw thrown;
  }
}

function theirs(kind: string, spec: object): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind,
    metadata: { name: 'theirs', namespace: 'foo' },
    spec: { selector: { matchLabels: { app: 'httpbin' } }, ...spec },
  };
}
