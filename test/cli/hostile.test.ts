/** Whatever stands in a file, no command writes what a terminal acts on, or what GitHub Actions takes for an order. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { parseDocument } from 'yaml';
import { commandLine, main } from '../../src/cli/main.ts';
import { conformanceYaml } from '../../src/report/conformance/conformance.ts';
import type { RunResult } from '../../src/report/result.ts';
import { resultOf } from '../report/results.ts';
import * as runs from '../report/runs.ts';

const cwd = mkdtempSync(join(tmpdir(), 'hostile-'));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const bad =
  '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202e\u200b\n::error::planted\r::error::planted ##[error]planted\u2028';
/** For settings, which have one line. */
const badLine = bad.replaceAll(/[\r\n]/g, ' ');
/** Without what no name of a file can have. */
const badName = bad.replaceAll('\0', '').slice(0, 60);

const write = (name: string, content: string | object): string => {
  const file = join(cwd, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};

/** Every text that is free to be anything. */
function poisoned<T>(value: T, name = ''): T {
  const isFixed =
    /^(state|kind|code|fetch|target|mesh|id|format|istio|date|until|runId|type|phase|\w+At)$/.test(name);
  if (typeof value === 'string') return (isFixed ? value : `${value}${bad}`) as T;
  if (Array.isArray(value)) return value.map((each) => poisoned(each, name)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, poisoned(each, key)])) as T;
}

const quoted = JSON.stringify(bad).replaceAll('\u009b', '\\x9b').replaceAll('\u2028', '\\u2028');
const scenario = (more = '', name = quoted) => `name: ${name}
title: ${JSON.stringify(`T${bad}`)}
source: { document: ${quoted}, section: ${quoted} }
apps: [httpbin, sleep]
${more}
tokens: { ${quoted}: { raw: x } }
steps:
  - name: ${quoted}
    from: sleep.foo
    request: { url: http://httpbin.foo:8000 }
    expect:
      columns: [/headers]
      ${quoted}: [200]
`;
write('good/a.yaml', scenario('', 'a'));
write(`bad/${badName.replaceAll('/', '-')}.yaml`, scenario(`${quoted}: 1`));
write(
  'bad/list.yaml',
  scenario(`tags: [${quoted}]\nlists: { a: [${quoted}] }\nmesh: { fetch: [${quoted}] }`),
);
write('bad/syntax.yaml', `name: "${bad}\n  - [`);
const policy = (name: string) => `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: ${name}, namespace: ${quoted} }
spec: { jwtRules: [{ issuer: ${quoted}, jwksUri: ${quoted} }], ${quoted}: 1 }
`;
write(
  'policed/a.yaml',
  scenario('', 'policed').replace(
    '    from: sleep.foo',
    `    apply:
      - apiVersion: security.istio.io/v1
        kind: RequestAuthentication
        metadata: { name: a, namespace: foo }
        spec: { jwtRules: [{ issuer: ${quoted}, jwksUri: "http://a/b", audiences: [${quoted}, b] }] }
    from: sleep.foo`,
  ),
);
write('policies/a.yaml', policy(quoted));
write('policies/b.yaml', `kind: ${quoted}\napiVersion: ${quoted}\nmetadata: ${quoted}\n---\n${bad}: {`);

const clean = resultOf(runs.passed);
const results: RunResult = poisoned(resultOf(runs.failures));
write('clean.json', clean);
write('bad.json', results);
write('broken.json', {
  ...results,
  run: { ...results.run, problem: poisoned({ code: 'E_ISTIO', message: 'm', hint: 'h', details: 'd' }) },
});
write('wrong.json', { [bad]: bad });
write('clean.yaml', conformanceYaml(clean));
write('bad.yaml', conformanceYaml(results));
write('wrong.yaml', `kind: ${quoted}\n${quoted}: ${quoted}\n`);
write(
  'baseline.yaml',
  `known:\n  - { check: ${quoted}, reason: ${quoted}, until: ${quoted}, ${quoted}: 1 }\n`,
);
const late = JSON.stringify(`require-jwt/${bad}*`).replaceAll('\u2028', '\\u2028');
write('unused.yaml', `known:\n  - { check: ${late}, reason: ${quoted}, until: 2999-01-01 }\n`);

