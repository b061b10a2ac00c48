/** The CI/CD component for GitLab: its inputs reach the commands, and nothing but the commands. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { allOptions, variableOf } from '../../src/settings/options.ts';

interface Header {
  readonly spec: {
    readonly inputs: Readonly<
      Record<string, { readonly description: string; readonly default: unknown; readonly regex?: string }>
    >;
  };
}

type Variable = string | { readonly value: string; readonly expand: false };

interface Job {
  readonly variables: Readonly<Record<string, Variable>>;
  readonly script: readonly string[];
  readonly artifacts: { readonly when: string; readonly paths: readonly string[] };
}

const text = readFileSync('docs/recipes/gitlab-component.yml', 'utf8');
const [header, jobs] = parseAllDocuments(text).map((document) => document.toJS()) as [
  Header,
  Record<string, Job>,
];
const { inputs } = header.spec;
const job = Object.values(jobs)[0]!;
const defaults = Object.fromEntries(
  Object.entries(inputs).map(([name, { default: value }]) => [name, value]),
);

/** Runs the script of the job as a runner does: all its lines in one bash, which stops at the first that fails. */
function run(given: Readonly<Record<string, unknown>>, codes: Readonly<Record<string, number>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-gitlab-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const npx = join(folder, 'npx');
  writeFileSync(
    npx,
    `#!/bin/bash
    printf '%s\\0' "$@" "target=$JWT_E2E_TARGET" "istio=$JWT_E2E_ISTIO" "profile=$JWT_E2E_PROFILE" "baseline=$JWT_E2E_BASELINE" >> calls
    printf '\\n' >> calls
    case "$3" in run) exit ${codes.run ?? 0};; mutate) exit ${codes.mutate ?? 0};; esac`,
  );
  chmodSync(npx, 0o755);
  const values: Readonly<Record<string, unknown>> = { ...defaults, ...given };
  const filled = (value: string) =>
    value.replaceAll(/\$\[\[ inputs\.([\w-]+) \]\]/g, (_, name: string) => String(values[name]));
  const variables = Object.entries(job.variables).map(([name, variable]) => [
    name,
    typeof variable === 'string' ? variable : filled(variable.value),
  ]);
  let code = 0;
  try {
    execFileSync('bash', ['-eo', 'pipefail', '-c', job.script.map(filled).join('\n')], {
      cwd: folder,
      env: { ...Object.fromEntries(variables), PATH: `${folder}:${process.env.PATH}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  } catch (error) {
    code = (error as { status: number }).status;
  }
  const log = existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8') : '';
  const calls = log
    .split('\0\n')
    .filter(Boolean)
    .map((line) => line.split('\0'));
  return { code, calls, left: readdirSync(folder).filter((name) => !['npx', 'calls'].includes(name)) };
}

test('every input is described, has a default, and is used; no other is', () => {
  for (const { description, ...more } of Object.values(inputs)) {
    expect(description).toMatch(/\w/);
    expect(more).toHaveProperty('default');
  }
  const used = new Set([...text.matchAll(/\$\[\[ inputs\.([\w-]+) \]\]/g)].map(([, name]) => name));
  expect([...used].toSorted()).toEqual(Object.keys(inputs).toSorted());
});

test('no input is part of a shell command, and GitLab expands no variable in one', () => {
  for (const line of job.script) expect(line).not.toContain('$[[');
  for (const variable of Object.values(job.variables)) {
    const value = typeof variable === 'string' ? variable : variable.value;
    expect(typeof variable === 'string').toBe(!value.includes('$[['));
    if (typeof variable !== 'string') expect(variable.expand).toBe(false);
  }
});

test('the settings in it exist', () => {
  const known = new Set(allOptions.map(({ name }) => variableOf(name)));
  const named = Object.keys(job.variables).filter((name) => name.startsWith('JWT_E2E_'));
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});

test('the version can be nothing but a version', () => {
  const pattern = new RegExp(inputs.version?.regex ?? '');
  for (const right of ['latest', '1.2.3', '1.2.3-rc.1']) expect(right).toMatch(pattern);
  for (const wrong of ['', '1.2.3 && x', 'npm:other@1.0.0', '../x', 'https://example.com/x.tgz'])
    expect(wrong).not.toMatch(pattern);
});

describe('the script', () => {
  const settings = (istio = '', profile = 'documented', baseline = '') => [
    ...['target=local', `istio=${istio}`, `profile=${profile}`, `baseline=${baseline}`],
  ];

  test('runs the documented scenarios when nothing is said', () => {
    expect(run({}).calls).toEqual([['--yes', 'istio-jwt-e2e@latest', 'run', '--', ...settings()]]);
  });

  test('takes what is said', () => {
    const given = {
      paths: 'policies/  more/a.yaml',
      istio: '1.30.5,1.31.1',
      profile: 'all',
      baseline: 'known deviations.yaml',
      version: '1.2.3',
      'min-score': 80,
    };
    const all = settings('1.30.5,1.31.1', 'all', 'known deviations.yaml');
    const paths = ['--', 'policies/', 'more/a.yaml'];
    expect(run(given).calls).toEqual([
      ['--yes', 'istio-jwt-e2e@1.2.3', 'run', ...paths, ...all],
      ['--yes', 'istio-jwt-e2e@1.2.3', 'mutate', '--min-score', '80', ...paths, ...all],
    ]);
  });

  test.each([
    [{ run: 4 }, 4, 1],
    [{ run: 1 }, 1, 1],
    [{ mutate: 3 }, 3, 2],
  ])('ends with the code of the command that failed: %j', (codes, code, calls) => {
    const ended = run({ 'min-score': 80 }, codes);
    expect([ended.code, ended.calls.length]).toEqual([code, calls]);
  });

  test.each([
    '$(touch pwned)',
    '`touch pwned`',
    '"; touch pwned; "',
    "'; touch pwned; '",
    '*',
    '--yes',
    '\\',
  ])('%s is text, wherever it stands', (value) => {
    const { calls, left } = run({ paths: value, istio: value, profile: value, baseline: value });
    expect(left).toEqual([]);
    const paths = value.split(' ');
    expect(calls).toEqual([
      ['--yes', 'istio-jwt-e2e@latest', 'run', '--', ...paths, ...settings(value, value, value)],
    ]);
  });
});

test('reports are kept whatever happened', () => {
  expect(job.artifacts).toMatchObject({ when: 'always', paths: ['reports/'] });
});
