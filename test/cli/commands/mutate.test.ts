import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { mutateCommand } from '../../../src/cli/commands/mutate.ts';
import type { Values } from '../../../src/settings/settings.ts';
import { temporaryFolder } from '../../programs/downloads.ts';
import { recorder } from '../../scenario/support.ts';

let cwd: string;
beforeEach(() => {
  cwd = temporaryFolder();
  writeFileSync(
    join(cwd, 'a.yaml'),
    `name: a
title: A path is denied
source: { document: a test, section: one }
apps: [httpbin, sleep]
steps:
  - name: denied
    apply:
      - apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: no-ip, namespace: foo }
        spec:
          selector: { matchLabels: { app: httpbin } }
          action: DENY
          rules: [{ to: [{ operation: { paths: [/ip] } }] }]
    from: sleep.foo
    request: { url: http://httpbin.foo:8000 }
    expect: { columns: [/ip], no token: [403] }
`,
  );
});

async function mutate(values: Values, files = [join(cwd, 'a.yaml')]) {
  const { io, stdout } = recorder();
  const code = await mutateCommand(files, values, { ...io, env: {}, cwd });
  return { code, text: stdout() };
}

test('prints the score, and ends well whatever it is', async () => {
  const { code, text } = await mutate({});
  expect(code).toBe(0);
  expect(text).toContain('a: 5 of 7 mistakes noticed\n');
  expect(text).toMatch(/\n\n5 of 7 mistakes noticed \(71 %\), 2 change nothing\n$/);
});

test('a score below the wanted one ends with 3', async () => {
  expect((await mutate({ 'min-score': '71' })).code).toBe(0);
  expect((await mutate({ 'min-score': '72' })).code).toBe(3);
});

test('as JSON', async () => {
  const { text } = await mutate({ json: true });
  expect(JSON.parse(text)).toMatchObject({
    noticed: 5,
    survived: 2,
    equivalent: 2,
    undecided: 0,
    percent: 71,
  });
});

test('mistakes in files are shown as lint shows them', async () => {
  writeFileSync(join(cwd, 'b.yaml'), 'name: b\n');
  const { code, text } = await mutate({}, [join(cwd, 'b.yaml')]);
  expect(code).toBe(3);
  expect(text).toContain('b.yaml:1:1: the key "title" is missing');
});

test('policies that decide nothing are named, as there are no mistakes to notice in them', async () => {
  const file = join(cwd, 'a.yaml');
  const whole = readFileSync(file, 'utf8');
  writeFileSync(file, whole.replace('app: httpbin }', 'app: htpbin }'));
  expect((await mutate({})).text).toContain(
    'a.yaml:8:9: AuthorizationPolicy foo/no-ip holds for nobody: no pod of namespace foo has app=htpbin\n',
  );
  writeFileSync(file, whole.replace('action: DENY', 'action: deny'));
  expect((await mutate({})).text).toContain(
    'AuthorizationPolicy foo/no-ip is left out, because the API server refuses it: spec.action is "deny"',
  );
});
