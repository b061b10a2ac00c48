import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { strictLintCommand } from '../../../src/cli/models/lint-strict.ts';
import { temporaryFolder } from '../../programs/downloads.ts';
import { recorder } from '../../scenario/support.ts';

const doubtful = `name: doubtful
title: Policies that can hardly be meant as they are
source: { document: d, section: s }
apps: [httpbin, sleep]
steps:
  - name: one
    apply:
      - apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: paths, namespace: foo }
        spec:
          selector: { matchLabels: { app: httpbin } }
          rules:
            - to: [{ operation: { paths: ["/headers*"] } }]
            - to: [{ operation: { paths: ["/headers/a", "/headers/b"] } }]
      - apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: lost, namespace: foo }
        spec:
          selector: { matchLabels: { app: htpbin } }
          action: DENY
          rules: [{}]
    from: sleep.foo
    request: { url: http://httpbin.foo:8000 }
    expect:
      columns: [no token]
      /headers: [200]
  - name: two
    from: sleep.foo
    request: { url: http://httpbin.foo:8000 }
    expect:
      columns: [no token]
      /ip: [403]
`;

async function lint(text: string) {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, 'it.yaml'), text);
  const { io, stdout } = recorder();
  const code = await strictLintCommand(['it.yaml'], { cwd }, io);
  return { code, lines: stdout().trimEnd().split('\n') };
}

test('policies that can hardly be meant raise a warning where they stand, once, and change no exit code', async () => {
  expect(await lint(doubtful)).toEqual({
    code: 0,
    lines: [
      'it.yaml:16:9: warning: AuthorizationPolicy foo/lost holds for nobody: no pod of namespace foo has app=htpbin',
      'it.yaml:8:9: warning: AuthorizationPolicy foo/paths: rule 2 never decides: rule 1 holds for every request that it holds for',
      '2 expectations of 2 compared with the policies, no contradiction',
    ],
  });
});

test('a policy that is meant to hold for nobody raises none', async () => {
  const meant = doubtful.replace('    apply:', '    selectsNothing: true\n    apply:');
  expect((await lint(meant)).lines.filter((line) => line.includes('nobody'))).toEqual([]);
});

test('warnings stand beside what the policies contradict', async () => {
  const { code, lines } = await lint(doubtful.replace('/ip: [403]', '/ip: [200]'));
  expect(code).toBe(3);
  expect(lines.filter((line) => line.includes('warning:'))).toHaveLength(2);
  expect(lines.at(-1)).toBe('1 mistake in 1 file');
});
