import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lintCommand } from '../../src/cli/commands/lint.ts';
import { listCommand } from '../../src/cli/commands/list.ts';
import { recorder } from '../scenario/support.ts';

const scenario = (name: string, more = '') => `name: ${name}
title: Title of ${name}
source: { document: FAQ, section: Sample }
${more}
steps:
  - name: first of ${name}
    through: ingress
    expect:
      columns: [no token]
      /: [200]
      /headers: [403]
`;

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'commands-'));
  for (const folder of ['documented', 'extended', 'broken']) mkdirSync(join(cwd, folder));
  writeFileSync(
    join(cwd, 'documented/a.yaml'),
    scenario('a', 'mesh: { fetch: [istiod, envoy] }\nrequires: [ingress]'),
  );
  writeFileSync(join(cwd, 'extended/b.yaml'), scenario('b', 'tags: [slow]'));
  writeFileSync(join(cwd, 'broken/c.yaml'), scenario('c').replace('steps', 'stpes'));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const run = (command: typeof listCommand, paths: string[], options = {}) => {
  const { io, stdout, stderr } = recorder();
  const exitCode = command(paths, { cwd, istio: '1.31.1', ...options }, io);
  return { exitCode, stdout: stdout(), stderr: stderr() };
};

describe('lint', () => {
  test('says how many scenarios are right', () => {
    expect(run(lintCommand, ['documented', 'extended'])).toEqual({
      exitCode: 0,
      stdout: '2 scenarios, no mistakes\n',
      stderr: '',
    });
  });

  test('shows mistakes and ends with their number', () => {
    expect(run(lintCommand, ['documented', 'broken'])).toEqual({
      exitCode: 3,
      stdout: `broken/c.yaml:1:1: the key "steps" is missing
  1 | name: c
    | ^
  hint: What is done, one after the other. It must be a list.

broken/c.yaml:5:1: unknown key "stpes"
  5 | stpes:
    | ^
  hint: Did you mean "steps"?

2 mistakes in 1 file
`,
      stderr: '',
    });
  });

  test('takes a path that gives nothing for wrong usage', () => {
    const { exitCode, stdout } = run(lintCommand, ['nowhere']);
    expect(exitCode).toBe(2);
    expect(stdout).toMatch(/^nowhere does not exist\n {2}hint: .+\n\n1 mistake\n$/);
    expect(run(lintCommand, ['nowhere', 'broken']).exitCode).toBe(3);
  });
});

describe('list', () => {
  test('shows scenarios with their size in each mode', () => {
    expect(run(listCommand, ['documented', 'extended'])).toEqual({
      exitCode: 0,
      stdout: `a  (documented)
  Title of a
  1 step, 2 checks in each fetch mode: istiod, envoy
  requires: ingress
  documented/a.yaml

b  (extended)
  Title of b
  1 step, 2 checks
  tags: slow
  extended/b.yaml

3 scenarios, 6 checks with Istio 1.31.1
`,
      stderr: '',
    });
  });

  test('writes JSON for programs', () => {
    expect(JSON.parse(run(listCommand, ['documented'], { json: true }).stdout)).toEqual([
      {
        name: 'a',
        title: 'Title of a',
        profile: 'documented',
        file: 'documented/a.yaml',
        source: { document: 'FAQ', section: 'Sample' },
        tags: [],
        requires: ['ingress'],
        apps: [],
        modes: ['istiod', 'envoy'],
        steps: 1,
        checks: 4,
      },
    ]);
  });

  test.each([
    [{ profile: 'extended' }, ['b']],
    [{ tags: ['slow'] }, ['b']],
    [{ skipTags: ['slow'] }, ['a']],
    [{ grep: 'A@ENVOY' }, ['a']],
    [{ grep: 'first of b' }, ['b']],
    [{ grep: '/headers/no token' }, ['a', 'b']],
    [{ grep: 'nothing' }, []],
  ])('with %j shows %j', (options, names) => {
    const { stdout } = run(listCommand, ['documented', 'extended'], { ...options, json: true });
    expect(JSON.parse(stdout).map(({ name }: { name: string }) => name)).toEqual(names);
  });

  test('shows what is right and says what is wrong', () => {
    const { exitCode, stdout, stderr } = run(listCommand, ['extended', 'broken'], { json: true });
    expect(exitCode).toBe(3);
    expect(JSON.parse(stdout)).toHaveLength(1);
    expect(stderr).toContain('broken/c.yaml:5:1: unknown key "stpes"');
  });
});
