import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { testModule } from '../../src/vitest-plugin/test-module.ts';

const scenario = `name: one
title: A title
source: { document: a document, section: a section }
apps: [httpbin, sleep]
issuers:
  sample: { issuer: testing@secure.istio.io, algorithm: RS256 }
tokens:
  valid: { issuer: sample, claims: { sub: somebody } }
steps:
  - name: it's "a step"
    from: sleep.foo
    request: { url: http://httpbin.foo:8000 }
    expect:
      columns: [/headers, /ip]
      no token: [200, 403]
      valid: [200,
              200]
`;

/** Where the line of the code that has this text comes from, as `line:column`. */
function origin({ code, map }: ReturnType<typeof testModule>, text: string): string {
  const line = code.split('\n').findIndex((each) => each.includes(text));
  const entry = new SourceMap({ ...map!, file: 'one.js', sourceRoot: '', sourcesContent: [] }).findEntry(
    line,
    0,
  );
  if (!('originalLine' in entry)) throw new Error(`nothing is known of "${text}"`);
  return `${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}

test('a suite for each step and a test for each check, literally and each on a line of its own', () => {
  const { code } = testModule(scenario, '/somewhere/one.yaml', '/product/runtime.js');
  const lines = code.split('\n').filter((line) => /^(describe|test)\(/.test(line));
  expect(lines).toEqual([
    `describe("it's \\"a step\\"", () => {`,
    `test("no token, /headers", check("one/it's \\"a step\\"/no token//headers"), 0);`,
    `test("no token, /ip", check("one/it's \\"a step\\"/no token//ip"), 0);`,
    `test("valid, /headers", check("one/it's \\"a step\\"/valid//headers"), 0);`,
    `test("valid, /ip", check("one/it's \\"a step\\"/valid//ip"), 0);`,
  ]);
});

test('editors are led from each of them to its place in the scenario file', () => {
  const made = testModule(scenario, '/somewhere/one.yaml', '/product/runtime.js');
  expect(made.map?.sources).toEqual(['/somewhere/one.yaml']);
  expect(origin(made, 'describe(')).toBe('10:11');
  expect(origin(made, 'test("no token, /headers"')).toBe('15:18');
  expect(origin(made, 'test("no token, /ip"')).toBe('15:23');
  expect(origin(made, 'test("valid, /ip"')).toBe('17:15');
});

test('source maps lead to every check of the longest scenario there is', () => {
  const file = resolve('scenarios/documented/algorithms.yaml');
  const source = readFileSync(file, 'utf8');
  const made = testModule(source, file, '/product/runtime.js');
  const lines = source.split('\n');
  const tests = made.code.match(/^test\("[^"]*"/gm) ?? [];
  expect(tests.length).toBeGreaterThan(20);
  for (const each of tests) {
    const [line = 0, column = 0] = origin(made, each).split(':').map(Number);
    expect(lines[line - 1]?.slice(column - 1), each).toMatch(/^[[{\w]/);
  }
});

test('a scenario for several fetch modes has a suite for each of them', () => {
  const several = scenario.replace('steps:', 'mesh: { fetch: [istiod, envoy] }\nsteps:');
  const { code } = testModule(several, '/somewhere/one.yaml', '/product/runtime.js');
  expect(code.match(/^describe\("keys fetched by \w+"/gm)).toEqual([
    'describe("keys fetched by istiod"',
    'describe("keys fetched by envoy"',
  ]);
  expect(code).toContain(`check("one@envoy/it's \\"a step\\"/valid//ip")`);
});

test('a file with mistakes fails with all of them, at the place of the first', async () => {
  const wrong = scenario.replace('apps:', 'aps:').replace('[200, 403]', '[200, 4030]');
  const { code, map } = testModule(wrong, '/somewhere/one.yaml', '/product/runtime.js');
  expect(map).toBeNull();
  const thrown = await import(`data:text/javascript,${encodeURIComponent(code)}`).catch((error) => error);
  expect(thrown.message).toMatch(/^unknown key "aps"\n {2}Did you mean "apps"\?\n/);
  expect(thrown.message).toMatch(/\nline 15: .*4030/);
  expect(thrown.stack).toMatch(
    /^E_SCENARIO: unknown key "aps"\n[\s\S]*\n {4}at scenario \(\/somewhere\/one\.yaml:4:1\)$/,
  );
});

/** A scenario that applies a policy in a file of its own, and where that is. */
function withPolicy(policy: string) {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-module-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'policy.yaml');
  writeFileSync(file, policy);
  const source = scenario.replace('    from:', '    apply: [{ files: policy.yaml }]\n    from:');
  return { file, made: testModule(source, join(folder, 'one.yaml'), '/product/runtime.js') };
}

test('files that a scenario applies are found beside it, and named for whoever watches', () => {
  const policy = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: orders, namespace: foo }
spec: {}
`;
  const { file, made } = withPolicy(policy);
  expect(made.code).toContain('test("valid, /ip"');
  expect(made.ownFiles).toEqual([file]);
});

test('a mistake in a file that a scenario applies is shown in that file, which is watched until it is mended', async () => {
  const { file, made } = withPolicy('apiVersion: security.istio.io/v1\nkind: [\n');
  const thrown = await import(`data:text/javascript,${encodeURIComponent(made.code)}`).catch(
    (error) => error,
  );
  expect(thrown.stack).toContain(`at scenario (${file}:2:7)`);
  expect(made.ownFiles).toEqual([file]);
});