const at = (...names: string[]) => names.map((name) => join(cwd, name));
const no = ['--target', 'local', '--no-download', '--no-build', '--programs', join(cwd, badLine)];
const calls: readonly (readonly [name: string, args: readonly string[]])[] = [
  ['lint', ['lint', ...at('bad')]],
  ['lint', ['lint', ...at('good', bad)]],
  ['list', ['list', ...at('good', 'bad')]],
  ['list', ['list', '--json', ...at('good')]],
  ['run', ['run', ...at('bad')]],
  ['run', ['run', ...no, '--grep', badLine, ...at('good')]],
  ['run', ['run', ...no, '--dry-run', ...at('good')]],
  ['run', ['run', ...no, '--baseline', join(cwd, 'baseline.yaml'), ...at('good')]],
  ['run', ['run', ...no, ...reportsTo('run'), ...at('good')]],
  ['up', ['up', ...no]],
  ['up', ['up', '--name', bad]],
  ['down', ['down', '--target', 'local', '--name', badLine]],
  ['schema', ['schema', bad]],
  ['fetch', ['fetch', '--no-download', '--no-build', '--programs', join(cwd, badLine)]],
  ['doctor', ['doctor', '--target', 'local', '--no-download', '--programs', join(cwd, badLine)]],
  ['doctor', ['doctor', '--target', 'local', '--json', '--no-download', '--programs', join(cwd, badLine)]],
  ['report', ['report', ...reportsTo('report'), ...at('bad.json')]],
  [
    'report',
    ['report', ...reportsTo('broken'), '--baseline', join(cwd, 'unused.yaml'), ...at('broken.json')],
  ],
  ['report', ['report', ...at('wrong.json')]],
  ['diff', ['diff', ...at('clean.json', 'bad.json')]],
  ['diff', ['diff', '--json', ...at('clean.json', 'bad.json')]],
  ['diff', ['diff', ...at('clean.yaml', 'bad.yaml')]],
  ['diff', ['diff', ...at('broken.json', 'bad.json')]],
  ['diff', ['diff', ...at('wrong.yaml', 'bad.json')]],
  ['init', ['init', '--from', join(cwd, 'policies'), '--output', join(cwd, 'init.yaml')]],
  ['init', ['init', '--from', join(cwd, bad)]],
  [
    'explain',
    [
      'explain',
      '--from',
      join(cwd, 'policies'),
      '--to',
      'httpbin.foo',
      `curl -H 'X: ${bad}' http://a/${bad}`,
    ],
  ],
  ['explain', ['explain', '--from', join(cwd, bad), '--to', bad, badLine]],
  ['mutate', ['mutate', ...at('good', bad)]],
  ['mutate', ['mutate', ...at('policed')]],
  ['mutate', ['mutate', '--json', ...at('policed')]],
  ['completion', ['completion', bad]],
  ['completion', ['completion', 'zsh']],
  ['versions', ['versions']],
  ['versions', ['versions', '--json']],
  ['matrix', ['matrix', '--istio', badLine]],
  ['matrix', ['matrix']],
  ['', [bad]],
  ['', ['lint', `--${bad}`]],
];

function reportsTo(name: string): string[] {
  return ['html', 'junit', 'json', 'conformance', 'summary', 'artifacts'].flatMap((each) => [
    `--${each}`,
    join(cwd, name, each),
  ]);
}

async function call(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      texts[name] += String(chunk);
      return true;
    });
  await main(args);
  vi.restoreAllMocks();
  return texts;
}

const harmful = /(?![\t\n])\p{Cc}|[\u200b\u202e\u2028]/u;

test('every command is tried', () => {
  const { commands } = commandLine(() => {});
  const tried = new Set(calls.map(([name]) => name));
  expect(commands.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([]);
});

describe.each([
  ['a terminal', {}],
  ['GitHub Actions', { GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: cwd, NO_COLOR: '1' }],
])('on %s', (where, env) => {
  test.each(
    calls.map(
      ([, args]) =>
        [
          args.join(' ').replaceAll(cwd, '').replaceAll(bad, 'BAD').replaceAll(badLine, 'BAD LINE'),
          args,
        ] as const,
    ),
  )('%s', async (_, args) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const { stdout, stderr } = await call(args);
    for (const text of [stdout, stderr]) {
      expect(text).not.toMatch(harmful);
      if (where !== 'a terminal') {
        // Its own annotations are commands, and say where; what was planted never begins a line.
        expect(text).not.toMatch(/^\s*::error::planted|##\[/m);
        for (const line of text.split('\n').filter((each) => each.startsWith('::')))
          expect(line).toMatch(/^::(group|endgroup|error title=|error file=|warning title=|warning file=)/);
      }
    }
    expect(stdout + stderr).not.toBe('');
    if (/^(list|diff|doctor)$/.test(args[0] ?? '') && args.includes('--json'))
      expect(() => JSON.parse(stdout)).not.toThrow();
  });
});

test('JSON has every value as it is', async () => {
  const { stdout } = await call(['list', '--json', ...at('good')]);
  expect(JSON.parse(stdout)[0].title).toBe(`T${bad}`);
});

test('reports for people are as harmless', async () => {
  await call(['report', ...reportsTo('people'), ...at('bad.json')]);
  for (const name of ['html', 'junit', 'summary']) {
    const text = readFileSync(join(cwd, 'people', name), 'utf8');
    expect(text).toContain('planted');
    expect(text, name).not.toMatch(harmful);
  }
  expect(parseDocument(readFileSync(join(cwd, 'people', 'conformance'), 'utf8')).errors).toEqual([]);
});
