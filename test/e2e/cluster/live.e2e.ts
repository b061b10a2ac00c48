/** A mesh that others use, as it is: `--live` proves what it does, with a user who can change nothing. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deleteObject, listObjects } from '../../../src/kube/objects.ts';
import { unaborted } from '../../support/signals.ts';
import { jwtE2e } from './command.ts';
import { issuer, makeTheirMesh, type TheirMesh } from './their-mesh.ts';
import { adminKubeconfig, whySkipped } from './users.ts';

const signal = unaborted();

describe.skipIf(adminKubeconfig === '')(`a live mesh (skipped when ${whySkipped})`, () => {
  let mesh: TheirMesh;

  beforeAll(async () => {
    mesh = await makeTheirMesh({ from: [{ source: { requestPrincipals: ['*'] } }] });
  });
  afterAll(() => mesh?.remove());

  function write(valid: number): void {
    writeFileSync(
      mesh.file,
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
      kinds.map(([apiVersion, kind]) => listObjects(mesh.client, { apiVersion, kind }, signal)),
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

  const live = () => jwtE2e(['run', '--live', '--kubeconfig', mesh.user.file, mesh.file]);

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
      ...['run', '--live', '--kubeconfig', mesh.user.file, '--grep', 'require-jwt'],
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
      await deleteObject(mesh.client, { ...binding, name: `istio-jwt-e2e-live-${role}` }, signal);
    const { exitCode, output } = await live();
    expect(exitCode, output).toBe(4);
    expect(output).toMatch(/must be allowed to create pods\/(exec|portforward) in namespace foo/);
  });
});
