import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { scenarios } from '../../src/vitest-plugin/plugin.ts';

test('files that a scenario applies are watched, so that saving a policy runs its checks again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-plugin-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const policy = join(folder, 'policy.yaml');
  writeFileSync(policy, 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: one, namespace: foo }\n');
  const file = join(folder, 'one.yaml');
  const source = readFileSync('scenarios/documented/require-jwt.yaml', 'utf8');
  const watched: string[] = [];
  const plugin = scenarios({ files: 'one.yaml' }) as unknown as {
    config(config: { root: string }): void;
    transform(this: { addWatchFile(path: string): void }, code: string, id: string): { code: string };
  };
  plugin.config({ root: folder });
  const made = plugin.transform.call(
    { addWatchFile: (path) => void watched.push(path) },
    source.replace(/^ {4}apply:$/m, '    apply:\n      - { files: policy.yaml }'),
    file,
  );
  expect(made.code).toContain('test("expired, /headers"');
  expect(watched).toEqual([policy]);
});
