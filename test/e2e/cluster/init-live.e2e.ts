/** What `init --live` writes of a mesh that others use is what this mesh does, and a user who can change nothing can write and run it. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jwtE2e } from './command.ts';
import { makeTheirMesh, type TheirMesh } from './their-mesh.ts';
import { adminKubeconfig, whySkipped } from './users.ts';

describe.skipIf(adminKubeconfig === '')(`a scenario of a live mesh (skipped when ${whySkipped})`, () => {
  let mesh: TheirMesh;

  beforeAll(async () => {
    const operation = { paths: ['/headers', '/ip'] };
    const source = { requestPrincipals: ['*'] };
    mesh = await makeTheirMesh({ from: [{ source }], to: [{ operation }] }, 'orders');
  });
  afterAll(() => mesh?.remove());

  test('passes on this mesh', async () => {
    const { file, user } = mesh;
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
